# SPDX-License-Identifier: Apache-2.0
"""test_fleet_golden.py - merges of the golden profiles in tests/data/profiles

Six generations of Intel's CPUs, three of them under two kernels, and four CPUs of
AMD's, as muster saw them: see the README.md there.  No emulator runs here.
"""

import copy
import itertools
import json
import random
import subprocess
from pathlib import Path

import pytest

DATA = Path(__file__).resolve().parent.parent / "data"
MILAN = DATA / "fingerprints/amd-milan.json"
FLIPS = 500


def profiles(*names):
    return [DATA / f"profiles/{name}.json" for name in names]


INTEL = profiles("penryn", "lynnfield", "sandy_bridge", "ivy_bridge", "haswell",
                 "skylake_x")
PENRYN, SKYLAKE_X = INTEL[0], INTEL[-1]
AMD = profiles("epyc", "epyc-rome", "epyc-milan", "svm")
GOLDEN = {"intel": INTEL, "intel-without-penryn": INTEL[1:], "amd": AMD}


@pytest.fixture
def fleet(muster, tmp_path):
    """Run `muster fleet` in an empty folder."""
    def run(*arguments, statuses=(0,)):
        done = subprocess.run([muster, "fleet", *map(str, arguments)], text=True,
                              cwd=tmp_path, check=False, timeout=60,
                              capture_output=True)
        assert done.returncode in statuses, done.stdout + done.stderr
        return done
    return run


def golden(name):
    return DATA / f"templates/{name}.json"


# ---- the fleets ----

@pytest.mark.parametrize("name", GOLDEN)
def test_a_fleet_has_its_golden_template(fleet, name):
    merged = fleet("merge", *GOLDEN[name]).stdout
    assert merged == golden(name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", GOLDEN)
def test_every_host_fits_the_template_of_its_fleet(fleet, name):
    done = fleet("check", golden(name), *GOLDEN[name])
    assert [line.split(": ")[1] for line in done.stdout.splitlines()] == (
        ["fits"] * len(GOLDEN[name]))


@pytest.mark.parametrize("name", GOLDEN)
def test_the_order_of_the_hosts_makes_no_difference(fleet, name):
    wanted = golden(name).read_text(encoding="utf-8")
    hosts = GOLDEN[name]
    shuffle = random.Random(1)
    for _ in range(20):
        assert fleet("merge", *shuffle.sample(hosts, len(hosts))).stdout == wanted


@pytest.mark.parametrize("name", GOLDEN)
def test_merging_in_steps_makes_no_difference(fleet, name):
    wanted = golden(name).read_text(encoding="utf-8")
    hosts = GOLDEN[name]
    for split in range(1, len(hosts)):
        fleet("merge", *hosts[:split], "-o", "old.json")
        fleet("merge", *hosts[split:], "-o", "new.json")
        assert fleet("merge", "new.json", "old.json").stdout == wanted
        assert fleet("merge", "old.json", *hosts[split:]).stdout == wanted


@pytest.mark.parametrize("pair", list(itertools.combinations(INTEL, 2)),
                         ids=lambda pair: f"{pair[0].stem}-{pair[1].stem}")
def test_a_pair_fits_its_template_and_holds_that_of_the_fleet(fleet, pair):
    fleet("merge", *pair, "-o", "pair.json")
    assert fleet("merge", *reversed(pair)).stdout == fleet(
        "merge", "pair.json").stdout
    fleet("check", "pair.json", *pair)
    # Less than each, and no less than the whole fleet.
    wanted = golden("intel").read_text(encoding="utf-8")
    assert fleet("merge", "pair.json", golden("intel")).stdout == wanted


# ---- what a host costs ----

EPT = {"vmx-ept", "vmx-vpid", "vmx-invept", "vmx-ept-2mb"}


def test_without_penryn_the_fleet_has_ept(fleet):
    told = json.loads(fleet("diff", "--json", golden("intel"),
                            golden("intel-without-penryn"),
                            statuses=(1,)).stdout)
    gained = {field["name"] for field in told["differences"]
              if (field["a"], field["b"]) in [("0", "1"),
                                              ("always 0", "0 or 1")]}
    assert EPT <= gained


def test_the_explanation_names_penryn_and_what_it_costs(fleet):
    told = json.loads(fleet("merge", *INTEL, "--explain", "--json").stdout)
    losses = {loss["name"]: loss for loss in told["losses"]}
    lacking = losses["vmx-ept"]["missing_on"]
    assert [host["host"] for host in lacking] == ["penryn"]
    assert [host["layer"] for host in lacking] == ["silicon"]
    regained = {gain["host"]: set(gain["features"])
                for gain in told["regained_without"]}
    assert EPT <= regained["penryn"]


def test_a_newer_template_does_not_fit_penryn(fleet):
    done = fleet("check", golden("intel-without-penryn"), *INTEL, statuses=(1,))
    lines = done.stdout.splitlines()
    assert lines[0] == "penryn: does not fit:"
    assert ("  vmx-ept (IA32_VMX_PROCBASED_CTLS2): the template has 0 or 1, the "
            "host always 0") in lines
    assert sum(line.endswith(": fits") for line in lines) == len(INTEL) - 1


def test_a_required_feature_names_penryn(fleet):
    done = fleet("merge", *INTEL, "--require", "vmx-ept", statuses=(2,))
    assert done.stderr == "muster: --require vmx-ept: missing on penryn\n"


# ---- AMD ----

@pytest.fixture
def milan(fleet):
    """A real Milan, as its guests see it: without SVM."""
    fleet("profile", "--import-firecracker", MILAN, "--name", "milan", "-o",
          "milan.json")
    return "milan.json"


def explained(fleet, *hosts):
    """{name: loss} and {host: names} of an explanation."""
    told = json.loads(fleet("merge", *hosts, "--explain", "--json").stdout)
    return ({loss["name"]: loss for loss in told["losses"]},
            {gain["host"]: set(gain["features"])
             for gain in told["regained_without"]})


def lacking(loss):
    return [host["host"] for host in loss["missing_on"]]


def test_an_amd_fleet_keeps_svm_and_loses_to_its_oldest(fleet):
    template = fleet("show", golden("amd")).stdout
    assert " svm " in template and " npt " in template
    losses, regained = explained(fleet, *AMD)
    assert lacking(losses["clwb"]) == ["epyc"]
    assert lacking(losses["pku"]) == ["epyc", "epyc-rome"]
    assert lacking(losses["vgif"]) == ["epyc", "epyc-rome", "epyc-milan"]
    assert losses["vgif"]["layer"] == "silicon"
    assert {"clwb", "umip"} <= regained["epyc"]


def test_a_real_milan_joins_the_amd_fleet(fleet, milan):
    fleet("merge", golden("amd"), milan, "-o", "both.json")
    assert fleet("merge", milan, *AMD).stdout == fleet("merge", "both.json").stdout
    done = fleet("check", "both.json", milan, *AMD)
    assert done.stdout.count(": fits\n") == len(AMD) + 1
    losses, regained = explained(fleet, milan, *AMD)
    assert lacking(losses["svm"]) == ["milan"]
    assert "svm" in regained["milan"]


def test_amd_and_intel_are_no_fleet(fleet):
    done = fleet("merge", SKYLAKE_X, *AMD, statuses=(2,))
    assert done.stderr == ("muster: skylake_x is GenuineIntel and epyc is "
                           "AuthenticAMD: vendors do not mix in one fleet\n")
    fleet("check", golden("intel"), *AMD, statuses=(1,))


# ---- one silicon under two kernels ----

UPGRADED = ("penryn", "haswell", "skylake_x")
OLDER = "kernel 6.1."


def both_kernels(name):
    return profiles(name, f"{name}-6.12")


@pytest.mark.parametrize("name", UPGRADED)
def test_what_the_older_kernel_lacks_is_the_kernels(fleet, name):
    losses, _ = explained(fleet, *both_kernels(name))
    assert losses
    for loss in losses.values():
        assert lacking(loss) == [name]
        assert loss["layer"].startswith(OLDER)


def test_on_penryn_the_newer_kernel_flushes_for_its_guests(fleet):
    losses, regained = explained(fleet, *both_kernels("penryn"))
    assert "skip_vmentry_l1dflush" in losses
    assert regained == {"penryn": set(losses)}


def test_a_fleet_in_the_middle_of_an_upgrade_has_a_cpu(fleet):
    hosts = [path for name in UPGRADED for path in both_kernels(name)]
    fleet("merge", *hosts, "-o", "mixed.json")
    done = fleet("check", "mixed.json", *hosts)
    assert done.stdout.count(": fits\n") == len(hosts)
    # In any order of upgrades.
    older, newer = hosts[::2], hosts[1::2]
    assert fleet("merge", *newer, *older).stdout == fleet(
        "merge", "mixed.json").stdout
    # What is missing for its silicon is not blamed on the kernel.
    losses, _ = explained(fleet, *hosts)
    assert {host["host"]: host["layer"] for host in
            losses["vmx-ept"]["missing_on"]} == {
                "penryn": "silicon", "penryn-6.12": "silicon"}


def test_a_template_of_upgraded_hosts_is_checked_against_the_others(fleet):
    fleet("merge", *profiles("penryn-6.12"), "-o", "new.json")
    done = fleet("check", "new.json", *both_kernels("penryn"), statuses=(1,))
    assert done.stdout.startswith("penryn: does not fit:\n")
    assert "  skip_vmentry_l1dflush (IA32_ARCH_CAPABILITIES): " in done.stdout
    assert done.stdout.endswith("penryn-6.12: fits\n")
    fleet("merge", *profiles("penryn"), "-o", "old.json")
    told = json.loads(fleet("check", "--json", "old.json",
                            *both_kernels("penryn"), statuses=(0, 1)).stdout)
    assert [host["misfits"] for host in told["hosts"]] == [[], []]


# ---- no bit is ignored ----

def places(template):
    """(object, key, bits) of each register."""
    for entry in template["cpuid"]:
        for register in "eax", "ebx", "ecx", "edx":
            if register in entry:
                yield entry, register, 32
    for register in template["msrs"]:
        yield template["msrs"], register, 64


def flipped(template, number):
    """The template with its bit `number` changed, and what that bit is."""
    template = copy.deepcopy(template)
    for where, key, bits in places(template):
        if number < bits:
            where[key] = hex(int(where[key], 16) ^ 1 << number)
            return template, f"{where.get('leaf', 'MSR')} {key} bit {number}"
        number -= bits
    raise IndexError(number)


@pytest.mark.parametrize("name", ["intel", "amd"])
def test_a_template_changed_in_any_bit_is_refused_or_another(fleet, tmp_path, name):
    """What every host can show is less than the fleet's, or it is not shown."""
    same = golden(name).read_text(encoding="utf-8")
    template = json.loads(same)
    count = sum(bits for _, _, bits in places(template))
    ignored = []
    for number in random.Random(1).sample(range(count), FLIPS):
        changed, what = flipped(template, number)
        (tmp_path / "x.json").write_text(json.dumps(changed), encoding="utf-8")
        if fleet("check", "x.json", *GOLDEN[name], statuses=(0, 1, 2)).returncode:
            continue
        if fleet("merge", "x.json", golden(name)).stdout == same:
            ignored.append(what)
    assert not ignored
