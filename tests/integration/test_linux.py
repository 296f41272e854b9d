# SPDX-License-Identifier: Apache-2.0
"""test_linux.py - an unmodified Debian kernel runs as it should"""

from dataclasses import dataclass

import pytest

import images
import linux
from vmx import DEFAULT_MODEL

SCRIPT = """
echo "@root $(sed -n 's/ \\/ ext4.*//p' /proc/mounts)"
echo "@online $(nproc)"
echo "@memory $(sed -n 's/MemTotal: *\\([0-9]*\\).*/\\1/p' /proc/meminfo)"
echo "@rng $(cat /sys/class/misc/hw_random/rng_current)"
echo "@entropy $(head -c 64 /dev/hwrng | wc -c)"
echo "@clock $(cat /sys/devices/system/clocksource/*/current_clocksource)"
""" + f'echo "@events {linux.EVENT_INTERRUPT}"\n' + linux.SHOW_WARNINGS


@dataclass(frozen=True)
class Machine:
    host: str
    kernel: str
    cpus: int
    memory_mib: int

    def __str__(self):
        return f"{self.host}-{self.kernel}-{self.cpus}-{self.memory_mib}"

    def args(self, host):
        return linux.run_args(
            host, self.kernel, SCRIPT, "--cpus", self.cpus, "--memory",
            f"{self.memory_mib}M", "--rng", "--disk", "path=root.ext4",
            cmdline=linux.ROOT_DISK, timeout="300s")


MACHINES = [
    Machine("svm", "bzimage", 1, 256),
    Machine("svm", "bzimage", 4, 5120),
    Machine("svm", "vmlinux", 2, 256),
    Machine("svm", "vmlinux", 1, 5120),
    Machine("vmx", "bzimage", 2, 5120),
    Machine("vmx", "vmlinux", 4, 256),
]


def vmx_jobs(host):
    if host.model != DEFAULT_MODEL:
        return
    host.seconds += 600
    host.add_shell("disk", f"cp {host.path(images.root_disk())} root.ext4")
    for machine in MACHINES:
        if machine.host == "vmx":
            host.add(str(machine), machine.args(host), timeout=320)


@pytest.fixture(scope="module", params=[
    pytest.param(m, id=str(m), marks=pytest.mark.needs(m.host))
    for m in MACHINES])
def machine(request):
    return request.param


@pytest.fixture(scope="module")
def booted(machine, request):
    if machine.host == "vmx":
        return request.getfixturevalue("vmx")()[str(machine)]
    svm = request.getfixturevalue("svm")
    svm.shell(f"cp {svm.path(images.root_disk())} root.ext4")
    return svm.run(machine.args(svm), timeout=120)


def test_init_runs_from_the_root_disk(booted):
    assert booted.facts.get("root") == "/dev/vda", booted


def test_all_cpus_are_online(machine, booted):
    assert booted.facts.get("online") == str(machine.cpus)


def test_all_memory_is_there(machine, booted):
    total_mib = int(booted.facts["memory"]) / 1024
    # The kernel keeps its own image, the page array and the crash area.
    assert machine.memory_mib * 0.75 < total_mib <= machine.memory_mib


def test_rng_serves_entropy(booted):
    assert booted.facts["rng"].startswith("virtio_rng")
    assert booted.facts["entropy"] == "64"


def test_acpi_events_have_an_interrupt(booted):
    assert booted.facts["events"] == "23-edge"


def test_kernel_log_is_clean(booted):
    assert "Linux version 6" in booted.console
    assert linux.complaints(booted.console) == []


def test_power_off_ends_with_status_0(booted):
    assert booted.status == 0, booted.stderr
