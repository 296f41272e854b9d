# SPDX-License-Identifier: Apache-2.0
"""microcode_host.py - a folder in place of a host's /proc, /sys, /boot and /lib"""

from dataclasses import dataclass

INTEL, AMD = "GenuineIntel", "AuthenticAMD"
SYSFS = "sys/devices/system/cpu"
RELEASE = "6.1.0-99-test"


@dataclass
class Cpu:
    signature: int
    revision: int = 1
    platforms: int = 0
    vendor: str = INTEL


def shown(signature):
    """Family, model and stepping as /proc/cpuinfo has them."""
    family, model = signature >> 8 & 0xf, signature >> 4 & 0xf
    if family == 0xf:
        family += signature >> 20 & 0xff
    if family in (6, *range(0xf, 0x200)):
        model |= signature >> 12 & 0xf0
    return family, model, signature & 0xf


class MicrocodeHost:
    """A tree for --sysfs-root: its CPUs, and how its kernel loads microcode."""

    def __init__(self, root, cpus):
        self.root = root
        text = ""
        for number, cpu in enumerate(cpus):
            family, model, stepping = shown(cpu.signature)
            text += (f"processor\t: {number}\nvendor_id\t: {cpu.vendor}\n"
                     f"cpu family\t: {family}\nmodel\t\t: {model}\n"
                     f"stepping\t: {stepping}\nmicrocode\t: {cpu.revision:#x}\n\n")
            self.revise(number, cpu.revision)
            self.write(f"{SYSFS}/cpu{number}/microcode/processor_flags",
                       f"{cpu.platforms:#x}\n")
        self.write("proc/cpuinfo", text)
        self.write("proc/cmdline", "quiet\n")
        self.write("proc/sys/kernel/osrelease", f"{RELEASE}\n")
        (self.root / SYSFS / "microcode").mkdir()

    def write(self, name, data):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return path

    def revise(self, number, revision):
        self.write(f"{SYSFS}/cpu{number}/microcode/version", f"{revision:#x}\n")

    def can_load_late(self, config="CONFIG_MICROCODE_LATE_LOADING=y\n"):
        self.write(f"{SYSFS}/microcode/reload", "")
        self.write(f"boot/config-{RELEASE}", config)

    @property
    def option(self):
        return f"--sysfs-root={self.root}"
