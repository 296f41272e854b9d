# SPDX-License-Identifier: Apache-2.0
"""common.py - what the measurements share: the two monitors, runs, the report

Each measurement alternates muster and QEMU's microvm with the same guest on this
machine, takes medians, and prints one line for each result:

    name: muster X unit, qemu Y unit, ratio R (limit L)

--check makes a result past its limit the exit status 1.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MUSTER = Path(os.environ.get("MUSTER", ROOT / "build/muster"))
QEMU = os.environ.get("QEMU", "qemu-system-x86_64")
GUESTS = ROOT / "build/guests"
MEMORY_MIB = 128
DISK_BYTES = 64 << 20

# Of every QEMU here: no device that was not asked for, the console on a pipe.
QEMU_LEAN = ["-accel", "kvm", "-nodefaults", "-no-user-config", "-no-reboot",
             "-display", "none", "-serial", "stdio"]


@dataclass
class Limit:
    """On `ratio` (muster by QEMU) or on muster's own `value`."""
    of: str
    at_most: float = None
    at_least: float = None

    def kept(self, result):
        value = result.ratio if self.of == "ratio" else result.muster
        return (self.at_most is None or value <= self.at_most) and \
               (self.at_least is None or value >= self.at_least)

    def __str__(self):
        bound = (f"at most {self.at_most}" if self.at_most is not None
                 else f"at least {self.at_least}")
        return bound if self.of == "ratio" else f"muster {bound}"


@dataclass
class Result:
    name: str
    unit: str
    muster: float
    qemu: float  # None where QEMU does no such thing
    limit: Limit  # None: only told
    runs: int
    other: str = "qemu"  # who the value beside muster's is of
    p99: dict = None  # {monitor: value}

    @classmethod
    def of(cls, name, unit, samples, limit):
        """The medians of {monitor: [value]}, and their tails."""
        return cls(name, unit, limit=limit,
                   runs=min(len(values) for values in samples.values()),
                   p99={monitor: p99(values)
                        for monitor, values in samples.items()},
                   **{monitor: statistics.median(samples[monitor])
                      if monitor in samples else None for monitor in COMMANDS})

    @property
    def ratio(self):
        """None where QEMU has no value, or 0."""
        return self.muster / self.qemu if self.qemu else None

    @property
    def kept(self):
        return not self.limit or self.limit.kept(self)

    def shown(self, name, monitor):
        tail = f" (p99 {self.p99[monitor]:.4g})" if self.p99 else ""
        return f"{name} {getattr(self, monitor):.4g} {self.unit}{tail}"

    def __str__(self):
        parts = [self.shown("muster", "muster")]
        if self.qemu is not None:
            ratio = "none" if self.ratio is None else f"{self.ratio:.3g}"
            parts += [self.shown(self.other, "qemu"), f"ratio {ratio}"]
        limit = f" (limit {self.limit})" if self.limit else ""
        return f"{self.name}: {', '.join(parts)}{limit}"


def muster_command(guest, cmdline="", disk=None, mib=MEMORY_MIB):
    command = [MUSTER, "run", "--kernel", GUESTS / guest, "--debug-exit",
               "--memory", f"{mib}M"]
    if cmdline:
        command += ["--cmdline", cmdline]
    if disk:
        command += ["--disk", f"path={disk}"]
    return [str(word) for word in command]


def qemu_command(guest, cmdline="", disk=None, mib=MEMORY_MIB):
    """As lean as microvm gets, and with its own fastest disk."""
    command = [
        QEMU, "-M",
        "microvm,pit=off,pic=off,rtc=off,x-option-roms=off,ioapic2=off",
        *QEMU_LEAN, "-cpu", "host,-arch-capabilities",
        "-m", f"{mib}M", "-kernel", GUESTS / guest,
        "-name", "bench,debug-threads=on",
        "-device", "isa-debug-exit,iobase=0xf4",
        "-global", "virtio-mmio.force-legacy=false"]
    if cmdline:
        command += ["-append", cmdline]
    if disk:
        command += ["-drive", f"if=none,id=d,format=raw,file={disk},"
                              "aio=io_uring,cache=writeback",
                    "-object", "iothread,id=io",
                    "-device", "virtio-blk-device,drive=d,iothread=io"]
    return [str(word) for word in command]


COMMANDS = {"muster": muster_command, "qemu": qemu_command}


class Vm:
    """A monitor whose guest's console we read; posix_spawn, for little delay."""

    def __init__(self, command):
        self.console, theirs = os.pipe()
        null = os.open(os.devnull, os.O_RDWR)
        self.started = time.monotonic()
        self.pid = os.posix_spawnp(command[0], command, os.environ, file_actions=[
            (os.POSIX_SPAWN_DUP2, null, 0), (os.POSIX_SPAWN_DUP2, theirs, 1),
            (os.POSIX_SPAWN_DUP2, null, 2)])
        os.close(theirs)
        os.close(null)
        self.text = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.console)
        if self.pid:
            os.kill(self.pid, 9)
            os.waitpid(self.pid, 0)

    def read_until(self, wanted):
        """The time at which `wanted` had been printed."""
        while wanted not in self.text:
            more = os.read(self.console, 4096)
            if not more:
                raise RuntimeError(f"the console ended: {self.text.decode()!r}")
            self.text += more
        return time.monotonic()

    def wait(self):
        """Until the guest has ended; what it printed."""
        while more := os.read(self.console, 4096):
            self.text += more
        os.waitpid(self.pid, 0)
        self.pid = 0
        return self.text.decode()


def progress(text):
    """On a terminal, in place of what it said before."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def samples(runs, keys, measure):
    """measure(key) for each in turn, `runs` times; {key: [value]}."""
    taken = {key: [] for key in keys}
    for run in range(runs):
        for key, values in taken.items():
            progress(f"{run + 1}/{runs} {key}")
            values.append(measure(key))
    progress("")
    return taken


def medians(runs, measure):
    """measure(monitor) for each in turn, `runs` times; {monitor: median}."""
    return {monitor: statistics.median(values) for monitor, values
            in samples(runs, COMMANDS, measure).items()}


def p99(values):
    """The largest but 1 %; of few values, the largest."""
    return sorted(values)[(len(values) * 99 - 1) // 100]


def warm_disk(folder, name="disk"):
    """A file full of data, all of it in the page cache."""
    path = Path(folder) / name
    path.write_bytes(os.urandom(DISK_BYTES))
    path.read_bytes()
    return path


def make(*targets):
    subprocess.run(["make", "-s", *targets], cwd=ROOT, stdout=sys.stderr,
                   check=True)


def prepare():
    """For measurements on this machine's own KVM."""
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        sys.exit("/dev/kvm is needed and cannot be opened")
    if not os.access(MUSTER, os.X_OK):
        sys.exit(f"{MUSTER} is needed: run make")
    make("guests")


def main(doc, measure, runs=10, prepare=prepare):
    """measure(runs) yields Results, after prepare()."""
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("--runs", type=int, default=runs)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--check", action="store_true",
                        help="exit 1 when a result is past its limit")
    options = parser.parse_args()
    prepare()
    missed = False
    for result in measure(options.runs):
        missed |= not result.kept
        if options.json:
            print(json.dumps(asdict(result) | {"ratio": result.ratio,
                                               "kept": result.kept}))
        else:
            print(result, "" if result.kept else "MISSED", flush=True)
    sys.exit(options.check and missed)
