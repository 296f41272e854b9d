# SPDX-License-Identifier: Apache-2.0
"""test_fleet_golden.py - merges of the golden profiles in tests/data/profiles

Six generations of Intel's CPUs and one of AMD's, as muster saw them: see the
README.md there.  No emulator runs here.
"""

import copy
import itertools
import json
import random
import subprocess
from pathlib import Path

import pytest

DATA = Path(__file__).resolve().parent.parent / "data"
INTEL = [DATA / f"profiles/{name}.json"
         for name in ("penryn", "lynnfield", "sandy_bridge", "ivy_bridge",
                      "haswell", "skylake_x")]
PENRYN, SKYLAKE_X = INTEL[0], INTEL[-1]
AMD = DATA / "profiles/svm.json"
FLIPS = 500
GOLDEN = {"intel": INTEL, "intel-without-penryn": INTEL[1:]}


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


def test_the_order_of_the_hosts_makes_no_difference(fleet):
    wanted = golden("intel").read_text(encoding="utf-8")
    shuffle = random.Random(1)
    for _ in range(20):
        order = shuffle.sample(INTEL, len(INTEL))
        assert fleet("merge", *order).stdout == wanted


def test_merging_in_steps_makes_no_difference(fleet):
    wanted = golden("intel").read_text(encoding="utf-8")
    for split in range(1, len(INTEL)):
        fleet("merge", *INTEL[:split], "-o", "old.json")
        fleet("merge", *INTEL[split:], "-o", "new.json")
        assert fleet("merge", "new.json", "old.json").stdout == wanted
        assert fleet("merge", "old.json", *INTEL[split:]).stdout == wanted


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

def test_amd_fits_its_own_template(fleet):
    fleet("merge", AMD, "-o", "amd.json")
    assert fleet("check", "amd.json", AMD).stdout == "svm: fits\n"


def test_amd_and_intel_are_no_fleet(fleet):
    done = fleet("merge", SKYLAKE_X, AMD, statuses=(2,))
    assert done.stderr == ("muster: skylake_x is GenuineIntel and svm is "
                           "AuthenticAMD: vendors do not mix in one fleet\n")
    fleet("check", golden("intel"), AMD, statuses=(1,))


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


def test_a_template_changed_in_any_bit_is_refused_or_another(fleet, tmp_path):
    """What every host can show is less than the fleet's, or it is not shown."""
    template = json.loads(golden("intel").read_text(encoding="utf-8"))
    same = golden("intel").read_text(encoding="utf-8")
    count = sum(bits for _, _, bits in places(template))
    ignored = []
    for number in random.Random(1).sample(range(count), FLIPS):
        changed, what = flipped(template, number)
        (tmp_path / "x.json").write_text(json.dumps(changed), encoding="utf-8")
        if fleet("check", "x.json", *INTEL, statuses=(0, 1, 2)).returncode:
            continue
        if fleet("merge", "x.json", golden("intel")).stdout == same:
            ignored.append(what)
    assert not ignored
