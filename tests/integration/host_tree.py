# SPDX-License-Identifier: Apache-2.0
"""host_tree.py - a host in a folder, for `muster microcode --sysfs-root`

Its CPUs are Intel's by the kernel's files, and this machine's by their registers: so
images can be made for them, and this machine's VMs fit.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

SIGNATURE, PLATFORM = 0x806F8, 0x10
FILE = "06-8f-08"
OLD, NEW = 0x2B000603, 0x2B000650
CPUS = 4

CPUINFO = """\
processor\t: {}
vendor_id\t: GenuineIntel
cpu family\t: 6
model\t\t: 143
stepping\t: 8
microcode\t: {:#x}

"""


class Tree:
    def __init__(self, root, muster):
        self.root = root
        for folder in ("proc", "run", "dev", "lib/firmware/intel-ucode"):
            (root / folder).mkdir(parents=True)
        (root / "proc/cpuinfo").write_text(
            "".join(CPUINFO.format(cpu, OLD) for cpu in range(CPUS)))
        (root / "dev/kmsg").write_text("6,0,1,-;microcode: before\n")
        self._make_cpus()
        self._make_profile(muster)

    def _make_cpus(self):
        folder = self.root / "sys/devices/system/cpu"
        for cpu in range(CPUS):
            (folder / f"cpu{cpu}/microcode").mkdir(parents=True)
            self.cpu_file(cpu, "processor_flags").write_text(f"{PLATFORM:#x}\n")
        self.reset()
        (folder / "microcode").mkdir()
        for name in "reload", "reload.verdict":
            os.mkfifo(folder / "microcode" / name)

    def _make_profile(self, muster):
        made = subprocess.run([muster, "fleet", "profile"], check=True,
                              stdout=subprocess.PIPE)
        profile = json.loads(made.stdout)
        del profile["groups"][1:]
        profile["groups"][0]["cpus"] = f"0-{CPUS - 1}"
        (self.root / "profile.json").write_text(json.dumps(profile))

    def reset(self):
        """The old revision again, as after a boot without the new one."""
        for cpu in range(CPUS):
            self.cpu_file(cpu, "version").write_text(f"{OLD:#x}\n")

    def cpu_file(self, cpu, name):
        return self.root / f"sys/devices/system/cpu/cpu{cpu}/microcode/{name}"

    def revisions(self):
        return [int(self.cpu_file(cpu, "version").read_text(), 16)
                for cpu in range(CPUS)]

    @property
    def firmware(self):
        return self.root / "lib/firmware/intel-ucode" / FILE

    @property
    def trigger(self):
        return self.root / "sys/devices/system/cpu/microcode/reload"

    def kernel(self, kind, milliseconds=100, pids=()):
        """Start what plays the kernel; the caller ends it."""
        return subprocess.Popen(
            [sys.executable, Path(__file__).parent / "fake_kernel.py", self.root,
             kind, str(milliseconds), *map(str, pids)])

    def answer(self, error):
        """For a load whose kernel is gone and that waits still."""
        try:
            verdict = os.open(self.trigger.with_name("reload.verdict"),
                              os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            return
        os.write(verdict, str(error).encode())
        os.close(verdict)

    def wait_until_asked(self):
        """Until the kernel is at work."""
        until = time.monotonic() + 20
        while not (self.root / "asked").exists():
            assert time.monotonic() < until
            time.sleep(0.01)

    def kernel_said(self):
        return json.loads((self.root / "kernel.json").read_text())
