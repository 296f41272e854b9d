# SPDX-License-Identifier: Apache-2.0
"""test_microcode_trouble.py - coordinators and VMs that die, hang or are busy

Whatever happens during a late load: nothing is left held.
"""

import threading

import pytest

from control import ask
from gate_vm import STEPS
from host_tree import CPUS, NEW, OLD, Tree
from microcode_crowd import Site, vms

pytestmark = pytest.mark.needs("direct")

PREPARE, CPU, HOLD, RELEASE = STEPS
LEASE = ["--lease", "1s"]


@pytest.fixture
def site(direct, muster, tmp_path):
    made = Site(tmp_path, direct, muster, 3)
    yield made
    made.stop()


def not_loaded(site, report, *words):
    assert report["outcome"] == "not loaded" and not report["kernel"]["asked"]
    assert all(word in report["fault"] for word in words), report["fault"]
    assert site.tree.revisions() == [OLD] * CPUS
    assert not site.tree.firmware.exists()


# ---- the coordinator ----

@pytest.mark.parametrize("step", STEPS)
def test_a_coordinator_killed_at_a_step_leaves_no_vm_held(site, step):
    gate = site.gate(step)
    site.kernel("done", 0)
    load = site.start(*LEASE, site.image())
    gate.wait_until_reached()
    load.kill()
    load.communicate()
    site.crowd.wait_until_running(5)
    gate.close()
    (site.crowd.folder / "z-gate.sock").unlink()
    if step == RELEASE:
        assert site.tree.revisions() == [NEW] * CPUS
        return
    site.crowd.wait_for_leases()
    assert site.load(site.image())["outcome"] == "loaded"
    site.crowd.check_running()


def test_a_coordinator_killed_while_the_kernel_loads_leaves_no_vm_held(site):
    site.kernel("hang")
    load = site.start(*LEASE, site.image())
    site.tree.wait_until_asked()
    load.kill()
    load.communicate()
    site.crowd.wait_until_running(5)
    again = site.load(site.image(), status=1)
    assert "waits for the kernel" in again["fault"]


def test_an_interrupt_before_the_load_lets_all_go_at_once(site):
    gate = site.gate(HOLD)
    load = site.start(site.image())
    gate.wait_until_reached()
    load.terminate()
    gate.open()
    not_loaded(site, site.finish(load, 1), "interrupted")
    site.crowd.check_running()


def test_a_second_coordinator_is_refused(site):
    gate = site.gate(HOLD)
    load = site.start(site.image())
    gate.wait_until_reached()
    second = site.load(site.image(), status=1)
    assert "another load is at work" in second["fault"]
    site.kernel("done", 0)
    gate.open()
    assert site.finish(load)["outcome"] == "loaded"


def test_a_second_coordinator_with_another_lock_is_refused_by_the_vms(
        site, muster, tmp_path):
    gate = site.gate(HOLD)
    load = site.start(site.image())
    gate.wait_until_reached()
    first, site.tree = site.tree, Tree(tmp_path / "other", muster)
    refused = site.load(site.image(), status=1)
    not_loaded(site, refused, "has this VM for")
    site.tree = first
    site.kernel("done", 0)
    gate.open()
    assert site.finish(load)["outcome"] == "loaded"


# ---- the VMs ----

def test_a_vm_that_hangs_stops_the_load_before_anything_is_held(site):
    site.crowd.signal(1, "STOP")
    report = site.load("--deadline", "2s", site.image(), status=1)
    not_loaded(site, report, "vm1.sock", "does not answer")
    assert not any(vm["held"] for vm in report["vms"])
    site.crowd.signal(1, "CONT")
    site.crowd.wait_until_running(10)


def test_a_vm_that_hangs_between_two_steps_is_not_held_when_it_wakes(site):
    gate = site.gate(CPU)
    load = site.start("--deadline", "4s", site.image())
    gate.wait_until_reached()
    site.crowd.check_running()  # so they have answered what came before
    site.crowd.signal(1, "STOP")
    gate.open()
    report = site.finish(load, 1)
    not_loaded(site, report, "vm1.sock", "cannot be held")
    assert vms(report)["vm0.sock"]["held"] and not vms(report)["vm1.sock"]["held"]
    assert ask(site.crowd.path(0), "GET", "/vm").body["held_by"] == []
    site.crowd.signal(1, "CONT")
    site.crowd.wait_until_running(1)


def test_a_vm_that_hangs_while_it_is_held_is_told_of_and_goes_on(site):
    site.kernel("done", 1000)
    load = site.start("--lease", "3s", site.image())
    site.tree.wait_until_asked()
    site.crowd.signal(1, "STOP")
    report = site.finish(load, 1)
    assert report["outcome"] == "loaded"
    assert "does not answer" in vms(report)["vm1.sock"]["fault"]
    assert vms(report)["vm0.sock"]["fault"] is None
    site.crowd.signal(1, "CONT")
    site.crowd.wait_until_running(5)


def test_a_vm_that_ends_meanwhile_stops_the_load(site):
    gate = site.gate(CPU)
    load = site.start(site.image())
    gate.wait_until_reached()
    site.crowd.check_running()
    site.crowd.jobs[1].process.kill()
    site.crowd.jobs[1].process.wait()
    gate.open()
    not_loaded(site, site.finish(load, 1), "vm1.sock", "cannot be held")
    site.crowd.check_running()


def test_a_vm_that_takes_snapshots_is_waited_for(site):
    done = threading.Event()
    replies = []

    def take_snapshots():
        folder = site.folder
        while not done.is_set():
            replies.append(ask(site.crowd.path(1), "PUT", "/snapshot/create", {
                "snapshot_path": f"{folder}/state",
                "mem_file_path": f"{folder}/memory"}).status)

    thread = threading.Thread(target=take_snapshots)
    thread.start()
    try:
        site.kernel("done")
        report = site.load(site.image())
    finally:
        done.set()
        thread.join()
    assert report["outcome"] == "loaded"
    assert set(replies) == {204}
    site.crowd.check_running()
    site.crowd.check_count()


def test_what_does_not_speak_as_muster_does_stops_the_load(site):
    gate = site.gate(PREPARE)
    report = site.load("--deadline", "2s", site.image(), status=1)
    not_loaded(site, report, "z-gate.sock", "does not answer")
    gate.open()
