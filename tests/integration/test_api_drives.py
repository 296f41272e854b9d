# SPDX-License-Identifier: Apache-2.0
"""test_api_drives.py - a drive that gets another file while the guest uses it"""

import os
import threading

import pytest

import payload
from control import ask, wait_for
from instance import Instance, drive

pytestmark = pytest.mark.needs("direct")

MIB = 1 << 20


def image(folder, number, mib=1):
    """A disk that blk-swap knows by its number."""
    path = folder / f"{number}.img"
    with open(path, "wb") as file:
        file.truncate(mib * MIB)
        file.write(number.to_bytes(8, "little"))
    return str(path)


def disk(number, mib=1):
    return f"disk {number} of {mib * MIB // 512} sectors"


@pytest.fixture
def reader(instance, tmp_path):
    """A VM that reads from disk 1."""
    instance.boot("blk-swap", boot_args="")
    instance.put("/drives/d", drive(image(tmp_path, 1), "d"))
    instance.start()
    instance.wait_until_it_says(disk(1))
    return instance


def swap(instance, path, **more):
    return instance.ask("PATCH", "/drives/d",
                        {"drive_id": "d", "path_on_host": path, **more})


def told(instance):
    return [d["path_on_host"] for d in instance.ask("GET", "/vm/config").body["drives"]]


# ---- after the start ----

def test_the_guest_sees_another_file_and_its_size(reader, tmp_path):
    for number, mib in (2, 3), (3, 1), (4, 1):
        path = image(tmp_path, number, mib)
        assert swap(reader, path).status == 204
        reader.wait_until_it_says(disk(number, mib))
        assert told(reader) == [path]
    assert reader.state() == "Running"


def test_a_file_that_grew_is_given_once_more(reader, tmp_path):
    path = told(reader)[0]
    os.truncate(path, 2 * MIB)
    with open(path, "r+b") as file:
        file.write(bytes([9]))
    assert swap(reader, path).status == 204
    reader.wait_until_it_says(disk(9, 2))


def test_the_file_that_was_replaced_is_free_and_the_new_one_is_not(reader, tmp_path,
                                                                   direct):
    [old], new = told(reader), image(tmp_path, 2)
    assert swap(reader, new).status == 204
    for path, free in (old, True), (new, False):
        result = direct.run(payload.args("hello", "--disk", f"path={path}"))
        assert ("in use by another process" in result.stderr) != free, result.stderr


def test_a_vm_that_is_paused_reads_the_new_file_when_it_goes_on(reader, tmp_path):
    reader.ask("PATCH", "/vm", {"state": "Paused"})
    assert swap(reader, image(tmp_path, 2, 2)).status == 204
    assert reader.state() == "Paused"
    reader.ask("PATCH", "/vm", {"state": "Resumed"})
    reader.wait_until_it_says(disk(2, 2))


def test_a_snapshot_has_the_new_file(reader, tmp_path, direct):
    new = image(tmp_path, 2, 2)
    assert swap(reader, new).status == 204
    reader.wait_until_it_says(disk(2, 2))
    reader.put("/snapshot/create", {"snapshot_path": f"{tmp_path}/state",
                                    "mem_file_path": f"{tmp_path}/memory"})
    reader.stop()
    (tmp_path / "1.img").unlink()
    again = Instance(direct, tmp_path)
    again.put("/snapshot/load", {
        "snapshot_path": f"{tmp_path}/state", "resume_vm": True,
        "mem_backend": {"backend_type": "File", "backend_path": f"{tmp_path}/memory"}})
    assert told(again) == [new]
    assert swap(again, image(tmp_path, 5)).status == 204
    again.wait_until_it_says(disk(5))
    again.stop()


def test_many_swaps_in_a_row_lose_no_request(reader, tmp_path):
    paths = [image(tmp_path, 2, 2), image(tmp_path, 3, 3)]
    for i in range(100):
        assert swap(reader, paths[i % 2]).status == 204
    reader.wait_until_it_says(disk(3, 3))
    assert reader.state() == "Running"


def test_a_disk_of_muster_run_is_known_by_its_place(direct, tmp_path):
    path = tmp_path / "vm.sock"
    job = direct.start_muster(payload.args("blk-swap", "--control", path, "--disk",
                                           f"path={image(tmp_path, 1)}"))
    wait_for(path, job)
    new = image(tmp_path, 2, 2)
    assert ask(path, "PATCH", "/drives/vda",
               {"drive_id": "vda", "path_on_host": new}).status == 204
    job.expect(disk(2, 2))
    job.signal("TERM")
    job.wait(10)


@pytest.mark.parametrize("body, says", [
    ({"path_on_host": "/absent/x"}, "path_on_host /absent/x: no such file"),
    ({"path_on_host": "/tmp"}, "path_on_host /tmp: a directory"),
    ({"path_on_host": "/dev/null"}, "neither a file nor a block device"),
    ({"path_on_host": "OTHER"}, "another drive has it"),
    ({"path_on_host": "SAME"}, "in use by another process, or by another"),
    ({"path_on_host": "EMPTY"}, "less than one sector"),
    ({"path_on_host": ""}, "path_on_host \"\": empty"),
    ({"path_on_host": 1}, "path_on_host: has another type"),
    ({"is_read_only": True}, "is_read_only: unknown"),
    ({"drive_id": "e"}, "drive_id e: the path names d"),
    ({"drive_id": None}, "drive_id: missing"),
    ({}, "path_on_host"),
])
def test_a_refusal_leaves_the_old_file(instance, tmp_path, body, says):
    names = {"OTHER": image(tmp_path, 7), "SAME": f"{tmp_path}/link",
             "EMPTY": f"{tmp_path}/empty"}
    os.link(names["OTHER"], names["SAME"])
    with open(names["EMPTY"], "wb"):
        pass
    instance.boot("blk-swap", boot_args="")
    instance.put("/drives/d", drive(image(tmp_path, 1), "d"))
    instance.put("/drives/other", drive(names["OTHER"], "other"))
    instance.start()
    wish = {"drive_id": "d", **body}
    if "path_on_host" in wish:
        wish["path_on_host"] = names.get(wish["path_on_host"], wish["path_on_host"])
    reply = instance.ask("PATCH", "/drives/d", wish)
    assert (reply.status, says in reply.fault) == (400, True), reply.fault
    instance.wait_until_it_says(disk(1))
    assert told(instance)[0] == f"{tmp_path}/1.img"


def test_there_must_be_such_a_drive(reader):
    reply = reader.ask("PATCH", "/drives/x", {"drive_id": "x", "path_on_host": "y"})
    assert "drive_id x: there is no such drive" in reply.fault


def test_clients_at_once_change_one_after_the_other(reader, tmp_path):
    paths = [image(tmp_path, number, 2) for number in range(2, 6)]
    statuses = []
    clients = [threading.Thread(
        target=lambda path=path: statuses.append(swap(reader, path).status))
        for path in paths]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    assert statuses == [204] * 4
    assert told(reader)[0] in paths
    reader.wait_until_it_says(disk(paths.index(told(reader)[0]) + 2, 2))


# ---- before the start ----

def test_a_drive_can_be_taken_back_before_the_start(instance, tmp_path):
    for number, name in enumerate("abc", 1):
        instance.put(f"/drives/{name}", drive(image(tmp_path, number), name))
    assert instance.ask("DELETE", "/drives/b").status == 204
    assert told(instance) == [f"{tmp_path}/1.img", f"{tmp_path}/3.img"]
    assert "drive_id b: there is no such drive" in instance.ask(
        "DELETE", "/drives/b").fault
    instance.put("/drives/b", drive(image(tmp_path, 2), "b"))
    assert told(instance)[2] == f"{tmp_path}/2.img"


def test_a_drive_cannot_be_taken_back_from_a_vm_that_runs(reader):
    reply = reader.ask("DELETE", "/drives/d")
    assert "not possible while the VM is running" in reply.fault


def test_a_drive_of_a_vm_that_is_described_is_not_patched(instance, tmp_path):
    instance.put("/drives/d", drive(image(tmp_path, 1), "d"))
    assert "not possible while the VM is not started" in swap(instance, "x").fault
