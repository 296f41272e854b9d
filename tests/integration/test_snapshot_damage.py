# SPDX-License-Identifier: Apache-2.0
"""test_snapshot_damage.py - muster restore refuses damaged files in one sentence"""

import itertools
import os
import random
from pathlib import Path

import pytest

import direct as direct_host
from host import LOGS
from images import ROOT
from snapshot_pair import (HEADER_BYTES, SECTION, Machine, Pair, parts_of, run, sealed,
                           sections)

pytestmark = pytest.mark.needs("direct")

BAD_FILE, FAILED, TIMED_OUT = 2, 4, 13
MAY_LACK = b"profile\0", b"i8042\0"
RAM = 16 << 20
SEED = 4
HOSTILE = 150  # flips under good checksums: 20 ms each


@pytest.fixture(scope="module")
def direct(muster):
    """With a muster that checks each of its memory accesses, where `make check` built it."""
    asan = ROOT / "build-asan/muster"
    return direct_host.Direct(asan if asan.exists() else muster, LOGS / "damage")


@pytest.fixture(scope="module")
def whole(direct, tmp_path_factory):
    """A pair that restores."""
    folder = tmp_path_factory.mktemp("whole")
    machine = Machine(direct, folder)
    machine.expect_entries()
    pair = Pair(folder)
    assert machine.snapshot(pair).returncode == 0
    machine.stop()
    clone = Machine(direct, folder, pair)
    clone.expect_entries()
    clone.stop()
    return pair


def restore(direct, state, memory):
    return run(direct.muster, "restore", "--state", state, "--memory", memory,
               "--console", "none", "--timeout", "50ms", "--resume")


def check_refused(result, bad, what):
    told = f"{what}: {result}"
    assert result.returncode == BAD_FILE, told
    assert str(bad) in result.stderr, told
    assert result.stderr.startswith("muster: ") and result.stderr.count("\n") == 1, told


def cuts(state):
    """In and at the ends of every part of a section, and one byte beyond the file."""
    ends = {0, 8, 12, 16, 32, HEADER_BYTES, len(state)}
    for _, at, payload in sections(state):
        start = at - SECTION.size
        ends |= {start, start + 16, start + 20, start + 24, start + 32, at,
                 at + len(payload) // 2}
    return sorted({n + d for n in ends for d in (-1, 0, 1)} - {-1, len(state)})


def flips(state):
    """A byte of every field of the header and of each section's, and of its payload."""
    places = {0, 8, 12, 16, 31, 32, HEADER_BYTES - 1}
    for _, at, payload in sections(state):
        start = at - SECTION.size
        places |= {start + n for n in (0, 15, 16, 20, 24, 31, 32, 39)}
        places |= {at + n for n in (0, len(payload) // 2, len(payload) - 1)}
    return sorted(place for place in places if place < len(state))


def test_no_cut_state_restores(direct, whole, tmp_path):
    data, bad = whole.state.read_bytes(), tmp_path / "cut"
    for length in cuts(data):
        bad.write_bytes((data + b"\0")[:length])
        check_refused(restore(direct, bad, whole.memory), bad, length)


def test_no_state_with_a_flipped_bit_restores(direct, whole, tmp_path):
    data, bad = whole.state.read_bytes(), tmp_path / "flipped"
    for i, place in enumerate(flips(data)):
        changed = bytearray(data)
        changed[place] ^= 1 << i % 8
        bad.write_bytes(changed)
        check_refused(restore(direct, bad, whole.memory), bad, place)


def test_no_memory_with_a_damaged_trailer_restores(direct, whole, tmp_path):
    data, bad = whole.memory.read_bytes(), tmp_path / "memory"
    for length in {0, 1, 63, 64, 4096, RAM - 1, RAM, RAM + 1, RAM + 64, len(data) - 64,
                   len(data) - 1, len(data) + 1}:
        bad.write_bytes((data + b"\0")[:length])
        check_refused(restore(direct, whole.state, bad), bad, length)
    bad.write_bytes(data)
    with open(bad, "r+b") as file:
        for place in range(RAM, len(data)):
            file.seek(place)
            file.write(bytes([data[place] ^ 1 << place % 8]))
            file.flush()
            check_refused(restore(direct, whole.state, bad), bad, place)
            file.seek(place)
            file.write(data[place:place + 1])
    bad.write_bytes(data)
    assert restore(direct, whole.state, bad).returncode == TIMED_OUT


# ---- damage that has good checksums ----

def test_no_state_with_a_section_too_few_or_too_many_restores(direct, whole, tmp_path):
    """What may be missing is only told, or came after the first snapshots."""
    data, bad = whole.state.read_bytes(), tmp_path / "short"
    parts = parts_of(data)
    assert sealed(data, parts) == data
    for i, (head, _) in enumerate(parts):
        for changed in (parts[:i] + parts[i + 1:], parts[:i + 1] + parts[i:]):
            if len(changed) > len(parts) or not head.startswith(MAY_LACK):
                bad.write_bytes(sealed(data, changed))
                check_refused(restore(direct, bad, whole.memory), bad, head)


def test_a_hostile_state_never_crashes_muster(direct, whole, tmp_path):
    """It is refused, or a guest runs that is the file's author's alone."""
    data, bad = whole.state.read_bytes(), tmp_path / "hostile"
    parts = parts_of(data)[:-1]
    end = parts_of(data)[-1:]
    chance = random.Random(SEED)
    ends = set()
    for i, _ in zip(itertools.cycle(range(len(parts))), range(HOSTILE)):
        payload = bytearray(parts[i][1])
        payload[chance.randrange(len(payload))] ^= 1 << chance.randrange(8)
        changed = [*parts[:i], (parts[i][0], bytes(payload)), *parts[i + 1:], *end]
        bad.write_bytes(sealed(data, changed))
        result = restore(direct, bad, whole.memory)
        ends.add(result.returncode)
        assert 0 <= result.returncode < 128, (i, result)
        assert "Sanitizer" not in result.stderr, result
    assert {BAD_FILE, TIMED_OUT} <= ends, ends
    assert Path(whole.state).read_bytes() == data


def test_a_memory_file_that_is_cut_in_use_ends_the_vm(direct, whole, tmp_path):
    pair = Pair(tmp_path)
    whole.copy_to(pair)
    clone = Machine(direct, tmp_path, pair)
    clone.expect_entries()
    os.truncate(pair.memory, 0)
    result = clone.job.wait(20)
    assert result.status == FAILED
    assert result.stderr.endswith(
        f"--memory {pair.memory} was cut short while it was in use\n")
    assert not clone.socket.exists()
