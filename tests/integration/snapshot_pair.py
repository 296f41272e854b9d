# SPDX-License-Identifier: Apache-2.0
"""snapshot_pair.py - the two files of a snapshot of tests/guests/ledger.c, on `direct`

That payload compares a register with its memory all the time, so that a state with
the memory of another moment ends it.
"""

import hashlib
import os
import re
import shutil
import struct
import subprocess
import time
from pathlib import Path

import memory_file
import payload
from control import ask, wait_for

NEW = ".new"
STOPPED = 14
HEADER_BYTES = 40
SECTION = struct.Struct("<16sIIQQ")


def sections(data):
    """Name, offset of the payload and payload of each section of a state file."""
    at = HEADER_BYTES
    while at < len(data):
        name, _, _, length, _ = SECTION.unpack_from(data, at)
        at += SECTION.size
        yield name.rstrip(b"\0").decode(), at, data[at:at + length]
        at += length


def parts_of(state):
    """Its sections as (header without checksum, payload)."""
    return [(state[at - SECTION.size:at - 8], payload)
            for _, at, payload in sections(state)]


def sealed(state, parts):
    """A state file of these, with every length and checksum made right."""
    out = state[:HEADER_BYTES]
    for head, payload in parts:
        if head.startswith(b"end\0"):
            payload = struct.pack("<Q", memory_file.crc64(out))
        head = head[:24] + struct.pack("<Q", len(payload))
        out += head + struct.pack("<Q", memory_file.crc64(head + payload)) + payload
    return out


def state_id(path):
    found = {name: body for name, _, body in sections(path.read_bytes())}
    return found["memory"][8:24]


def memory_ids(path):
    """Its own id, and that of what it changes, or None for a full one."""
    with open(path, "rb") as file:
        file.seek(-memory_file.SEAL.size, 2)
        seal = memory_file.SEAL.unpack(file.read())
    return seal[4], seal[5] if seal[2] == memory_file.DIFF else None


def run(*argv):
    return subprocess.run(list(map(str, argv)), capture_output=True, errors="replace",
                          timeout=20, check=False)


class Pair:
    def __init__(self, folder):
        self.state, self.memory = folder / "s", folder / "m"

    def options(self):
        return ["--state", self.state, "--memory", self.memory]

    def content(self):
        """What tells two of them apart."""
        return tuple(hashlib.sha1(path.read_bytes()).digest()
                     for path in (self.state, self.memory))

    def copy_to(self, other):
        for old, new in ((self.state, other.state), (self.memory, other.memory)):
            shutil.copyfile(old, new)

    def found_memory(self):
        """The memory file that belongs to the state, which may await its rename."""
        for path in (self.memory, Path(f"{self.memory}{NEW}")):
            if path.exists() and memory_ids(path)[0] == state_id(self.state):
                return path
        raise AssertionError(f"no memory for {self.state}: a mix")


class Machine:
    """A VM that keeps its ledger, run or restored, with a control socket."""

    def __init__(self, host, folder, restored_from=None, more=()):
        self.host, self.socket = host, folder / "vm.sock"
        self.socket.unlink(missing_ok=True)
        args = (["restore", *restored_from.options(), "--resume"]
                if restored_from else payload.args("ledger", memory="16M"))
        self.job = host.start_muster([*args, "--control", self.socket, *more])
        wait_for(self.socket, self.job)

    @property
    def pid(self):
        return self.job.process.pid

    def expect_entries(self, count=2):
        """It counts on, and found nothing wrong."""
        seen = self.entries()
        while self.entries() < seen + count:
            assert self.job.running(), self.job.described()
            time.sleep(0.005)

    def entries(self):
        return len(re.findall(r"^entry \d+$", self.job.output().replace("\r", ""), re.M))

    def ctl(self, *args):
        return run(self.host.muster, "ctl", "--socket", self.socket, *args)

    def snapshot(self, pair, diff=False):
        return self.ctl("snapshot", *pair.options(), *["--diff"] * diff)

    def status(self):
        return ask(self.socket, "GET", "/vm").body

    def warnings(self):
        return (self.job.folder / "stderr").read_text()

    def stop(self):
        if self.job.running():
            self.job.signal("TERM")
        return self.job.wait(10).status


class Shelf:
    """Memory files by their ids, so that diffs find what they change."""

    def __init__(self, host, folder, more=()):
        self.host, self.folder = host, folder
        self.more = more  # options of a clone
        self.good = set()
        folder.mkdir()

    def keep(self, memory):
        own = memory_ids(memory)[0]
        kept = self.folder / own.hex()
        if not kept.exists():
            os.link(memory, kept)

    def full(self, memory):
        """A full file with this memory: itself, or a merge of the chain to it."""
        own, base = memory_ids(memory)
        if base is None:
            return memory
        names = [memory]
        while base is not None:
            names.insert(0, self.folder / base.hex())
            base = memory_ids(names[0])[1]
        merged = self.folder / f"{own.hex()}.full"
        done = run(self.host.muster, "snapshot", "merge", *names, "-o", merged)
        assert done.returncode == 0, done
        return merged

    def check(self, pair):
        """The pair restores, and its guest finds its memory as it should be."""
        content = pair.content()
        if content in self.good:
            return
        memory = pair.found_memory()
        whole = Pair(pair.state.parent)
        if memory_ids(memory)[1] is not None:
            whole.memory = self.full(memory)
        clone = Machine(self.host, self.folder, whole, self.more)
        clone.expect_entries()
        assert clone.stop() == STOPPED
        self.good.add(content)
