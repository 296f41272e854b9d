# SPDX-License-Identifier: Apache-2.0
"""test_memory.py - the memory of snapshots of a guest whose disk writes to it all the time"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import memory_file
import payload
from control import ask, wait_for

pytestmark = pytest.mark.needs("direct")

HANDLER = Path(__file__).with_name("page_handler.py")
STOPPED, FAILED, TIMED_OUT = 14, 4, 13


class Guest:
    """It reads its disk into memory; vCPU and device write what the log must find."""

    def __init__(self, host, folder):
        self.folder = folder
        self.path = folder / "vm.sock"
        disk = folder / "disk"
        disk.write_bytes(os.urandom(payload.DISK_SECTORS * payload.SECTOR))
        self.job = host.start_muster(payload.args(
            "bench-blk", "--control", self.path, "--disk", f"path={disk}",
            cmdline="depth=8 requests=4000000000"))
        wait_for(self.path, self.job)

    def change(self, state):
        assert ask(self.path, "PATCH", "/vm", {"state": state}).status == 204

    def snapshot(self, name, kind="Full"):
        body = {"snapshot_path": f"{self.folder}/{name}.state",
                "mem_file_path": f"{self.folder}/{name}", "snapshot_type": kind}
        reply = ask(self.path, "PUT", "/snapshot/create", body)
        assert reply.status == 204, reply


@pytest.fixture
def guest(direct, tmp_path):
    made = Guest(direct, tmp_path)
    yield made
    if made.job.running():
        made.job.signal("TERM")
    assert made.job.wait(10).status == STOPPED


def test_a_chain_of_diffs_is_the_memory_at_its_end(guest, muster):
    guest.snapshot("m0")
    for i in range(1, 6):
        guest.snapshot(f"m{i}", "Diff")
    guest.change("Paused")
    guest.snapshot("m6", "Diff")
    guest.snapshot("full")
    names = [guest.folder / f"m{i}" for i in range(7)]
    subprocess.run([muster, "snapshot", "merge", *names, "-o", guest.folder / "merged"],
                   check=True, timeout=60)
    merged, _ = memory_file.read_full(guest.folder / "merged")
    full, _ = memory_file.read_full(guest.folder / "full")
    assert merged.keys() == full.keys()
    assert [n for n in full if merged[n] != full[n]] == []
    first, _ = memory_file.read_full(guest.folder / "m0")
    assert first != full
    assert all(name.stat().st_size < 1 << 20 for name in names[1:])


@pytest.fixture
def handler(tmp_path):
    """A page handler for a memory file."""
    started = []

    def start(memory):
        path = tmp_path / "pages.sock"
        process = subprocess.Popen([sys.executable, HANDLER, path, memory],
                                   stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout.readline() == "listening\n"
        return path, process

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture
def clone(guest, direct, handler, tmp_path):
    """A restored guest whose memory another process has, and that process."""
    guest.snapshot("m")
    guest.job.signal("TERM")
    assert guest.job.wait(10).status == STOPPED
    pages, process = handler(tmp_path / "m")
    control = tmp_path / "clone.sock"
    job = direct.start_muster(["restore", "--state", tmp_path / "m.state",
                               "--memory-handler", pages, "--resume",
                               "--console", "none", "--control", control])
    wait_for(control, job)
    assert ask(control, "GET", "/vm").body["state"] == "Running"
    return job, process


def test_another_process_provides_the_memory(clone):
    job, process = clone
    job.signal("TERM")
    assert job.wait(10).status == STOPPED
    served, _ = process.communicate(timeout=10)
    assert int(served.split()[1]) > 0


def test_a_guest_ends_with_the_process_that_has_its_memory(clone):
    job, process = clone
    process.kill()
    result = job.wait(10)
    assert result.status == FAILED, result
    assert result.stderr == ("muster: the VM cannot go on: the --memory-handler "
                             "has gone, and with it the guest's memory\n")


def wait_for_the_watchdog(job):
    """From then on its control thread waits for a page, or is about to."""
    tasks = Path(f"/proc/{job.process.pid}/task")
    while "watchdog\n" not in [path.read_text() for path in tasks.glob("*/comm")]:
        assert job.running(), job.described()
        time.sleep(0.02)


@pytest.mark.parametrize("end, status, says", [
    (lambda job, _: job.signal("TERM"), STOPPED, "stopped: SIGTERM"),
    (lambda _, process: process.kill(), FAILED, "has gone"),
    (lambda *_: None, TIMED_OUT, "stopped by --timeout"),
])
def test_a_restore_that_waits_for_a_page_can_be_ended(
        guest, direct, handler, tmp_path, end, status, says):
    guest.snapshot("m")
    guest.job.signal("TERM")
    pages, process = handler(tmp_path / "m")
    process.send_signal(signal.SIGSTOP)
    job = direct.start_muster(["restore", "--state", tmp_path / "m.state",
                               "--memory-handler", pages, "--resume",
                               "--console", "none", *["--timeout", "1s"] * (status == TIMED_OUT)])
    wait_for_the_watchdog(job)
    end(job, process)
    result = job.wait(20)
    assert result.status == status, result
    assert says in result.stderr and result.stderr.count("\n") == 1


def test_a_snapshot_that_waits_for_a_page_can_be_ended(clone, direct, tmp_path):
    job, process = clone
    control = tmp_path / "clone.sock"
    assert ask(control, "PATCH", "/vm", {"state": "Paused"}).status == 204
    process.send_signal(signal.SIGSTOP)
    with subprocess.Popen([direct.muster, "ctl", "--socket", control, "snapshot",
                           "--state", tmp_path / "n.state", "--memory", tmp_path / "n"],
                          stderr=subprocess.DEVNULL) as client:
        while not (tmp_path / "n.new").exists():
            assert client.poll() is None
            time.sleep(0.02)
        job.signal("TERM")
        result = job.wait(20)
    assert (result.status, result.stderr) == (STOPPED, "muster: stopped: SIGTERM\n")
