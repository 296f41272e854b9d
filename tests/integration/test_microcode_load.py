# SPDX-License-Identifier: Apache-2.0
"""test_microcode_load.py - late loads with VMs of this machine held, on a host in a folder"""

import json
import subprocess
import time

import pytest

import payload
import tally
import ucode_image
from control import ask, wait_for
from host_tree import CPUS, NEW, OLD, PLATFORM, SIGNATURE, Tree

pytestmark = pytest.mark.needs("direct")

STOPPED = 14


class Crowd:
    """So many VMs that count, and their sockets in one folder."""

    def __init__(self, host, folder, count, *more):
        self.folder = folder
        folder.mkdir()
        self.jobs = [host.start_muster(payload.args(
            "tally", "--control", self.path(i), *more, memory="16M",
            timeout="10m")) for i in range(count)]
        for i, job in enumerate(self.jobs):
            wait_for(self.path(i), job)

    def path(self, i):
        return self.folder / f"vm{i}.sock"

    @property
    def pids(self):
        return [job.process.pid for job in self.jobs]

    def vm(self, i):
        return ask(self.path(i), "GET", "/vm").body

    def check_running(self):
        assert all(self.vm(i)["held_by"] == [] for i in range(len(self.jobs)))

    def stop(self):
        for job in self.jobs:
            if job.running():
                job.signal("TERM")
        for job in self.jobs:
            job.wait(20)


@pytest.fixture
def tree(tmp_path, muster):
    return Tree(tmp_path / "host", muster)


@pytest.fixture
def crowd(direct, tmp_path, request):
    made = Crowd(direct, tmp_path / "vms", getattr(request, "param", 1))
    yield made
    made.stop()


@pytest.fixture
def kernel(tree, crowd):
    """Start a kernel of that kind; it ends with the test."""
    started = []

    def start(kind, milliseconds=100):
        started.append(tree.kernel(kind, milliseconds, crowd.pids))

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "image"
    path.write_bytes(ucode_image.intel(SIGNATURE, NEW, PLATFORM))
    return path


@pytest.fixture
def load(muster, tree, crowd):
    def run(*args, status=0):
        done = subprocess.run(
            [muster, "microcode", "load", "--sysfs-root", tree.root, "--json",
             "--vms", crowd.folder, *map(str, args)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            timeout=60, check=False)
        assert done.returncode == status, done.stdout + done.stderr
        return json.loads(done.stdout)
    return run


def check_held_together(report, said):
    """Every VM is held before the kernel begins and until after it has ended."""
    for vm in report["vms"]:
        assert vm["held"] and vm["fault"] is None
        assert vm["held_ns"] < said["begun_ns"]
        assert said["ended_ns"] < vm["released_ns"]
    assert said["ran"] == []
    assert said["watched"] == len(report["vms"])


@pytest.mark.parametrize("crowd", [1, 5, 50], indirect=True)
def test_all_vms_stand_still_while_the_kernel_loads(tree, crowd, kernel, image, load):
    kernel("done")
    report = load(image)
    assert (report["outcome"], report["fault"]) == ("loaded", None)
    check_held_together(report, tree.kernel_said())
    assert tree.revisions() == [NEW] * CPUS
    assert [vm["state"] for vm in report["vms"]] == ["runs"] * len(crowd.jobs)
    crowd.check_running()
    time.sleep(0.2)
    crowd.stop()
    for job in crowd.jobs:
        tally.check([job.output()], 1, more=1)
