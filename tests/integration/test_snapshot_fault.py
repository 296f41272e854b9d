# SPDX-License-Identifier: Apache-2.0
"""test_snapshot_fault.py - the disk fails, or a kill comes, at every call of a snapshot

strace fails or kills at the Nth of each system call, for N = 1 and on until the
snapshot makes no such call any more.
"""

import contextlib
import itertools
import re
import subprocess
import tempfile
from pathlib import Path

import pytest

from snapshot_pair import Machine, Pair, STOPPED, Shelf

pytestmark = pytest.mark.needs("direct", "strace")

CTL_REFUSED, CTL_FAILED, KILLED = 1, 4, 128 + 9
KINDS = ["full", "diff"]
TEXT = {"ENOSPC": "No space left on device", "EIO": "Input/output error"}
WRITING = ["ftruncate", "pwritev", "fsync", "rename"]
# What else a snapshot does with files and descriptors: nothing that a disk keeps.
OTHER = {"openat", "close", "fcntl", "newfstatat", "lseek", "read", "pread64", "mmap", "ioctl",
         "sync_file_range", "write", "epoll_wait", "epoll_ctl", "accept4", "recvfrom", "sendto",
         "shutdown"}


@contextlib.contextmanager
def traced(machine, log, *what):
    """The control thread alone, which is the one that writes snapshots."""
    options = [word for each in what for word in ("-e", each)]
    with subprocess.Popen(["strace", "-p", str(machine.pid), "-o", log, *options],
                          stderr=subprocess.PIPE, text=True) as tracer:
        line = tracer.stderr.readline()
        assert "attached" in line, line
        try:
            yield
        finally:
            tracer.terminate()


@pytest.fixture
def spoilt(tmp_path):
    """Take a snapshot whose Nth `call` is spoilt; returns what ctl says, and if it was."""
    log = tmp_path / "strace.log"

    def take(machine, kind, pair, call, n, what):
        with traced(machine, log, f"trace={call}", f"inject={call}:{what}:when={n}"):
            result = machine.snapshot(pair, kind == "diff")
        return result, "(INJECTED)" in log.read_text()

    return take


@pytest.fixture
def tmp_path():
    """In memory where that can be: each snapshot syncs four times."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as name:
        yield Path(name)


@pytest.fixture
def shelf(direct, tmp_path):
    return Shelf(direct, tmp_path / "shelf")


@pytest.fixture
def pair(tmp_path):
    (tmp_path / "pair").mkdir()
    return Pair(tmp_path / "pair")


@pytest.fixture
def machine(direct, tmp_path):
    made = Machine(direct, tmp_path)
    made.expect_entries()
    yield made
    made.stop()


def names(pair):
    return {path.name for path in pair.state.parent.iterdir()}


def check_failed(machine, pair, result, error, before):
    assert result.returncode == CTL_REFUSED, result
    assert TEXT[error] in result.stderr and result.stderr.count("\n") == 1
    assert any(str(path) in result.stderr for path in (pair.state, pair.memory))
    assert pair.content() == before
    assert names(pair) == {"s", "m"}
    assert machine.status()["state"] == "Running"


def check_done(machine, pair, shelf, result):
    """It succeeded all the same; what is not quite right was said."""
    assert (result.returncode, result.stderr) == (0, "")
    if names(pair) != {"s", "m"}:
        assert names(pair) == {"s", "m", "m.new"}
        assert "--memory" in machine.warnings() or "--state" in machine.warnings()
    shelf.check(pair)
    shelf.keep(pair.found_memory())


def check_log(machine, tmp_path, shelf, pair):
    """A diff now holds all that the guest wrote since the last good snapshot."""
    (tmp_path / "diff").mkdir(exist_ok=True)
    diff = Pair(tmp_path / "diff")
    assert machine.ctl("pause").returncode == 0
    assert machine.snapshot(diff, diff=True).returncode == 0
    assert machine.snapshot(pair).returncode == 0
    assert machine.ctl("resume").returncode == 0
    assert names(pair) == {"s", "m"}
    with open(shelf.full(diff.memory), "rb") as merged, open(pair.memory, "rb") as full:
        ram = 16 << 20
        assert merged.read(ram) == full.read(ram)
    shelf.keep(pair.memory)


@pytest.mark.parametrize("kind", KINDS)
def test_these_are_all_calls_that_change_a_disk(machine, tmp_path, shelf, pair, kind):
    assert machine.snapshot(pair).returncode == 0
    shelf.keep(pair.memory)
    log = tmp_path / "strace.log"
    with traced(machine, log, "trace=%file,%desc"):
        assert machine.snapshot(pair, kind == "diff").returncode == 0
    calls = set(re.findall(r"^(\w+)\(", log.read_text(), re.M))
    assert calls - OTHER == set(WRITING)


@pytest.mark.parametrize("call, error", [
    ("openat", "ENOSPC"), *itertools.product(WRITING, TEXT)])
@pytest.mark.parametrize("kind", KINDS)
def test_a_failing_call_leaves_the_old_snapshot(
        machine, tmp_path, shelf, pair, spoilt, kind, call, error):
    assert machine.snapshot(pair).returncode == 0
    shelf.keep(pair.memory)
    shelf.check(pair)
    for n in range(1, 100):
        before = pair.content()
        result, came = spoilt(machine, kind, pair, call, n, f"error={error}")
        if result.returncode:
            check_failed(machine, pair, result, error, before)
        else:
            check_done(machine, pair, shelf, result)
        if not came:
            break
        check_log(machine, tmp_path, shelf, pair)
    assert n > 1
    machine.expect_entries()
    assert machine.stop() == STOPPED


@pytest.fixture
def base(direct, machine, tmp_path, shelf):
    """What the VMs are restored from that are killed."""
    (tmp_path / "base").mkdir()
    made = Pair(tmp_path / "base")
    assert machine.snapshot(made).returncode == 0
    shelf.keep(made.memory)
    return made


@pytest.mark.parametrize("call", WRITING)
@pytest.mark.parametrize("kind", KINDS)
def test_a_kill_leaves_one_whole_snapshot(
        direct, base, tmp_path, shelf, pair, spoilt, kind, call):
    """What is left of it is no hindrance to the next."""
    base.copy_to(pair)
    for n in range(1, 100):
        victim = Machine(direct, tmp_path, base)
        assert victim.snapshot(pair).returncode == 0
        assert names(pair) == {"s", "m"}
        shelf.keep(pair.memory)
        shelf.check(pair)
        result, _ = spoilt(victim, kind, pair, call, n, "signal=SIGKILL")
        if result.returncode == 0:
            break
        assert result.returncode == CTL_FAILED, result
        assert victim.job.wait(10).status == KILLED
        shelf.check(pair)
    check_done(victim, pair, shelf, result)
    assert n > 1
    assert victim.stop() == STOPPED


def test_memory_that_another_state_needs_is_not_written_over(
        direct, base, tmp_path, shelf, pair, spoilt):
    """The last rename was cut off, and the next snapshot has another state file."""
    other = Pair(pair.state.parent)
    other.state = pair.state.with_name("t")
    base.copy_to(pair)
    victim = Machine(direct, tmp_path, base)
    spoilt(victim, "full", pair, "rename", 2, "signal=SIGKILL")
    assert victim.job.wait(10).status == KILLED
    assert names(pair) == {"s", "m", "m.new"}
    machine = Machine(direct, tmp_path, base)
    result = machine.snapshot(other)
    assert result.returncode == CTL_REFUSED
    assert f"{pair.memory}.new: the memory of snapshot" in result.stderr
    shelf.check(pair)
    assert machine.snapshot(pair).returncode == 0
    assert names(pair) == {"s", "m"}
    assert machine.snapshot(other).returncode == 0
    assert machine.stop() == STOPPED
