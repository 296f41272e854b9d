# SPDX-License-Identifier: Apache-2.0
"""test_cpu_linux.py - Debian's kernel sees the CPU that --cpu asks for, no other"""

import json

import pytest

import linux

pytestmark = pytest.mark.needs("svm")

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


def test_nested_virtualisation_is_there_when_asked_for(svm, templates):
    assert "svm" not in boot(svm, "--cpu", "all.json")
    assert "svm" in boot(svm, "--cpu", "all.json", "--nested", "on")


def test_a_template_with_a_bit_too_many_does_not_start(svm, templates):
    more = json.loads(templates[templates.index("{"):])
    leaf = next(e for e in more["cpuid"] if e["leaf"] == "0x7" and e["subleaf"] == "0x0")
    leaf["ebx"] = hex(int(leaf["ebx"], 16) | 1 << 9)
    svm.shell("cat > more.json", stdin=json.dumps(more).encode())
    result = svm.run(linux.run_args(svm, "vmlinux", SCRIPT, "--cpu", "more.json"))
    assert result.status == 2
    assert "erms" in result.stderr
