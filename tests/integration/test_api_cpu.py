# SPDX-License-Identifier: Apache-2.0
"""test_api_cpu.py - GET /cpu: the CPU that the guest was given"""

import json

import pytest

from instance import Instance

pytestmark = pytest.mark.needs("direct")


def test_a_running_guest_has_what_a_template_describes(direct, instance, tmp_path):
    assert "while the VM is not started" in instance.ask("GET", "/cpu").fault
    instance.boot("spin")
    instance.start()
    told = instance.ask("GET", "/cpu").body
    assert set(told) == {"microcode", "template"}
    assert told["template"]["format"] == "muster-template"
    assert int(told["microcode"], 16) < 1 << 32
    path = tmp_path / "cpu.json"
    path.write_text(json.dumps(told["template"]))
    assert direct.run(["fleet", "check", path]).status == 0


def test_a_guest_from_a_snapshot_has_the_cpu_of_the_first(direct, instance, tmp_path):
    instance.boot("spin")
    instance.start()
    files = {"snapshot_path": f"{tmp_path}/state", "mem_file_path": f"{tmp_path}/mem"}
    instance.put("/snapshot/create", files)
    folder = tmp_path / "second"
    folder.mkdir()
    second = Instance(direct, folder)
    second.put("/snapshot/load", {**files, "resume_vm": True})
    assert second.ask("GET", "/cpu").body == instance.ask("GET", "/cpu").body
    second.stop()
