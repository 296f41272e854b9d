# SPDX-License-Identifier: Apache-2.0
"""test_snapshot_linux.py - Linux that writes to its disk goes on from snapshots

One guest is the origin of all: a full snapshot, then five diffs.  Each clone gets a
copy of the disk as it was at its snapshot.
"""

import time

import pytest

import linux_guest
from host import command

pytestmark = pytest.mark.needs("svm")

DIFFS = 5
AWAY_SECONDS = 8
NAP_SECONDS = 10
SLACK_SECONDS = 4


class Snapshot:
    """Files and a disk in level 1, and the clocks when they were taken."""

    def __init__(self, guest, name, *more):
        self.host = guest.host
        self.state, self.memory, self.disk = (
            f"{name}.{part}" for part in ("state", "memory", "disk"))
        self.uptime, self.date, self.written = guest.clocks()
        self.taken = time.monotonic()
        guest.do(guest.ctl("pause"),
                 guest.ctl("snapshot", "--state", self.state, "--memory",
                           self.memory, *more),
                 f"cp {guest.disk} {self.disk}",
                 guest.ctl("resume"))

    def restore(self, name, *more, memory=None):
        disk = f"{name}.img"
        self.host.shell(f"cp {self.disk} {disk}")
        return linux_guest.Guest(self.host, name, [
            "restore", "--state", self.state, "--memory", memory or self.memory,
            "--disk", f"id={linux_guest.DISK_ID},path={disk}", "--timeout", "300s",
            "--resume", *more], disk)

    def away(self):
        return time.monotonic() - self.taken


@pytest.fixture(scope="module")
def origin(svm):
    """The full snapshot and those of the diffs; the guest itself is killed."""
    guest = linux_guest.boot(svm, "origin")
    guest.type(f"nap {NAP_SECONDS}")
    taken = [Snapshot(guest, "full")]
    taken += [Snapshot(guest, f"diff{i}", "--diff") for i in range(DIFFS)]
    guest.kill()
    return taken


def goes_on(guest, snapshot):
    """Its clocks; it has written more than before."""
    uptime, date, written = guest.clocks()
    while written <= snapshot.written + 2:
        *_, written = guest.clocks()
    return uptime, date


def wait_away(snapshot):
    time.sleep(max(0, AWAY_SECONDS - snapshot.away()))


def test_a_clone_keeps_its_time(origin):
    full = origin[0]
    wait_away(full)
    guest = full.restore("keep", "--clock", "keep")
    begun = time.monotonic()
    uptime, date = goes_on(guest, full)
    ran = time.monotonic() - begun + SLACK_SECONDS
    assert full.uptime <= uptime <= full.uptime + ran
    assert full.date <= date <= full.date + ran
    _, began, ended = guest.heard("nap")
    slept = float(ended) - float(began)
    assert NAP_SECONDS <= slept < NAP_SECONDS + 2
    linux_guest.check(guest)


def test_a_clone_advances_to_now(origin):
    full = origin[0]
    wait_away(full)
    guest = full.restore("advance", "--clock", "advance")
    uptime, date = goes_on(guest, full)
    assert abs(date - full.date - full.away()) < SLACK_SECONDS
    assert abs(uptime - full.uptime - full.away()) < SLACK_SECONDS
    guest.heard("nap")
    # The timers of all the time away expire at once, which emulated takes long.
    linux_guest.check(guest, allowed="hrtimer: interrupt took")


def test_clones_run_side_by_side(origin):
    guests = [origin[0].restore(name) for name in ("left", "right")]
    for guest in guests:
        goes_on(guest, origin[0])
    for guest in guests:
        linux_guest.check(guest)


def test_a_merged_chain_of_diffs_goes_on_from_its_end(origin, svm):
    result = svm.shell(command(svm.muster, [
        "snapshot", "merge", *(taken.memory for taken in origin), "-o", "merged"]))
    assert result.status == 0, result
    last = origin[-1]
    assert last.written > origin[0].written
    guest = last.restore("merged-clone", memory="merged")
    uptime, _ = goes_on(guest, last)
    assert uptime >= last.uptime
    linux_guest.check(guest)
