# SPDX-License-Identifier: Apache-2.0
"""test_snapshot_golden.py - a snapshot of the first format restores, for ever

When this fails, muster is wrong and not the file: old snapshots are somebody's machines.
docs/snapshot-format.md says how tables grow without breaking them.
"""

import json
import struct
import subprocess

import pytest

import make_snapshot
import payload
from snapshot_pair import memory_ids, sections, state_id

RAM = 16 << 20
STOPPED = 14


@pytest.fixture(scope="module")
def golden(tmp_path_factory):
    folder = tmp_path_factory.mktemp("golden")
    make_snapshot.unpack("vm-1", folder)
    return folder


def test_its_files_are_of_format_1(golden):
    state = (golden / "state").read_bytes()
    assert struct.unpack_from("<8sI", state) == (b"MUSTERSN", 1)
    assert {version for version in versions(state)} == {1}
    assert state_id(golden / "state") == memory_ids(golden / "memory")[0]


def versions(state):
    return [struct.unpack_from("<I", state, at - 20)[0] for _, at, _ in sections(state)]


def test_every_section_is_read(muster, golden):
    shown = subprocess.run([muster, "snapshot", "info", golden / "state"],
                           capture_output=True, text=True, check=True)
    told = json.loads(shown.stdout)["sections"]
    names = [section["name"] for section in told]
    assert names == [name for name, _, _ in sections((golden / "state").read_bytes())]
    assert names.count("vcpu") == 2 and {"blk", "rng", "serial", "machine"} <= set(names)
    found = {section["name"]: section["content"] for section in told}
    assert found["memory"]["ram_bytes"] == RAM
    assert "--cpus=2" in found["config"]
    assert found["template"]["format"] == "muster-template"
    assert all(section["content"] is not None for section in told[:-1])


@pytest.fixture
def unpacked(svm):
    """The files and a disk like the one it had, where level 1 sees them."""
    make_snapshot.unpack("vm-1", svm.folder)
    with open(svm.folder / "disk", "wb") as disk:
        disk.truncate(1 << 20)
    return [f"--{file}={svm.path(svm.folder / file)}" for file in make_snapshot.FILES] + [
        f"--disk=id={make_snapshot.DISK_ID},path={svm.path(svm.folder / 'disk')}"]


@pytest.mark.needs("svm")
def test_it_restores(svm, unpacked):
    """The guest's ledger goes on, where its registers and its memory say."""
    assert payload.guest("ledger").exists()
    fits = svm.run(["snapshot", "check", *unpacked])
    assert fits.status == 0, fits
    job = svm.start_muster(["restore", *unpacked, "--resume"])
    job.expect("\nentry ")
    job.signal("TERM")
    result = job.wait()
    assert result.status == STOPPED, result
    numbers = [int(line.split()[1]) for line in result.console.splitlines()
               if line.startswith("entry ")]
    assert numbers[-1] > 4
