# SPDX-License-Identifier: Apache-2.0
"""test_api_load.py - PUT /snapshot/load: go on from a snapshot over HTTP"""

import subprocess
import sys
from pathlib import Path

import pytest

import payload
from control import Connection
from instance import Instance, drive

pytestmark = pytest.mark.needs("direct")

DATA = "data_of_a_guest_whose_name_is_long"
HANDLER = Path(__file__).with_name("page_handler.py")


@pytest.fixture(scope="module")
def pair(direct, tmp_path_factory):
    """A snapshot of two CPUs that spin and a drive; where its files are."""
    folder = tmp_path_factory.mktemp("pair")
    payload.make_disk(folder / "disk.img")
    made = Instance(direct, folder)
    made.put("/machine-config", {"vcpu_count": 2, "mem_size_mib": 64})
    made.boot("spin", boot_args="cpus=2")
    made.put(f"/drives/{DATA}", drive(str(folder / "disk.img"), DATA))
    made.start()
    made.wait_until_it_says("spin: ok")
    made.put("/snapshot/create", {"snapshot_path": f"{folder}/state",
                                  "mem_file_path": f"{folder}/memory"})
    made.stop()
    return folder


def body(pair, **more):
    wanted = {"snapshot_path": f"{pair}/state",
              "mem_backend": {"backend_type": "File",
                              "backend_path": f"{pair}/memory"}, **more}
    return {name: value for name, value in wanted.items() if value is not None}


def refused(instance, wish):
    reply = instance.ask("PUT", "/snapshot/load", wish)
    assert reply.status == 400
    assert instance.state() == "Not started"
    return reply.fault


@pytest.mark.parametrize("resume, state", [(None, "Paused"), (False, "Paused"),
                                           (True, "Running")])
def test_a_vm_goes_on_when_it_is_told(instance, pair, resume, state):
    instance.put("/snapshot/load", body(pair, resume_vm=resume))
    assert instance.state() == state
    assert instance.ask("PATCH", "/vm", {"state": "Resumed"}).status == 204
    assert instance.state() == "Running"


def test_the_configuration_is_that_of_the_snapshot(instance, pair):
    instance.put("/snapshot/load", body(pair))
    told = instance.ask("GET", "/vm/config").body
    assert told["machine-config"]["vcpu_count"] == 2
    assert told["machine-config"]["mem_size_mib"] == 64
    assert told["boot-source"] is None
    assert [(d["drive_id"], d["path_on_host"]) for d in told["drives"]] == [
        (DATA, f"{pair}/disk.img")]


def test_a_drive_can_be_another_file(instance, pair, tmp_path):
    clone = str(payload.make_disk(tmp_path / "clone.img"))
    instance.put("/snapshot/load", body(pair, drive_overrides=[
        {"drive_id": DATA, "path_on_host": clone}]))
    assert instance.ask("GET", "/vm/config").body["drives"][0]["path_on_host"] == clone


def test_a_restored_vm_can_be_kept_again(instance, pair, tmp_path, direct):
    instance.put("/snapshot/load", body(pair, resume_vm=True))
    instance.put("/snapshot/create", {"snapshot_path": f"{tmp_path}/state",
                                      "mem_file_path": f"{tmp_path}/memory"})
    instance.stop()
    again = Instance(direct, tmp_path)
    again.put("/snapshot/load", body(tmp_path, resume_vm=True))
    assert again.state() == "Running"
    again.stop()


def test_pages_may_come_from_a_handler(instance, pair, tmp_path):
    socket = tmp_path / "pages.sock"
    with subprocess.Popen([sys.executable, HANDLER, socket, pair / "memory"],
                          stdout=subprocess.PIPE, text=True) as handler:
        assert handler.stdout.readline() == "listening\n"
        instance.put("/snapshot/load", body(pair, resume_vm=True, mem_backend={
            "backend_type": "Uffd", "backend_path": str(socket)}))
        assert instance.state() == "Running"
        instance.stop()


def test_the_old_name_of_the_memory_is_deprecated(instance, pair):
    reply = Connection(instance.path).ask(
        "PUT", "/snapshot/load",
        body(pair, mem_backend=None, mem_file_path=f"{pair}/memory"))
    assert (reply.status, reply.headers["Deprecation"]) == (204, "true")


@pytest.mark.parametrize("change, says", [
    ({"snapshot_path": None}, "snapshot_path: missing"),
    ({"snapshot_path": "/absent/s"}, "/absent/s: "),
    ({"mem_backend": None}, "mem_backend: missing; give either"),
    ({"mem_file_path": "m"}, "given beside mem_file_path"),
    ({"mem_backend": "m"}, "mem_backend: has another type; give an object"),
    ({"mem_backend": {"backend_type": "File"}}, "mem_backend: backend_path: missing"),
    ({"mem_backend": {"backend_type": "Ram", "backend_path": "m"}},
     "mem_backend: backend_type Ram: unknown; give File or Uffd"),
    ({"mem_backend": {"backend_type": "File", "backend_path": "m", "x": 1}},
     "mem_backend: x: unknown"),
    ({"mem_backend": {"backend_type": "File", "backend_path": "/dev/null"}},
     "/dev/null"),
    ({"mem_backend": {"backend_type": "Uffd", "backend_path": "/absent/u"}},
     "/absent/u"),
    ({"resume_vm": 1}, "resume_vm: has another type"),
    ({"huge_pages": "2M"}, "huge_pages 2M: unknown"),
    ({"network_overrides": []}, "no network interfaces"),
    ({"vsock_override": {"uds_path": "v"}}, "no vsock device"),
    ({"drive_overrides": {}}, "drive_overrides: has another type; give an array"),
    ({"drive_overrides": [1]}, "drive_overrides: has another type"),
    ({"drive_overrides": [{"drive_id": DATA}]},
     "drive_overrides: path_on_host: missing"),
    ({"drive_overrides": [{"drive_id": "x", "path_on_host": "y"}]},
     "the snapshot has no such disk"),
    ({"drive_overrides": [{"drive_id": "x", "path_on_host": "y"}] * 17},
     "17 items; give at most 16"),
])
def test_a_refusal_names_what_is_wrong_and_leaves_nothing(instance, pair, change,
                                                          says):
    fault = refused(instance, body(pair, **change))
    assert says in fault, fault
    instance.put("/snapshot/load", body(pair))


@pytest.mark.parametrize("target, wish", [
    ("/machine-config", {"vcpu_count": 1, "mem_size_mib": 64}),
    ("/boot-source", {"kernel_image_path": "/dev/null"}),
    ("/drives/d", drive("/dev/null")),
    ("/entropy", {}),
])
def test_nothing_is_loaded_where_a_vm_was_described(instance, pair, target, wish):
    instance.put(target, wish)
    assert "described already" in refused(instance, body(pair))


def test_a_cpu_is_no_part_of_what_was_described(instance, pair):
    instance.put("/cpu-config", {"cpuid_modifiers": []})
    instance.put("/snapshot/load", body(pair))
    assert instance.ask("GET", "/vm/config").body["cpu-config"] is None


def test_nothing_is_loaded_into_a_vm_that_runs(instance, pair):
    instance.put("/snapshot/load", body(pair, resume_vm=True))
    reply = instance.ask("PUT", "/snapshot/load", body(pair))
    assert "not possible while the VM is running" in reply.fault
