# SPDX-License-Identifier: Apache-2.0
"""test_fleet_vmx.py - guests see one CPU on all hosts of a fleet, VMX included

The fleets are made of the golden profiles.  Each Bochs model boots once, runs
all its fleets' guests, and the tests compare what came back.
"""

import functools
import json
import re
import subprocess

import pytest

import linux
import payload
from host import LOGS, static_muster
from make_profiles import MODELS, PROFILES, short_name

pytestmark = pytest.mark.needs("vmx")

PENRYN, LYNNFIELD, SANDY_BRIDGE, IVY_BRIDGE, HASWELL, SKYLAKE_X = MODELS
BAD_CONFIG = 2

# Of each fleet: its hosts, and what else `fleet merge` is told.
FLEETS = {
    "all": (MODELS, []),
    "without-penryn": (MODELS[1:], []),
    # Bit 55 of IA32_VMX_BASIC is 0.
    "all-plain": (MODELS, ["--without", "vmx-true-ctls"]),
    # The furthest apart, two steps of one line, and the two with the most.
    "penryn-skylake_x": ([PENRYN, SKYLAKE_X], []),
    "lynnfield-haswell": ([LYNNFIELD, HASWELL], []),
    "sandy_bridge-ivy_bridge": ([SANDY_BRIDGE, IVY_BRIDGE], []),
    "haswell-skylake_x": ([HASWELL, SKYLAKE_X], []),
}

# One bit more than the host has, in CPUID and in a VMX capability MSR.
MORE = {
    PENRYN: [("0x1", "ecx", 20, "sse4_2"), ("msrs", "0x48b", 37, "vmx-vpid")],
    LYNNFIELD: [("0x1", "ecx", 25, "aes"),
                ("msrs", "0x48b", 40, "vmx-apicv-register")],
    SANDY_BRIDGE: [("0x1", "ecx", 30, "rdrand"),
                   ("msrs", "0x48b", 41, "vmx-apicv-vid")],
    IVY_BRIDGE: [("0x1", "ecx", 22, "movbe"),
                 ("msrs", "0x48b", 41, "vmx-apicv-vid")],
    HASWELL: [("0x7", "ebx", 18, "rdseed"),
              ("msrs", "0x48b", 57, "vmx-tsc-scaling")],
    SKYLAKE_X: [("0x7", "ebx", 29, "sha_ni"),
                ("msrs", "0x48b", 42, "vmx-ple")],
}

SCRIPT = """
echo "@flags $(sed -n 's/^flags.*: //p' /proc/cpuinfo)"
echo "@vmx_flags $(sed -n 's/^vmx flags.*: //p' /proc/cpuinfo)"
""" + linux.SHOW_WARNINGS


# ---- templates ----

@functools.cache
def template(fleet):
    """The file that a fleet merges into."""
    models, options = FLEETS[fleet]
    path = LOGS / "templates" / f"{fleet}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    profiles = [PROFILES / f"{short_name(model)}.json" for model in models]
    subprocess.run([static_muster(), "fleet", "merge", *profiles, *options,
                    "-o", path], check=True)
    return path


def read_template(fleet):
    return json.loads(template(fleet).read_text(encoding="utf-8"))


def with_bit(where, key, bit, name):
    """The template of all with that bit too."""
    changed = read_template("all")
    place = changed["msrs"] if where == "msrs" else next(
        entry for entry in changed["cpuid"] if entry["leaf"] == where)
    place[key] = hex(int(place[key], 16) | 1 << bit)
    path = LOGS / "templates" / f"with-{name}.json"
    path.write_text(json.dumps(changed), encoding="utf-8")
    return path


# ---- what each model runs ----

def fleets_of(model):
    return [fleet for fleet, (models, _) in FLEETS.items() if model in models]


def run_args(host, guest, path, *more):
    return ["run", "--kernel", host.path(payload.guest(guest)), "--debug-exit",
            "--memory", "16M", "--cpu", host.path(path), "--nested", "on",
            *more]


def vmx_jobs(host):
    for fleet in fleets_of(host.model):
        for guest in "cpu-dump", "vmx-hypervisor":
            host.add(f"{guest}:{fleet}", run_args(host, guest, template(fleet)))
    for guest in "cpu-dump", "vmx-hypervisor":
        host.add(f"{guest}:strict", run_args(host, guest, template("all"),
                                             "--msr", "strict"))
    for bit in MORE[host.model]:
        host.add(f"with-{bit[-1]}", run_args(host, "cpu-dump", with_bit(*bit)))
    host.add("linux", linux.run_args(
        host, "bzimage", SCRIPT, "--memory", "128M", "--nested", "on",
        "--cpu", host.path(template("all"))))


def good(result, guest):
    payload.check(result, guest)
    return result.console


# ---- the CPU ----

def msrs_of(dump):
    """{number: value}; an MSR that the guest may not read has no value."""
    return {int(number, 16): None if value == "#GP" else int(value, 16)
            for number, value in re.findall(r"^msr (\w+): (\S+)$", dump,
                                            re.MULTILINE)}


def is_vmx(msr):
    return 0x480 <= msr <= 0x493


@pytest.mark.parametrize("fleet", FLEETS)
def test_every_host_of_a_fleet_shows_the_same_cpu(vmx, fleet):
    dumps = {model: good(vmx(model)[f"cpu-dump:{fleet}"], "cpu-dump")
             for model in FLEETS[fleet][0]}
    first = next(iter(dumps.values()))
    assert dumps == dict.fromkeys(dumps, first)


@pytest.mark.parametrize("fleet", FLEETS)
def test_the_msrs_are_those_of_the_template(vmx, fleet):
    wanted = {int(number, 16): int(value, 16)
              for number, value in read_template(fleet)["msrs"].items()}
    wanted[0x3A] = 5  # locked, VMXON outside SMX
    dump = vmx(FLEETS[fleet][0][0])[f"cpu-dump:{fleet}"].console
    shown = {number: value for number, value in msrs_of(dump).items()
             if value is not None}
    # KVM answers 0 for VMX MSRs that hardware would not have.
    assert shown == {number: wanted.get(number, 0) for number in shown}
    assert set(filter(is_vmx, wanted)) <= set(shown)


@pytest.mark.parametrize("model", MODELS)
def test_strict_msrs_are_those_that_hardware_would_have(vmx, model):
    shown = msrs_of(good(vmx(model)["cpu-dump:strict"], "cpu-dump"))
    wanted = {int(number, 16) for number in read_template("all")["msrs"]}
    assert ({number for number, value in shown.items()
             if is_vmx(number) and value is not None} ==
            set(filter(is_vmx, wanted)))


@pytest.mark.parametrize("model", MODELS)
def test_a_bit_more_than_the_host_has_is_refused_by_name(vmx, model):
    for *_, name in MORE[model]:
        result = vmx(model)[f"with-{name}"]
        assert result.status == BAD_CONFIG, result
        assert result.stderr.count("\n") == 1
        assert re.search(rf"\b{name}\b", result.stderr)
        assert "cpuid" not in result.stdout


# ---- hypervisors ----

@pytest.mark.parametrize("fleet", FLEETS)
def test_a_hypervisor_by_the_book_does_the_same_on_every_host(vmx, fleet):
    told = {model: good(vmx(model)[f"vmx-hypervisor:{fleet}"], "vmx-hypervisor")
            for model in FLEETS[fleet][0]}
    first = next(iter(told.values()))
    assert told == dict.fromkeys(told, first)
    assert first.count("controls refused") == 5
    assert ("by the TRUE MSRs" in first) == (fleet != "all-plain")


@pytest.mark.parametrize("model", MODELS)
def test_strict_msrs_leave_a_hypervisor_what_it_needs(vmx, model):
    results = vmx(model)
    strict = good(results["vmx-hypervisor:strict"], "vmx-hypervisor")
    assert strict == results["vmx-hypervisor:all"].console


# ---- Linux ----

def test_linux_has_the_same_flags_on_every_host(vmx):
    results = {model: vmx(model)["linux"] for model in MODELS}
    for model, result in results.items():
        assert result.status == 0, (model, result)
        assert linux.complaints(result.console) == [], model
    flags = {model: (result.facts["flags"], result.facts["vmx_flags"])
             for model, result in results.items()}
    first = flags[PENRYN]
    assert flags == dict.fromkeys(flags, first)
    assert {"vmx", "sse4_1"} <= set(first[0].split())
    assert "sse4_2" not in first[0].split()
    assert "vnmi" in first[1].split()
