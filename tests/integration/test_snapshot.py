# SPDX-License-Identifier: Apache-2.0
"""test_snapshot.py - payloads go on from snapshots as if nothing had happened"""

import subprocess

import pytest

import payload
import tally
from control import ask, wait_for

pytestmark = pytest.mark.needs("direct")

STOPPED = 14


class Machine:
    """A VM with a control socket: run, or restored."""

    def __init__(self, host, folder, args):
        self.folder = folder
        self.path = folder / "vm.sock"
        self.job = host.start_muster([*args, "--control", self.path])
        wait_for(self.path, self.job)

    def change(self, state):
        reply = ask(self.path, "PATCH", "/vm", {"state": state})
        assert reply.status == 204, reply

    def snapshot(self, name, kind="Full"):
        """The options that restore it."""
        files = {"snapshot_path": self.folder / f"{name}.state",
                 "mem_file_path": self.folder / f"{name}.memory"}
        reply = ask(self.path, "PUT", "/snapshot/create", {
            "snapshot_type": kind, **{k: str(v) for k, v in files.items()}})
        assert reply.status == 204, reply
        return ["--state", files["snapshot_path"], "--memory", files["mem_file_path"]]

    def lines(self):
        return self.job.output().count("\n")

    def print_more(self, lines=50):
        wanted = self.lines() + lines
        while self.lines() < wanted:
            assert self.job.running(), self.job.described()

    def stop(self):
        """What it printed."""
        self.job.signal("TERM")
        result = self.job.wait(10)
        assert result.status == STOPPED, result
        return result.console


def start(host, folder, cpus):
    return Machine(host, folder, payload.args("tally", cpus=cpus,
                                              cmdline=f"cpus={cpus}"))


def restore(host, folder, files, *more):
    return Machine(host, folder, ["restore", *files, "--resume", *more])


@pytest.mark.parametrize("cpus", [1, 2, 4])
def test_pauses_lose_and_repeat_nothing(direct, tmp_path, cpus):
    machine = start(direct, tmp_path, cpus)
    machine.print_more()
    for _ in range(200):
        machine.change("Paused")
        machine.change("Resumed")
    machine.print_more()
    tally.check([machine.stop()], cpus)


@pytest.mark.parametrize("cpus", [1, 2, 4])
def test_each_clone_goes_on_where_the_last_one_stopped(direct, tmp_path, cpus):
    machine = start(direct, tmp_path, cpus)
    consoles = []
    for i in range(4):
        machine.print_more()
        machine.change("Paused")
        files = machine.snapshot(f"s{i}")
        consoles.append(machine.stop())
        machine = restore(direct, tmp_path, files)
    machine.print_more()
    tally.check([*consoles, machine.stop()], cpus)


def test_a_merged_chain_of_diffs_goes_on_from_its_end(direct, muster, tmp_path):
    machine = start(direct, tmp_path, 2)
    machine.print_more()
    chain = [machine.snapshot("base")]
    for i in range(5):
        machine.print_more()
        machine.change("Paused")
        chain.append(machine.snapshot(f"diff{i}", "Diff"))
        machine.change("Resumed" if i < 4 else "Paused")
    consoles = [machine.stop()]
    merged = tmp_path / "merged"
    subprocess.run([muster, "snapshot", "merge", *(files[-1] for files in chain),
                    "-o", merged], check=True, timeout=60)
    machine = restore(direct, tmp_path, [*chain[-1][:-1], merged])
    machine.print_more()
    tally.check([*consoles, machine.stop()], 2)


def test_clones_run_side_by_side(direct, tmp_path):
    machine = start(direct, tmp_path, 1)
    machine.print_more()
    machine.change("Paused")
    files = machine.snapshot("s")
    before = machine.stop()
    clones = []
    for i in range(3):
        folder = tmp_path / str(i)
        folder.mkdir()
        clones.append(restore(direct, folder, files))
    for clone in clones:
        clone.print_more()
    for clone in clones:
        tally.check([before, clone.stop()], 1)


def test_a_snapshot_of_a_clone_that_never_ran_is_the_same_machine(direct, tmp_path):
    machine = start(direct, tmp_path, 1)
    machine.print_more()
    machine.change("Paused")
    files = machine.snapshot("first")
    before = machine.stop()
    machine = Machine(direct, tmp_path, ["restore", *files])
    files = machine.snapshot("second")
    assert machine.stop() == ""
    machine = restore(direct, tmp_path, files)
    machine.print_more()
    tally.check([before, machine.stop()], 1)
