# SPDX-License-Identifier: Apache-2.0
"""test_snapshot_info.py - muster snapshot info and check, over files of a real VM"""

import json
import os
import struct

import pytest

import payload
from control import wait_for
from memory_file import crc64

pytestmark = pytest.mark.needs("direct")


@pytest.fixture(scope="module")
def folder(direct, tmp_path_factory):
    """The snapshot of a VM with a disk: vm.state, vm.memory, disk.img."""
    path = tmp_path_factory.mktemp("snapshot")
    disk = path / "disk.img"
    disk.touch()
    os.truncate(disk, 1 << 20)
    job = direct.start_muster(payload.args(
        "spin", "--control", path / "vm.sock",
        "--disk", f"path={disk},id=data", cpus=2))
    wait_for(path / "vm.sock", job)
    taken = direct.run(["ctl", "--socket", path / "vm.sock", "snapshot",
                        "--state", path / "vm.state",
                        "--memory", path / "vm.memory"])
    job.signal("TERM")
    job.wait(10)
    assert taken.status == 0, taken.stderr
    return path


def check(direct, folder, *more):
    return direct.run(["snapshot", "check", "--json", "--state",
                       folder / "vm.state", *more])


def problems(result):
    shown = json.loads(result.stdout)
    assert shown["format"] == "muster-snapshot-check" and shown["version"] == 1
    assert shown["fits"] == (result.status == 0) == (not shown["problems"])
    return shown["problems"]


def test_info_shows_every_section(direct, folder):
    result = direct.run(["snapshot", "info", folder / "vm.state"])
    assert result.status == 0, result.stderr
    sections = json.loads(result.stdout)["sections"]
    names = [s["name"] for s in sections]
    assert names.count("vcpu") == 2
    assert {"config", "profile", "template", "memory", "machine", "serial",
            "virtio", "virtio-mmio", "blk", "platform"} <= set(names)
    found = {s["name"]: s["content"] for s in sections}
    assert "--cpus=2" in found["config"]
    assert found["memory"]["ram_bytes"] == 64 << 20
    assert found["template"]["format"] == "muster-template"
    assert found["profile"]["format"] == "muster-profile"
    assert all(s["content"] is not None for s in sections if s["name"] != "end")


def section_crc(header, payload):
    return struct.pack("<Q", crc64(header[:32] + payload))


def with_rip(state, rip):
    """The bytes of a state file whose vCPU 0 is at another instruction."""
    at = state.index(b"vcpu".ljust(16, b"\0") + bytes(4))
    length, = struct.unpack_from("<Q", state, at + 24)
    payload = bytearray(state[at + 40:at + 40 + length])
    struct.pack_into("<Q", payload, 4 + 16 * 8, rip)  # behind mp_state and 16 others
    end = state.rindex(b"end".ljust(16, b"\0"))
    changed = (state[:at + 32] + section_crc(state[at:], bytes(payload)) + payload +
               state[at + 40 + length:end])
    whole = struct.pack("<Q", crc64(changed))
    return changed + state[end:end + 32] + section_crc(state[end:], whole) + whole


def test_info_shows_all_64_bits_of_a_kernels_address(direct, folder, tmp_path):
    (tmp_path / "high").write_bytes(
        with_rip((folder / "vm.state").read_bytes(), 0xFFFFFFFF81000000))
    result = direct.run(["snapshot", "info", tmp_path / "high"])
    assert result.status == 0, result.stderr
    vcpu = next(s for s in json.loads(result.stdout)["sections"]
                if s["name"] == "vcpu")
    assert vcpu["content"]["regs"]["rip"] == 0xFFFFFFFF81000000


def test_info_refuses_a_damaged_file(direct, folder, tmp_path):
    bytes_ = bytearray((folder / "vm.state").read_bytes())
    bytes_[len(bytes_) // 2] ^= 1
    (tmp_path / "bad").write_bytes(bytes_)
    result = direct.run(["snapshot", "info", tmp_path / "bad"])
    assert result.status == 2 and result.stdout == ""
    assert str(tmp_path / "bad") in result.stderr


def test_a_snapshot_fits_the_host_that_it_is_from(direct, folder):
    assert problems(check(direct, folder, "--memory", folder / "vm.memory")) == []


def test_each_problem_is_listed(direct, folder, tmp_path):
    listed = problems(check(direct, folder, "--memory", tmp_path / "absent",
                            "--disk", f"id=data,path={tmp_path}/gone"))
    assert len(listed) == 2
    assert f"{tmp_path}/absent" in listed[0]
    assert f"{tmp_path}/gone" in listed[1]


def test_a_damaged_page_is_found(direct, folder, tmp_path):
    memory = tmp_path / "memory"
    bytes_ = bytearray((folder / "vm.memory").read_bytes())
    first = next(i for i, byte in enumerate(bytes_) if byte)
    bytes_[first] ^= 0x80
    memory.write_bytes(bytes_)
    (problem,) = problems(check(direct, folder, "--memory", memory))
    assert str(memory) in problem


def test_a_disk_of_another_size_does_not_fit(direct, folder, tmp_path):
    (tmp_path / "small").touch()
    os.truncate(tmp_path / "small", 1 << 19)
    (problem,) = problems(check(
        direct, folder, "--memory", folder / "vm.memory",
        "--disk", f"id=data,path={tmp_path}/small"))
    assert "2048 sectors" in problem and "1024 here" in problem


def test_a_check_changes_nothing(direct, folder):
    before = sorted(os.listdir(folder))
    check(direct, folder, "--memory", folder / "vm.memory")
    assert sorted(os.listdir(folder)) == before
