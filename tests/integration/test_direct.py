# SPDX-License-Identifier: Apache-2.0
"""test_direct.py - bare-metal payloads on this machine's own KVM"""

import hashlib
import os

import pytest

import direct as direct_host
import payload
from host import LOGS
from images import ROOT

pytestmark = pytest.mark.needs("direct")

RUNS = payload.runs()
ASAN_MUSTER = ROOT / "build-asan/muster"
TIMEOUT, STOPPED = 13, 14
engines = pytest.mark.parametrize("engine", payload.ENGINES)


def cases(wanted=""):
    """(section, engine) of each run; only those with a disk care for engines."""
    return [pytest.param(name, engine, id=f"{name}-{engine}")
            for name, run in RUNS.items() if name.startswith(wanted)
            for engine in (payload.ENGINES if "disk" in run else ["auto"])]


def run_section(host, name, engine, disk):
    run = RUNS[name]
    guest = run.get("guest", name)
    more = ["--rng"] if "rng" in run else []
    if "disk" in run:
        readonly = run["disk"] == "readonly"
        more += payload.disk_args(payload.make_disk(disk), engine, readonly)
    result = host.run(payload.args(guest, *more, cpus=run["cpus"],
                                   memory=run["memory"],
                                   cmdline=run["cmdline"]))
    payload.check(result, guest, run.getint("status"), run["says"])


@pytest.mark.parametrize("name, engine", cases())
def test_payload(direct, tmp_path, name, engine):
    run_section(direct, name, engine, tmp_path / "disk")


@pytest.mark.parametrize("name, engine", cases("hostile"))
def test_hostile_driver_stays_in_bounds(tmp_path, name, engine):
    """The same attacks on a muster that checks each of its memory accesses."""
    if not ASAN_MUSTER.exists():
        give_up = pytest.fail if "MUSTER_REQUIRE" in os.environ else pytest.skip
        give_up("needs build-asan/muster: make check-asan builds it")
    host = direct_host.Direct(ASAN_MUSTER, LOGS / f"asan-{name}-{engine}")
    run_section(host, name, engine, tmp_path / "disk")


@engines
@pytest.mark.parametrize("cpus", [1, 2, 4])
@pytest.mark.parametrize("cache", ["cached", "direct"])
def test_every_queue_reads_and_writes(direct, tmp_path, engine, cpus, cache):
    disk = payload.make_disk(tmp_path / "disk")
    args = payload.disk_args(disk, engine, direct=cache == "direct")
    result = direct.run(payload.args(
        "blk-rw", *args, cpus=cpus,
        cmdline=f"cpus={cpus} sectors={payload.DISK_SECTORS}"))
    payload.check(result, "blk-rw")
    for queue in range(cpus):
        sector = 128 * (queue + 1)
        assert (payload.read_sectors(disk, sector, 64)
                == payload.pattern(sector, 64, queue))


@engines
def test_discarded_sectors_leave_the_file(direct, tmp_path, engine):
    disk = payload.make_disk(tmp_path / "disk")
    result = direct.run(payload.args("blk-discard",
                                     *payload.disk_args(disk, engine)))
    payload.check(result, "blk-discard")
    # Of 3 MiB written, what was discarded and unmapped is no longer there.
    allocated = disk.stat().st_blocks * 512
    assert allocated < 2 << 20


@engines
def test_readonly_disk_is_not_changed(direct, tmp_path, engine):
    disk = payload.make_disk(tmp_path / "disk")
    before = hashlib.sha256(disk.read_bytes()).digest()
    args = payload.disk_args(disk, engine, readonly=True)
    payload.check(direct.run(payload.args("blk-readonly", *args)),
                  "blk-readonly")
    assert hashlib.sha256(disk.read_bytes()).digest() == before


def test_debug_exit_port_is_closed_without_the_option(direct):
    args = payload.args("debugexit", timeout="2s")
    args.remove("--debug-exit")
    payload.check(direct.run(args), "debugexit", TIMEOUT, "timeout")


def test_timeout_ends_a_guest_that_never_exits(direct):
    payload.check(direct.run(payload.args("spin", timeout="1s")), "spin",
                  TIMEOUT, "timeout")


@pytest.mark.parametrize("guest", ["spin", "idle"])
@pytest.mark.parametrize("signal", ["TERM", "INT", "HUP"])
def test_signal_ends_a_guest_that_never_exits(direct, guest, signal):
    job = direct.start_muster(payload.args(guest))
    job.expect(f"{guest}: ok")
    job.signal(signal)
    payload.check(job.wait(5), guest, STOPPED, f"sig{signal.lower()}")
