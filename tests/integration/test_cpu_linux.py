# SPDX-License-Identifier: Apache-2.0
"""test_cpu_linux.py - Debian's kernel sees the CPU that --cpu asks for, no other"""

import json

import pytest

import linux
import payload
from images import ROOT

pytestmark = pytest.mark.needs("svm")

SMAP = 1 << 20
TOPOEXT = 1 << 22
# What Linux shows of leaf 8000000AH, where it has SVM.
NESTED = {"npt", "lbrv", "svm_lock", "nrip_save", "tsc_scale", "vmcb_clean",
          "flushbyasid", "decodeassists", "pausefilter", "pfthreshold", "avic",
          "v_vmsave_vmload", "vgif"}

SCRIPT = """
echo "@cpus $(nproc)"
echo "@flags $(sed -n 's/^flags.*: //p' /proc/cpuinfo | sort -u)"
""" + linux.SHOW_WARNINGS


@pytest.fixture(scope="module")
def templates(svm):
    """In level 1: the CPU of this host, and one with less; what they are called."""
    muster = svm.muster
    done = svm.shell(f"""
        {muster} fleet profile -o host.json &&
        {muster} fleet merge host.json -o all.json &&
        {muster} fleet merge host.json --without aes --without smep -o less.json &&
        {muster} fleet check all.json && {muster} fleet check less.json &&
        cat all.json""")
    assert done.status == 0, done.stderr
    return done.stdout


def boot(svm, *more):
    result = svm.run(linux.run_args(svm, "vmlinux", SCRIPT, "--cpus", 2, *more))
    assert result.status == 0, result.stderr
    assert linux.complaints(result.console) == []
    assert result.facts["cpus"] == "2"
    # One line: all CPUs have the same flags.
    return set(result.facts["flags"].split())


def test_a_template_takes_features_away(svm, templates):
    assert templates
    everything = boot(svm, "--cpu", "all.json")
    less = boot(svm, "--cpu", "less.json", "--msr", "strict")
    assert {"aes", "smep"} <= everything
    assert not {"aes", "smep"} & less
    assert less < everything


@pytest.fixture(scope="module")
def fleet_template(svm, templates):
    """Of this host, one like it with less, and another generation's profile."""
    reduced = json.loads(svm.shell("cat host.json").stdout)
    reduced["host"] = "reduced"
    leaf = next(e for e in reduced["kvm"]["cpuid"]
                if e["leaf"] == "0x7" and e["subleaf"] == "0x0")
    leaf["ebx"] = hex(int(leaf["ebx"], 16) & ~SMAP)
    svm.shell("cat > reduced.json", stdin=json.dumps(reduced).encode())
    epyc = svm.path(ROOT / "tests/data/profiles/epyc.json")
    done = svm.shell(f"""
        m={svm.muster}
        $m fleet merge host.json reduced.json {epyc} -o fleet.json &&
        $m fleet check fleet.json && $m fleet merge {epyc} reduced.json host.json""")
    assert done.status == 0, done.stderr
    assert "fits" in done.stdout
    return templates


def test_debian_boots_on_the_cpu_of_an_amd_fleet(svm, fleet_template):
    assert fleet_template
    everything = boot(svm, "--cpu", "all.json")
    common = boot(svm, "--cpu", "fleet.json", "--msr", "strict", "--nested", "on")
    assert {"smap", "clwb", "3dnow"} <= everything
    assert not {"smap", "clwb", "3dnow"} & common
    assert {"sse4_2", "aes", "svm"} <= common
    assert common - {"svm"} < everything | NESTED


def test_nested_virtualisation_is_there_when_asked_for(svm, templates):
    assert "svm" not in boot(svm, "--cpu", "all.json")
    assert "svm" in boot(svm, "--cpu", "all.json", "--nested", "on")


def test_cpus_are_cores_or_threads_of_cores(svm):
    for smt, threads in ("on", "1 2 100"), ("off", "0 1 100"):
        result = svm.run(["run", "--kernel", svm.path(payload.guest("cpu-dump")),
                          "--cpus", 4, "--debug-exit", "--console", "serial",
                          f"--smt={smt}"])
        assert result.status == 0, result
        leaves = dict(line.removeprefix("cpuid ").split(": ", 1)
                      for line in result.console.splitlines()
                      if line.startswith("cpuid "))
        assert leaves["b.0"] == f"{threads} 0"
        assert leaves["b.1"] == "2 4 201 0"
        assert ("its guest sees 4 cores" in result.stderr) == (
            smt == "on" and not int(leaves["80000001.0"].split()[2], 16) & TOPOEXT)


def test_a_template_with_a_bit_too_many_does_not_start(svm, templates):
    more = json.loads(templates[templates.index("{"):])
    leaf = next(e for e in more["cpuid"] if e["leaf"] == "0x7" and e["subleaf"] == "0x0")
    leaf["ebx"] = hex(int(leaf["ebx"], 16) | 1 << 9)
    svm.shell("cat > more.json", stdin=json.dumps(more).encode())
    result = svm.run(linux.run_args(svm, "vmlinux", SCRIPT, "--cpu", "more.json"))
    assert result.status == 2
    assert "erms" in result.stderr
