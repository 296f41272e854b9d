# SPDX-License-Identifier: Apache-2.0
"""test_limits.py - rate limiters of drives and of the source of random numbers"""

import json
import time
from pathlib import Path

import pytest

import payload
from instance import Instance, drive
from test_api_drives import disk, image, swap

pytestmark = pytest.mark.needs("direct")

NEVER = {"size": 1, "refill_time": 3600 * 1000}
NONE = {"size": 0, "refill_time": 0}


def start_reader(instance, tmp_path, **more):
    instance.boot("blk-swap", boot_args="")
    instance.put("/drives/d", drive(image(tmp_path, 1), "d", **more))
    instance.start()


def limit(instance, **buckets):
    reply = instance.ask("PATCH", "/drives/d",
                         {"drive_id": "d", "rate_limiter": buckets})
    assert reply.status == 204, reply.fault


def says(instance, line):
    return line in (instance.job.folder / "stdout").read_text()


def cpu_of_the_loop(instance):
    """Ticks of the thread that serves the devices."""
    tasks = Path(f"/proc/{instance.job.process.pid}/task")
    [task] = [task for task in tasks.iterdir()
              if (task / "comm").read_text().strip() == "io"]
    fields = (task / "stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


# ---- on the command line ----

@pytest.mark.parametrize("engine", payload.ENGINES)
@pytest.mark.parametrize("rate", ["ops=2/200ms", "bandwidth=16K/100ms"])
def test_a_disk_is_as_fast_as_it_may_be(direct, tmp_path, engine, rate):
    """At least 10 operations, and 100 KiB, of which the first bucket goes at once."""
    payload.make_disk(tmp_path / "disk.img")
    begun = time.monotonic()
    result = direct.run(payload.args(
        "blk-rw", "--disk", f"path={tmp_path}/disk.img,id={payload.DISK_ID},{rate}",
        "--loop-engine", engine, "--metrics", tmp_path / "metrics",
        cmdline=f"sectors={payload.DISK_SECTORS}"))
    assert result.status == 0, result
    assert 0.3 < time.monotonic() - begun < 30
    assert json.loads((tmp_path / "metrics").read_text())["blk"]["throttled"] > 0


def test_the_rng_is_as_fast_as_it_may_be(direct, tmp_path):
    result = direct.run(payload.args(
        "rng", "--rng", "--rng-ops", "1/100ms", "--metrics", tmp_path / "metrics"))
    assert result.status == 0, result
    assert json.loads((tmp_path / "metrics").read_text())["rng"]["throttled"] > 0


@pytest.mark.parametrize("option", ["ops=0", "ops=1/0s", "bandwidth=1+", "ops=x"])
def test_a_wrong_rate_is_refused(direct, tmp_path, option):
    result = direct.run(payload.args("hello", "--disk", f"path=x,{option}"))
    assert result.status == 2
    assert "give an amount" in result.stderr


# ---- over the API ----

def test_a_limit_holds_at_once_and_is_lifted_at_once(instance, tmp_path):
    start_reader(instance, tmp_path)
    instance.wait_until_it_says(disk(1))
    limit(instance, ops=NEVER)
    assert swap(instance, image(tmp_path, 2, 2)).status == 204
    time.sleep(0.3)
    assert not says(instance, disk(2, 2))
    limit(instance, bandwidth=NONE)
    time.sleep(0.1)
    assert not says(instance, disk(2, 2))
    limit(instance, ops=NONE)
    instance.wait_until_it_says(disk(2, 2))


def test_a_guest_that_waits_costs_the_loop_nothing(instance, tmp_path):
    start_reader(instance, tmp_path, rate_limiter={"ops": NEVER})
    time.sleep(0.3)
    before = cpu_of_the_loop(instance)
    time.sleep(1)
    assert cpu_of_the_loop(instance) - before <= 2
    assert not says(instance, "disk")


def test_a_vm_whose_drive_waits_can_be_held_and_kept(instance, tmp_path, direct):
    start_reader(instance, tmp_path, rate_limiter={"ops": NEVER})
    instance.put("/snapshot/create", {"snapshot_path": f"{tmp_path}/state",
                                      "mem_file_path": f"{tmp_path}/memory"})
    instance.stop()
    again = Instance(direct, tmp_path)
    again.put("/snapshot/load", {
        "snapshot_path": f"{tmp_path}/state", "resume_vm": True,
        "mem_backend": {"backend_type": "File", "backend_path": f"{tmp_path}/memory"}})
    told = again.ask("GET", "/vm/config").body["drives"][0]["rate_limiter"]
    assert told == {"bandwidth": None, "ops": {**NEVER, "one_time_burst": 0}}
    time.sleep(0.2)
    assert not says(again, "disk")
    limit(again, ops=NONE)
    again.wait_until_it_says(disk(1))
    again.stop()


def test_what_is_told_is_what_was_given(instance, tmp_path):
    ops = {"size": 1000, "refill_time": 100, "one_time_burst": 5000}
    instance.put("/entropy", {"rate_limiter": {"bandwidth": NEVER}})
    start_reader(instance, tmp_path, rate_limiter={"ops": ops})
    told = instance.ask("GET", "/vm/config").body
    assert told["drives"][0]["rate_limiter"] == {"bandwidth": None, "ops": ops}
    assert told["entropy"]["rate_limiter"]["bandwidth"]["size"] == 1
    limit(instance, ops=NONE, bandwidth={"size": 9, "refill_time": 8})
    assert instance.ask("GET", "/vm/config").body["drives"][0]["rate_limiter"] == {
        "bandwidth": {"size": 9, "refill_time": 8, "one_time_burst": 0}, "ops": None}
    limit(instance, bandwidth=NONE)
    assert instance.ask("GET", "/vm/config").body["drives"][0]["rate_limiter"] is None
