# SPDX-License-Identifier: Apache-2.0
"""test_cpu.py - `muster run --cpu`: the CPU of a file, or no start"""

import json

import pytest

import payload

pytestmark = pytest.mark.needs("direct")

BAD_CONFIG, HOST_LACKS = 2, 3
MODIFIER = {"leaf": "0x7", "subleaf": "0x0", "flags": 1,
            "modifiers": [{"register": "ecx", "bitmap": "0b1xxxxx"}]}


def run(host, *more, cpus=1):
    return host.run(payload.args("hello", *more, cpus=cpus))


def refused(result, *words):
    assert result.status == BAD_CONFIG
    assert "hello" not in result.stdout
    assert result.stderr.count("\n") == 1
    for word in words:
        assert word in result.stderr


@pytest.mark.parametrize("cpus", [1, 2])
@pytest.mark.parametrize("msr", ["default", "strict"])
def test_a_guest_runs_with_either_msr_policy(direct, msr, cpus):
    payload.check(run(direct, "--msr", msr, cpus=cpus), "hello")


def test_an_empty_firecracker_template_changes_nothing(direct, tmp_path):
    path = tmp_path / "empty.json"
    path.write_text("{}")
    payload.check(run(direct, "--cpu", path), "hello")


def test_a_firecracker_template_that_asks_for_too_much_is_refused(
        direct, tmp_path):
    path = tmp_path / "waitpkg.json"
    path.write_text(json.dumps({"cpuid_modifiers": [MODIFIER]}))
    refused(run(direct, "--cpu", path), str(path), "waitpkg")


def test_a_broken_template_is_named(direct, tmp_path):
    path = tmp_path / "broken.json"
    path.write_text("{")
    refused(run(direct, "--cpu", path), str(path))
    refused(run(direct, "--cpu", tmp_path / "none.json"), "no such file")


def test_a_built_in_template_is_for_its_vendor(direct):
    with open("/proc/cpuinfo", encoding="ascii") as cpuinfo:
        intel = "GenuineIntel" in cpuinfo.read()
    refused(run(direct, "--cpu", "T2A" if intel else "T2"),
            "AuthenticAMD", "GenuineIntel")
