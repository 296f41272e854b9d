# SPDX-License-Identifier: Apache-2.0
"""test_events.py - GET /events: what clients hear of a VM"""

import time

import pytest

import payload
from control import ask, wait_for
from events import Events
from instance import START, Instance

pytestmark = pytest.mark.needs("direct")


@pytest.fixture
def instance(direct, tmp_path):
    made = Instance(direct, tmp_path)
    yield made
    if made.job.running():
        made.stop()


@pytest.fixture
def running(instance):
    instance.boot("spin")
    instance.start()
    return instance


def names(events):
    return [event.get("state", event["event"]) for event in events]


def test_the_life_of_a_vm(instance, tmp_path):
    events = Events(instance.path)
    assert events.first == "Not started"
    instance.boot("spin")
    instance.start()
    assert events.next()["state"] == "Running"
    before = time.time_ns()
    instance.ask("PATCH", "/vm", {"state": "Paused"})
    paused = events.next()
    assert before < paused["time_ns"] < time.time_ns()
    assert (paused["version"], paused["by"]) == (1, "user")
    assert paused["parked_ns"] > 0 and paused["idle_ns"] >= 0
    assert events.next()["state"] == "Paused"
    files = {"snapshot_path": f"{tmp_path}/state", "mem_file_path": f"{tmp_path}/mem"}
    instance.put("/snapshot/create", files)
    snapshot = events.next()
    assert snapshot["event"] == "snapshot"
    assert files.items() <= snapshot.items()
    assert snapshot["snapshot_type"] == "Full"
    instance.ask("PATCH", "/vm", {"state": "Resumed"})
    resumed = events.next()
    assert (resumed["event"], resumed["by"]) == ("resumed", "user")
    assert resumed["held_ns"] > 0
    assert events.next()["state"] == "Running"
    instance.stop()
    last = events.rest()
    assert names(last) == ["Ended", "end"]
    assert (last[1]["outcome"], last[1]["status"]) == ("stopped", 14)
    assert "SIGTERM" in last[1]["line"]


def test_a_snapshot_of_a_running_vm_holds_it(running, tmp_path):
    events = Events(running.path)
    assert events.first == "Running"
    running.put("/snapshot/create", {"snapshot_path": f"{tmp_path}/state",
                                     "mem_file_path": f"{tmp_path}/memory"})
    told = [events.next() for _ in range(5)]
    assert names(told) == ["paused", "Paused", "resumed", "Running", "snapshot"]
    assert told[0]["by"] == told[2]["by"] == "snapshot"


def test_a_vm_from_a_snapshot_begins_paused(direct, running, tmp_path):
    files = {"snapshot_path": f"{tmp_path}/state", "mem_file_path": f"{tmp_path}/mem"}
    running.put("/snapshot/create", files)
    folder = tmp_path / "second"
    folder.mkdir()
    second = Instance(direct, folder)
    events = Events(second.path)
    second.put("/snapshot/load", files)
    assert events.next()["state"] == "Paused"
    assert second.ask("PATCH", "/vm", {"state": "Resumed"}).status == 204
    assert [events.next()["event"], events.next()["state"]] == ["resumed", "Running"]
    second.stop()


def test_a_start_that_fails_is_no_event(instance, tmp_path):
    events = Events(instance.path)
    (tmp_path / "no-kernel").write_bytes(b"x")
    instance.put("/boot-source", {"kernel_image_path": f"{tmp_path}/no-kernel"})
    assert instance.ask("PUT", "/actions", START).status == 400
    instance.boot("spin")
    instance.start()
    assert events.next()["state"] == "Running"


def test_a_panic_is_told(instance):
    events = Events(instance.path)
    instance.boot("panic")
    instance.start()
    told = events.rest()
    assert names(told) == ["Running", "guest_panic", "Ended", "end"]
    assert told[-1]["outcome"] == "panic"
    assert instance.job.wait(10).status == 12


def test_a_guest_that_breaks_a_ring_is_told(direct, instance, tmp_path):
    events = Events(instance.path)
    instance.boot("hostile-ring")
    instance.put("/drives/d", {"drive_id": "d", "is_root_device": False,
                               "path_on_host": str(payload.make_disk(tmp_path / "d"))})
    instance.start()
    error, _ = events.until("device_error")
    assert error["device"] == f"disk {tmp_path}/d"
    assert error["error"]


def test_a_vm_of_muster_run_tells_its_events_too(direct, tmp_path):
    path = tmp_path / "vm.sock"
    job = direct.start_muster(payload.args("spin", "--control", path))
    wait_for(path, job)
    events = Events(path)
    assert events.first == "Running"
    job.signal("TERM")
    assert names(events.rest()) == ["Ended", "end"]
    job.wait(10)


def test_listeners_leave_room_to_control_the_vm(running):
    listening = [Events(running.path) for _ in range(4)]
    refused = running.ask("GET", "/events")
    assert (refused.status, "4 of them" in refused.fault) == (503, True)
    assert ask(running.path, "PATCH", "/vm", {"state": "Paused"}).status == 204
    for events in listening:
        assert events.next()["event"] == "paused"
        events.close()
    assert ask(running.path, "PATCH", "/vm", {"state": "Resumed"}).status == 204
    assert Events(running.path).first == "Running"
