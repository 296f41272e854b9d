# SPDX-License-Identifier: Apache-2.0
"""test_docs.py - the examples of the README and of docs/ are run as they stand

Each `muster run` in an indented block runs in a folder that has the files it
names; the kernel is a payload that powers the machine off.
"""

import re
import shutil
import subprocess

import pytest

import payload
from images import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
KERNELS = "vmlinuz", "vmlinux", "test.elf"
INITRDS = "initrd.img", "job.img", "both.img"
DISKS = "root.img", "scratch.img", "data.img"


def examples():
    """The commands, one string each: lines that end in a backslash are joined."""
    for page in PAGES:
        text = page.read_text().replace("\\\n", " ")
        for line in re.findall(r"^ {4}(muster run .*)$", text, re.MULTILINE):
            if "…" not in line:
                yield pytest.param(line, id=f"{page.stem}: {' '.join(line.split())}")


@pytest.fixture
def folder(tmp_path, muster):
    for name in KERNELS:
        shutil.copy(payload.guest("poweroff"), tmp_path / name)
    for name in INITRDS:
        (tmp_path / name).write_bytes(bytes(4096))
    for name in DISKS:
        with open(tmp_path / name, "wb") as disk:
            disk.truncate(1 << 20)
    (tmp_path / "spool").mkdir()
    for words in "profile -o host.json", "merge host.json -o fleet.json":
        subprocess.run([muster, "fleet", *words.split()], cwd=tmp_path,
                       stdout=subprocess.DEVNULL, check=True)
    return tmp_path


@pytest.mark.needs("direct")
@pytest.mark.parametrize("command", list(examples()))
def test_an_example_runs(muster, folder, command):
    program = f"muster() {{ {muster} \"$@\"; }}; {command}"
    done = subprocess.run(["bash", "-c", program], cwd=folder, timeout=60,
                          stdin=subprocess.DEVNULL, capture_output=True,
                          check=False)
    assert done.returncode == 0, done.stderr.decode()
    assert b"the guest powered off" in done.stderr
