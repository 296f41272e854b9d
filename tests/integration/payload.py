# SPDX-License-Identifier: Apache-2.0
"""payload.py - bare-metal payloads: build them, run them, judge their verdict"""

import configparser
import functools
import struct
import subprocess

from host import HostFailed
from images import ROOT

GUESTS = ROOT / "build/guests"
SECTOR = 512
DISK_SECTORS = 20480
DISK_ID = "payload-disk"
ENGINES = "io_uring", "epoll"
HOST_SEED = 0x686F7374
MASK = (1 << 64) - 1


def runs():
    """The sections of guests.ini by name."""
    ini = configparser.ConfigParser()
    ini.read(ROOT / "tests/guests/guests.ini")
    return {name: ini[name] for name in ini.sections()}


@functools.cache
def build():
    """All payloads, up to date: make knows what that takes."""
    made = subprocess.run(["make", "-s", "guests"], cwd=ROOT, text=True,
                          stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                          check=False)
    if made.returncode:
        raise HostFailed(f"make guests failed:\n{made.stderr}")


def guest(name):
    build()
    return GUESTS / name


def pattern(sector, sectors, seed):
    """What pattern_fill() in tests/guests/rt/blk.c writes."""
    first = sector * SECTOR // 8
    return b"".join(
        struct.pack("<Q", ((word + 1) * 0x9E3779B97F4A7C15 & MASK) ^ seed)
        for word in range(first, first + sectors * SECTOR // 8))


def make_disk(path):
    """A sparse disk whose first eight sectors the payloads know."""
    with open(path, "wb") as file:
        file.truncate(DISK_SECTORS * SECTOR)
        file.write(pattern(0, 8, HOST_SEED))
    return path


def read_sectors(path, sector, count):
    with open(path, "rb") as file:
        file.seek(sector * SECTOR)
        return file.read(count * SECTOR)


def args(name, *more, cpus=1, memory="64M", cmdline="", timeout="60s"):
    """`muster run` of one payload."""
    fixed = ["run", "--kernel", guest(name), "--cpus", cpus, "--memory", memory,
             "--debug-exit", "--timeout", timeout, *more]
    return fixed + (["--cmdline", cmdline] if cmdline else [])


def disk_args(path, engine, readonly=False, direct=False):
    options = f"path={path},id={DISK_ID}"
    options += ",readonly=on" * readonly + ",direct=on" * direct
    return ["--disk", options, "--loop-engine", engine]


def check(result, name, status=0, says=""):
    """The payload said that it is content, and muster ended as it should."""
    everything = f"status {result.status}\n{result.console}{result.stderr}"
    assert f"{name}: ok" in result.console.splitlines(), everything
    assert result.status == status, everything
    last = (result.stderr.strip().splitlines() or [""])[-1]
    assert says in last.lower(), everything
