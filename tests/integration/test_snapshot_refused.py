# SPDX-License-Identifier: Apache-2.0
"""test_snapshot_refused.py - what `muster restore` does not restore, and why

Every refusal is one sentence, comes before anything is made, and leaves the files
as they are.
"""

import re
import struct

import pytest

import memory_file
import payload
from snapshot_file import SnapshotFile
from test_snapshot import Machine

pytestmark = pytest.mark.needs("direct")

BAD_CONFIG, TIMED_OUT = 2, 13
RAM = 16 << 20
DISK_BYTES = 1 << 20
STEP = 97
VENDORS = {b"GenuineIntel": b"AuthenticAMD", b"AuthenticAMD": b"GenuineIntel"}
# Of leaf 7, EBX: no host has them all.
RARE_BITS = {4: "hle", 11: "rtm", 14: "mpx"}


@pytest.fixture(scope="module")
def taken(direct, tmp_path_factory):
    """A folder: snapshots `one` and `two`, the diff `three`; `disk` and a copy."""
    folder = tmp_path_factory.mktemp("snapshots")
    for name in "disk", "copy":
        (folder / name).write_bytes(bytes(DISK_BYTES))
    (folder / "large").write_bytes(bytes(2 * DISK_BYTES))
    machine = Machine(direct, folder, payload.args(
        "tally", "--disk", f"path={folder}/disk,id=data", "--rng", memory="16M"))
    machine.print_more()
    for name, kind in ("one", "Full"), ("two", "Full"), ("three", "Diff"):
        machine.snapshot(name, kind)
    machine.stop()
    return folder


@pytest.fixture
def restore(direct, taken):
    """Runs it, in the folder of the snapshots; nothing may be made there."""

    def run(state="one.state", memory="one.memory", *more):
        before = contents(taken)
        result = direct.run(["restore", "--state", taken / state, "--memory",
                             taken / memory, "--resume", "--timeout", "100ms",
                             "--control", taken / "clone.sock", *more])
        assert contents(taken) == before
        return result

    yield run
    (taken / "bad").unlink(missing_ok=True)


def contents(folder):
    return {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}


def check(result, *words):
    assert result.status == BAD_CONFIG, result
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1, result.stderr
    assert result.stderr.count("/bad: ") <= 1, result.stderr
    for word in words:
        assert word in result.stderr


def changed(folder):
    return SnapshotFile(folder / "one.state")


def test_an_unchanged_copy_is_restored(restore, taken):
    changed(taken).write(taken / "bad")
    assert (taken / "bad").read_bytes() == (taken / "one.state").read_bytes()
    result = restore("bad", "one.memory", "--disk", f"id=data,path={taken}/copy")
    assert result.status == TIMED_OUT, result


# ---- the CPU ----

def registers(text):
    """A vendor, as CPUID gives it in EBX, ECX and EDX."""
    ebx, edx, ecx = struct.unpack("<3I", text)
    return f'"ebx": "{ebx:#x}", "ecx": "{ecx:#x}", "edx": "{edx:#x}"'.encode()


def test_another_cpu_vendor(restore, taken):
    state = changed(taken)
    mine, other = next(pair for pair in VENDORS.items()
                       if registers(pair[0]) in state["template"].data)
    state.replace("template", registers(mine), registers(other))
    state.write(taken / "bad")
    check(restore("bad"), mine.decode(), other.decode())


def test_a_cpu_bit_that_this_host_lacks(restore, taken):
    state = changed(taken)
    leaf = re.search(rb'"leaf": "0x7", "subleaf": "0x0", "eax": "\w+", '
                     rb'"ebx": "(\w+)"', state["template"].data)
    value = int(leaf[1], 16)
    bit = next(bit for bit in RARE_BITS if not value >> bit & 1)
    more = leaf[0].replace(leaf[1], f"{value | 1 << bit:#x}".encode())
    state.replace("template", leaf[0], more)
    state.write(taken / "bad")
    check(restore("bad"), RARE_BITS[bit])


def test_another_architecture(restore, taken):
    state = changed(taken)
    state.arch = "aarch64"
    state.write(taken / "bad")
    check(restore("bad"), "aarch64", "x86_64")


# ---- memory ----

@pytest.mark.parametrize("memory, words", [
    ("absent", ["absent: cannot open: No such file"]),
    ("two.memory", ["two.memory: is the memory of snapshot", "but the state is of"]),
    ("three.memory", ["three.memory: is the memory of snapshot"]),
    ("disk", ["disk: not a memory file"]),
    ("one.state", ["one.state: not a memory file"]),
])
def test_memory_that_is_not_this_snapshots(restore, memory, words):
    check(restore("one.state", memory), *words)


def test_memory_of_another_size(restore, taken):
    pages, own = memory_file.read_full(taken / "one.memory")
    memory_file.write(taken / "bad", pages, 2 * RAM, own)
    check(restore("one.state", "bad"), "bad", "16", "32")


def test_memory_cut_short(restore, taken):
    whole = (taken / "one.memory").read_bytes()
    for size in 0, 1, memory_file.PAGE, RAM // 2, RAM, len(whole) - 1:
        (taken / "bad").write_bytes(whole[:size])
        check(restore("one.state", "bad"), "bad: not a memory file")


def test_a_diff_restores_only_when_it_is_merged(restore):
    check(restore("three.state", "three.memory"), "three.memory", "diff", "merge")


# ---- devices ----

@pytest.mark.parametrize("disk, words", [
    ("id=nope,path=copy", ["id=nope", "no such disk"]),
    ("id=vdb,path=copy", ["id=vdb", "no such disk"]),
    ("id=data,path=absent", ["absent", "no such file"]),
    ("id=data,path=large", ["large", "2048 sectors", "4096"]),
])
def test_a_disk_that_does_not_fit(restore, taken, disk, words):
    where = disk.replace("path=", f"path={taken}/")
    check(restore("one.state", "one.memory", "--disk", where), *words)


@pytest.mark.parametrize("old, new, words", [
    (b"--rng=on", b"--rng=off", ["rng"]),
    (b"--disk=path=", b"--disk=id=more,path=/dev/null\0--disk=path=", []),
    (b"readonly=off", b"readonly=on", ["read"]),
    (b"--cpus=1", b"--cpus=2", ["1 vCPUs", "2"]),
    (b"--memory=16M", b"--memory=32M", ["config", "33554432"]),
    (b"--cpus=1", b"--cpus=0", ["config", "cpus"]),
    (b"--cpus=1", b"--turbo=1", ["config", "turbo"]),
])
def test_a_machine_that_its_sections_contradict(restore, taken, old, new, words):
    state = changed(taken)
    state.replace("config", old, new)
    state.write(taken / "bad")
    check(restore("bad"), *words)


@pytest.mark.parametrize("name", ["config", "memory", "platform", "serial", "blk",
                                  "rng", "virtio", "template", "machine"])
def test_a_section_that_is_missing(restore, taken, name):
    state = changed(taken)
    state.sections.remove(state[name])
    state.write(taken / "bad")
    check(restore("bad"), name)


@pytest.mark.parametrize("name, words", [
    ("vcpu", ["0 vCPUs, but section config says 1"]),
    ("virtio-mmio", ["sections of a virtio device"]),
])
def test_a_set_of_sections_that_is_not_complete(restore, taken, name, words):
    state = changed(taken)
    state.sections.remove(state[name])
    state.write(taken / "bad")
    check(restore("bad"), *words)


# ---- the file ----

@pytest.mark.parametrize("name", ["memory", "serial", "virtio", "machine", "vcpu"])
def test_a_section_of_a_newer_version(restore, taken, name):
    state = changed(taken)
    state[name].version = 77
    state.write(taken / "bad")
    check(restore("bad"), name, "77")


def test_a_state_of_a_newer_format(restore, taken):
    state = changed(taken)
    state.version = 2
    state.write(taken / "bad")
    check(restore("bad"), "format", "2")


def test_a_state_that_is_absent_or_none(restore):
    check(restore("absent"), "absent", "No such file")
    check(restore("disk"), "disk")
    check(restore("one.memory"), "one.memory")


def test_a_state_cut_anywhere(restore, taken):
    whole = (taken / "one.state").read_bytes()
    for size in range(0, len(whole), STEP):
        (taken / "bad").write_bytes(whole[:size])
        check(restore("bad"), "bad")


def test_a_state_with_a_bit_flipped_anywhere(restore, taken):
    whole = (taken / "one.state").read_bytes()
    for at in range(0, len(whole), STEP):
        (taken / "bad").write_bytes(whole[:at] + bytes([whole[at] ^ 1 << at % 8])
                                    + whole[at + 1:])
        check(restore("bad"), "bad")
