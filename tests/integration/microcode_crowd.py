# SPDX-License-Identifier: Apache-2.0
"""microcode_crowd.py - VMs of this machine that a late load holds, and the load"""

import json
import subprocess
import time

import payload
import tally
import ucode_image
from control import ask, wait_for
from gate_vm import GateVm
from host_tree import NEW, PLATFORM, SIGNATURE, Tree


class Crowd:
    """So many VMs, and their sockets in one folder."""

    def __init__(self, host, folder, count, *more, guest="tally"):
        self.folder = folder
        folder.mkdir()
        self.jobs = [host.start_muster(payload.args(
            guest, "--control", self.path(i), *more, memory="16M",
            timeout="10m")) for i in range(count)]
        for i, job in enumerate(self.jobs):
            wait_for(self.path(i), job)

    def path(self, i):
        return self.folder / f"vm{i}.sock"

    @property
    def pids(self):
        return [job.process.pid for job in self.jobs]

    def signal(self, i, name):
        self.jobs[i].signal(name)

    def held_by(self, i):
        return ask(self.path(i), "GET", "/vm").body["held_by"]

    def revision(self, i=0):
        return int(ask(self.path(i), "GET", "/cpu").body["microcode"], 16)

    def check_running(self):
        """At once, every VM that lives."""
        assert all(self.held_by(i) == [] for i, job in enumerate(self.jobs)
                   if job.running())

    def wait_until_running(self, seconds):
        until = time.monotonic() + seconds
        while any(self.held_by(i) for i, job in enumerate(self.jobs)
                  if job.running()):
            assert time.monotonic() < until
            time.sleep(0.02)

    def wait_for_leases(self):
        """Until no coordinator has any of them."""
        until = time.monotonic() + 10
        for i, _ in enumerate(self.jobs):
            while ask(self.path(i), "PUT", "/microcode/prepare", {
                    "coordinator": "test"}).status != 200:
                assert time.monotonic() < until
                time.sleep(0.05)
            ask(self.path(i), "PUT", "/microcode/release", {"coordinator": "test"})

    def check_count(self):
        """What they counted has no gap."""
        self.stop()
        for job in self.jobs:
            tally.check([job.output()], 1, more=1)

    def stop(self):
        for job in self.jobs:
            if job.running():
                job.signal("CONT")
                job.signal("TERM")
        for job in self.jobs:
            job.wait(20)


class Site:
    """A host in a folder, its VMs, what plays its kernel, and loads."""

    def __init__(self, folder, host, muster, vms=2, *more, **options):
        self.folder, self.muster = folder, muster
        self.tree = Tree(folder / "host", muster)
        self.crowd = Crowd(host, folder / "vms", vms, *more, **options)
        self.kernels, self.gates = [], []

    def kernel(self, kind, milliseconds=100):
        self.kernels.append(self.tree.kernel(kind, milliseconds, self.crowd.pids))

    def gate(self, step):
        """One more VM, which stops a coordinator at that step."""
        cpu = ask(self.crowd.path(0), "GET", "/cpu").body
        self.gates.append(GateVm(self.crowd.folder / "z-gate.sock", step, cpu))
        return self.gates[-1]

    def image(self, revision=NEW, **more):
        path = self.folder / f"image-{revision:x}"
        path.write_bytes(ucode_image.intel(SIGNATURE, revision, PLATFORM, **more))
        return path

    def command(self, *args):
        """What a test says nothing about may take long on a busy machine."""
        if "--deadline" not in args:
            args += "--deadline", "20s"
        return [self.muster, "microcode", "load", "--sysfs-root", self.tree.root,
                "--vms", self.crowd.folder, *map(str, args)]

    def start(self, *args):
        return subprocess.Popen(self.command("--json", *args), text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    @staticmethod
    def finish(process, status=0):
        out, err = process.communicate(timeout=60)
        assert process.returncode == status, out + err
        return json.loads(out)

    def load(self, *args, status=0):
        return self.finish(self.start(*args), status)

    def stop(self):
        for gate in self.gates:
            gate.close()
        for kernel in self.kernels:
            kernel.kill()
            kernel.wait()
        self.tree.answer(5)
        self.crowd.stop()


def vms(report):
    """Of a report, by the names of the sockets."""
    return {vm["socket"].rsplit("/", 1)[1]: vm for vm in report["vms"]}


def check_held_together(report, said):
    """Every VM is held before the kernel begins and until after it has ended."""
    for vm in report["vms"]:
        assert vm["held"] and vm["fault"] is None
        assert vm["held_ns"] < said["begun_ns"]
        assert said["ended_ns"] < vm["released_ns"]
    assert said["ran"] == []
    assert said["watched"] == len(report["vms"])
