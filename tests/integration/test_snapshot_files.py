# SPDX-License-Identifier: Apache-2.0
"""test_snapshot_files.py - which files a snapshot takes the place of, and which it never does"""

import concurrent.futures
import os
import socket

import pytest

from snapshot_pair import Machine, Pair, Shelf, STOPPED

pytestmark = pytest.mark.needs("direct")

REFUSED = 1
DISK_BYTES = 1 << 20


@pytest.fixture
def pair(tmp_path):
    (tmp_path / "pair").mkdir()
    return Pair(tmp_path / "pair")


@pytest.fixture
def machine(direct, tmp_path):
    disk = tmp_path / "disk"
    disk.write_bytes(os.urandom(DISK_BYTES))
    made = Machine(direct, tmp_path, more=["--disk", f"path={disk}"])
    made.expect_entries()
    yield made
    assert made.stop() == STOPPED


@pytest.fixture
def shelf(direct, tmp_path):
    return Shelf(direct, tmp_path / "shelf", ["--disk", f"id=vda,path={tmp_path}/clone"])


def test_a_diff_does_not_replace_the_full_memory_before_it(machine, pair, tmp_path):
    assert machine.snapshot(pair).returncode == 0
    before = pair.content()
    (tmp_path / "first").mkdir()
    assert machine.snapshot(Pair(tmp_path / "first"), diff=True).returncode == 0
    result = machine.snapshot(pair, diff=True)
    assert result.returncode == REFUSED
    assert f"{pair.memory}: a full memory file, which a diff" in result.stderr
    assert pair.content() == before
    os.link(pair.memory, tmp_path / "kept")
    assert machine.snapshot(pair, diff=True).returncode == 0


def test_two_snapshots_at_once_are_taken_one_after_the_other(machine, tmp_path, shelf):
    pairs = []
    for name in "ab":
        (tmp_path / name).mkdir()
        pairs.append(Pair(tmp_path / name))
    with concurrent.futures.ThreadPoolExecutor() as threads:
        for result in threads.map(machine.snapshot, pairs):
            assert (result.returncode, result.stderr) == (0, "")
    (tmp_path / "clone").write_bytes(bytes(DISK_BYTES))
    for each in pairs:
        shelf.check(each)


def test_a_clone_may_replace_what_it_was_restored_from(direct, machine, tmp_path, pair, shelf):
    """It goes on with the pages of a file that has no name any more."""
    assert machine.snapshot(pair).returncode == 0
    first = pair.content()
    (tmp_path / "clone").write_bytes(bytes(DISK_BYTES))
    (tmp_path / "of").mkdir()
    clone = Machine(direct, tmp_path / "of", pair, shelf.more)
    for _ in range(2):
        assert clone.snapshot(pair).returncode == 0
        clone.expect_entries()
    assert clone.stop() == STOPPED
    assert pair.content() != first
    shelf.check(pair)


def test_what_is_no_snapshot_is_never_replaced(machine, tmp_path, pair):
    disk, text = tmp_path / "disk", tmp_path / "text"
    text.write_text("of somebody\n")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "fifo")
    taken = socket.socket(socket.AF_UNIX)
    taken.bind(str(tmp_path / "socket"))
    (tmp_path / "link").symlink_to(text)
    before = {path: path.read_bytes() for path in (disk, text)}
    for path in (disk, text, *(tmp_path / name for name in ("folder", "fifo", "socket", "link"))):
        for name in "state", "memory":
            wrong = Pair(pair.state.parent)
            setattr(wrong, name, path)
            result = machine.snapshot(wrong)
            assert result.returncode == REFUSED, result
            assert f"{path}: " in result.stderr and result.stderr.count("\n") == 1
            assert list(pair.state.parent.iterdir()) == []
    taken.close()
    assert before == {path: path.read_bytes() for path in (disk, text)}
    assert (tmp_path / "link").is_symlink()


def test_links_are_not_followed(machine, tmp_path, pair):
    """Not to another snapshot either."""
    (tmp_path / "old").mkdir()
    old = Pair(tmp_path / "old")
    assert machine.snapshot(old).returncode == 0
    content = old.content()
    pair.memory.symlink_to(old.memory)
    result = machine.snapshot(pair)
    assert result.returncode == REFUSED
    assert f"--memory {pair.memory}: not a regular file" in result.stderr
    assert old.content() == content and not pair.state.exists()


@pytest.mark.parametrize("folder, why", [("/sys", ""), ("/nowhere", "No such file")])
def test_a_folder_that_takes_no_files_is_named(machine, pair, folder, why):
    for name in "state", "memory":
        wrong = Pair(pair.state.parent)
        setattr(wrong, name, f"{folder}/muster")
        result = machine.snapshot(wrong)
        assert result.returncode == REFUSED
        assert f"--{name} {folder}/muster: not written: {why}" in result.stderr
        assert list(pair.state.parent.iterdir()) == []


@pytest.mark.parametrize("state, memory", [
    ("x", "x"), ("x", "./x"), ("x", "x.new"), ("x.new", "x"), ("x", "./x.new"),
    ("./x.new", "x")])
def test_two_names_that_clash_are_refused(machine, pair, state, memory):
    """Of what is there nothing is lost."""
    folder = pair.state.parent
    clash = Pair(folder)
    clash.state, clash.memory = f"{folder}/{state}", f"{folder}/{memory}"
    for _ in range(2):
        result = machine.snapshot(clash)
        assert result.returncode == REFUSED, result
        assert list(folder.iterdir()) == []
