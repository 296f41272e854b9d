# SPDX-License-Identifier: Apache-2.0
"""test_docs_fleet.py - the commands of docs/fleet.md print what it shows"""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import payload
from images import ROOT

PAGE = ROOT / "docs/fleet.md"
BLOCK = re.compile(r"^```console( [a-z ]+)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks():
    """(where it runs, its commands and what each prints) of each block."""
    for tags, text in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        parts = re.split(r"^\$ (.*)\n", text, flags=re.MULTILINE)[1:]
        yield set(tags.split()), list(zip(parts[::2], parts[1::2]))


def lines(*tags):
    """The commands of the blocks that need no more than `tags`, in order."""
    return [step for needs, steps in blocks() if needs <= set(tags)
            for step in steps]


@pytest.fixture
def folder(muster, tmp_path):
    """The files that the page speaks of, with muster in the PATH."""
    for path in (ROOT / "tests/data/fingerprints").glob("*.json"):
        shutil.copy(path, tmp_path)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/muster").symlink_to(muster)
    return tmp_path


def printed(command, folder):
    """Standard output and errors, as on a terminal."""
    path = f"{folder / 'bin'}:{os.environ['PATH']}"
    done = subprocess.run(["sh", "-c", command], cwd=folder, check=False,
                          text=True, timeout=60, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env={**os.environ, "PATH": path, "LC_ALL": "C"})
    # What is shown has no blanks at the ends of lines.
    return re.sub(r" +$", "", done.stdout, flags=re.MULTILINE)


def compare(steps, folder):
    for command, shown in steps:
        wanted = re.escape(shown).replace(re.escape("..."), ".*")
        got = printed(command, folder)
        assert re.fullmatch(wanted, got), f"$ {command}\n{got}"


def test_the_page_has_commands_for_every_host():
    assert len(lines()) > 10
    assert len(lines("kvm", "amd")) > len(lines("kvm")) > len(lines())


def test_the_commands_print_what_is_shown(folder):
    compare(lines(), folder)


@pytest.mark.needs("direct")
def test_the_commands_that_need_kvm_print_what_is_shown(folder):
    shutil.copy(payload.guest("hello"), folder / "guest.elf")
    amd = "AuthenticAMD" in Path("/proc/cpuinfo").read_text(encoding="ascii")
    compare(lines("kvm", *["amd"] * amd), folder)
