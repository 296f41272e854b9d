# SPDX-License-Identifier: Apache-2.0
"""test_snapshot_merge.py - diffs into full memory, and what happens when the disk fails

The files are made and read here, by the description of the format alone.
"""

import subprocess

import pytest

import memory_file

RAM = 5 << 20  # two chunks and a half
IDS = [bytes([n]) * 16 for n in range(1, 5)]
BAD_FILE, FAILED = 2, 4


def page(seed):
    return bytes([seed]) * memory_file.PAGE


FULL = {0: page(1), 1: page(2), 511: page(3), 512: page(4), 1279: page(5)}
DIFFS = [
    {1: page(6), 513: page(7), 1279: bytes(memory_file.PAGE)},
    {0: bytes(memory_file.PAGE), 1: page(8), 1279: page(9)},
    {},
]


@pytest.fixture
def here(tmp_path):
    memory_file.write(tmp_path / "m0", FULL, RAM, IDS[0])
    for i, pages in enumerate(DIFFS):
        memory_file.write(tmp_path / f"m{i + 1}", pages, RAM, IDS[i + 1], IDS[i])
    return tmp_path


def expected(count):
    pages = dict(FULL)
    for diff in DIFFS[:count]:
        pages.update(diff)
    return {n: p for n, p in pages.items() if p.strip(b"\0")}


def merge(muster, here, names, output="out", before=()):
    return subprocess.run([*before, muster, "snapshot", "merge", *names, "-o", output],
                          cwd=here, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_diffs_become_full_memory(muster, here, count):
    names = [f"m{i}" for i in range(count + 1)]
    result = merge(muster, here, names)
    assert (result.returncode, result.stderr) == (0, "")
    assert memory_file.read_full(here / "out") == (expected(count), IDS[count])


def test_the_result_may_replace_the_base(muster, here):
    for i in (1, 2, 3):
        assert merge(muster, here, ["m0", f"m{i}"], "m0").returncode == 0
    assert memory_file.read_full(here / "m0") == (expected(3), IDS[3])


@pytest.mark.parametrize("names, words", [
    (["m0", "m2"], ["m2: changes snapshot 0202", "m0 before it is 0101", "in the order"]),
    (["m1", "m2"], ["m1: is a diff", "begin with the full file"]),
    (["m0", "m0"], ["m0: is no diff"]),
    (["m0"], ["one file is nothing to merge"]),
    (["m0", "none"], ["none: cannot open: No such file"]),
    (["m0", "text"], ["text: not a memory file of muster"]),
])
def test_what_does_not_belong_together_is_named(muster, here, names, words):
    (here / "text").write_text("not a memory file\n" * 100)
    result = merge(muster, here, names)
    assert result.returncode == BAD_FILE, result
    for word in words:
        assert word in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (here / "out").exists() and not (here / "out.new").exists()


def test_only_a_memory_file_is_replaced(muster, here):
    (here / "out").write_text("a disk image\n" * 100)
    result = merge(muster, here, ["m0", "m1"])
    assert result.returncode == BAD_FILE, result
    assert "not replaced, for it is no snapshot: --output out: " in result.stderr
    assert (here / "out").read_text() == "a disk image\n" * 100
    (here / "out").write_text("")
    assert merge(muster, here, ["m0", "m1"]).returncode == 0


STRACE = ["strace", "-qq", "-o", "/dev/null"]


@pytest.mark.needs("strace")
@pytest.mark.parametrize("call", ["ftruncate", "pwritev", "fsync", "rename"])
@pytest.mark.parametrize("error", ["ENOSPC", "EIO"])
def test_a_failing_call_leaves_the_old_file(muster, here, call, error):
    """The Nth of each, for N = 1 and on until none fails."""
    old = (here / "m0").read_bytes()
    text = {"ENOSPC": "No space left on device", "EIO": "Input/output error"}[error]
    for n in range(1, 100):
        inject = f"inject={call}:error={error}:when={n}"
        result = merge(muster, here, ["m0", "m1"], "m0", [*STRACE, "-e", inject])
        if result.returncode == 0:
            if "folder is not synced" in result.stderr:
                assert memory_file.read_full(here / "m0")[1] == IDS[1]
                (here / "m0").write_bytes(old)
                continue
            break
        assert result.returncode == FAILED
        assert not (here / "m0.new").exists()
        assert result.stderr == (f"muster: --output m0: not written: {text}; "
                                 "the old file is whole\n")
        assert (here / "m0").read_bytes() == old
    assert n > 1
    assert memory_file.read_full(here / "m0") == (expected(1), IDS[1])


@pytest.mark.needs("strace")
@pytest.mark.parametrize("call", ["ftruncate", "pwritev", "fsync", "rename", "close"])
def test_a_kill_leaves_a_whole_file(muster, here, call):
    """Old or new, and the next run succeeds over what is left."""
    old = (here / "m0").read_bytes()
    for n in range(1, 100):
        (here / "m0").write_bytes(old)
        inject = f"inject={call}:signal=SIGKILL:when={n}"
        result = merge(muster, here, ["m0", "m1"], "m0", [*STRACE, "-e", inject])
        if result.returncode == 0:
            break
        _, own = memory_file.read_full(here / "m0")
        assert own in (IDS[0], IDS[1])
        (here / "m0").write_bytes(old)
        assert merge(muster, here, ["m0", "m1"], "m0").returncode == 0
        assert memory_file.read_full(here / "m0") == (expected(1), IDS[1])
    assert n > 1
