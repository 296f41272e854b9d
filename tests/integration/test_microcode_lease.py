# SPDX-License-Identifier: Apache-2.0
"""test_microcode_lease.py - a VM and the lease of a coordinator that loads microcode"""

import functools
import json
import os
import time

import pytest

import payload
from control import ask, wait_for
from instance import Instance

pytestmark = pytest.mark.needs("direct")

ME, OTHER = "coordinator-1", "coordinator-2"


class Leased:
    """A VM, and what a coordinator asks of it."""

    def __init__(self, path, pid=None):
        self.path, self.pid = path, pid

    def ask(self, step, who=ME, **more):
        return ask(self.path, "PUT", f"/microcode/{step}",
                   {"coordinator": who, **more})

    def prepare(self, lease="5s", who=ME):
        return self.ask("prepare", who, lease=lease)

    def hold(self, lease="5s", seconds=2.0):
        until = f"{int((time.monotonic() + seconds) * 1000)}ms"
        return self.ask("hold", lease=lease, until=until)

    def release(self, **more):
        return self.ask("release", **more)

    def revision(self):
        return int(ask(self.path, "GET", "/cpu").body["microcode"], 16)

    def held_by(self):
        return ask(self.path, "GET", "/vm").body["held_by"]

    def wait_until_it_runs(self):
        until = time.monotonic() + 10
        while self.held_by():
            assert time.monotonic() < until
            time.sleep(0.02)


def boot(host, folder, *more):
    path = folder / "vm.sock"
    job = host.start_muster(payload.args("spin", "--control", path, *more, cpus=2))
    wait_for(path, job)
    yield Leased(path, job.process.pid)
    job.signal("TERM")
    assert job.wait(10).status == 14


@pytest.fixture
def leased(direct, tmp_path):
    yield from boot(direct, tmp_path)


@pytest.fixture
def cautious(direct, tmp_path):
    yield from boot(direct, tmp_path, "--microcode-misfit", "pause")


@pytest.fixture
def templated(direct, tmp_path, leased):
    template = ask(leased.path, "GET", "/cpu").body["template"]
    file = tmp_path / "cpu.json"
    file.write_text(json.dumps(template), encoding="ascii")
    (tmp_path / "other").mkdir()
    yield from boot(direct, tmp_path / "other", "--cpu", file)


def test_a_load_holds_the_vm_between_hold_and_release(leased):
    before = time.monotonic_ns()
    assert leased.prepare().body["state"] == "Running"
    told = leased.hold().body
    held = time.monotonic_ns()
    assert (told["state"], leased.held_by()) == ("Paused", ["microcode"])
    done = leased.release().body
    assert (done["state"], leased.held_by()) == ("Running", [])
    assert before < told["held_ns"] < held < done["released_ns"]
    assert done["held_ns"] == told["held_ns"] and done["released_ns"] < time.monotonic_ns()


def test_a_vm_that_the_user_holds_stays_paused(leased):
    ask(leased.path, "PATCH", "/vm", {"state": "Paused"})
    leased.prepare()
    assert leased.hold().status == 200
    assert leased.held_by() == ["user", "microcode"]
    assert leased.release().body["state"] == "Paused"
    assert leased.held_by() == ["user"]


def test_the_control_thread_runs_before_others_only_while_there_is_a_lease(leased):
    policy = functools.partial(os.sched_getscheduler, leased.pid)
    leased.prepare()
    assert policy() in (os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.SCHED_OTHER)
    leased.release()
    assert policy() == os.SCHED_OTHER
    leased.prepare(lease="100ms")
    until = time.monotonic() + 10
    while policy() != os.SCHED_OTHER:
        assert time.monotonic() < until


def test_a_second_coordinator_is_refused_while_the_first_has_its_lease(leased):
    leased.prepare()
    reply = leased.prepare(who=OTHER)
    assert reply.status == 400
    assert f"another one, {ME}, has this VM" in reply.fault
    assert leased.ask("release", OTHER).status == 400
    leased.release()
    assert leased.prepare(who=OTHER).status == 200


def test_a_hold_needs_a_lease(leased):
    assert "prepare comes first" in leased.hold().fault
    assert leased.held_by() == []


def test_a_lease_that_nobody_renews_runs_out_and_the_vm_goes_on(leased):
    leased.prepare(lease="1m")
    begun = time.monotonic()
    leased.hold(lease="1s")
    assert leased.held_by() == ["microcode"]
    leased.wait_until_it_runs()
    assert 1 <= time.monotonic() - begun
    assert "has no lease" in leased.release().fault


def test_holding_again_renews_the_lease_and_holds_no_longer_ago(leased):
    leased.prepare()
    first = leased.hold(lease="1m").body
    again = leased.hold(lease="300ms").body
    assert again["held_ns"] == first["held_ns"]
    leased.wait_until_it_runs()


def test_a_hold_that_comes_too_late_is_none(leased):
    leased.prepare()
    reply = leased.hold(seconds=-1)
    assert reply.status == 400 and "ms ago; the VM was busy" in reply.fault
    assert leased.held_by() == []
    assert "prepare comes first" in leased.hold().fault


def test_the_guest_sees_what_the_host_runs_now_and_never_less(leased):
    newer = leased.revision() + 0x11
    for told in newer, newer - 1:
        leased.prepare()
        leased.hold()
        assert leased.release(revision=told).body["revision"] == hex(newer)
        assert leased.revision() == newer


def test_a_template_that_has_a_revision_keeps_it(templated):
    before = templated.revision()
    assert before
    templated.prepare()
    templated.hold()
    assert templated.release(revision=before + 1).body["revision"] == hex(before)
    assert templated.revision() == before


def test_a_vm_that_no_longer_fits_goes_on_unless_told_otherwise(leased):
    leased.prepare()
    leased.hold()
    assert leased.release(fits=False).body["state"] == "Running"


def test_a_vm_whose_policy_is_to_pause_stays_with_the_user(cautious):
    for fits in True, False:
        cautious.prepare()
        cautious.hold()
        state = cautious.release(fits=fits).body["state"]
        assert state == ("Running" if fits else "Paused")
    assert cautious.held_by() == ["user"]
    ask(cautious.path, "PATCH", "/vm", {"state": "Resumed"})
    assert cautious.held_by() == []


def test_a_vm_that_starts_meanwhile_starts_held(direct, tmp_path):
    instance = Instance(direct, tmp_path)
    leased = Leased(instance.path)
    assert leased.prepare().body["state"] == "Not started"
    leased.hold()
    instance.boot("hello")
    instance.put("/machine-config", {"vcpu_count": 1, "mem_size_mib": 64})
    instance.start()
    assert leased.held_by() == ["microcode"]
    time.sleep(0.2)
    assert not (instance.job.folder / "stdout").read_text()
    assert leased.release().body["state"] == "Running"
    instance.wait_until_it_says("hello from ring 3")
    instance.stop()


def test_a_snapshot_that_is_loaded_meanwhile_goes_on_afterwards(
        direct, tmp_path, leased):
    files = {"snapshot_path": f"{tmp_path}/state", "mem_file_path": f"{tmp_path}/memory"}
    assert ask(leased.path, "PUT", "/snapshot/create", files).status == 204
    instance = Instance(direct, tmp_path)
    second = Leased(instance.path)
    second.prepare()
    second.hold()
    instance.put("/snapshot/load", {
        "snapshot_path": files["snapshot_path"], "resume_vm": True,
        "mem_backend": {"backend_type": "File",
                        "backend_path": files["mem_file_path"]}})
    assert second.held_by() == ["microcode"]
    assert second.release().body["state"] == "Running"
    instance.stop()
