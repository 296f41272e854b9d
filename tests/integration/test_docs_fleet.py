# SPDX-License-Identifier: Apache-2.0
"""test_docs_fleet.py - the commands of docs/fleet.md print what it shows"""

import shutil
from pathlib import Path

import pytest

import payload
from console_page import compare, install, lines
from images import ROOT

PAGE = ROOT / "docs/fleet.md"


@pytest.fixture
def folder(muster, tmp_path):
    """The files that the page speaks of, with muster in the PATH."""
    for kind in "fingerprints", "profiles":
        for path in (ROOT / "tests/data" / kind).glob("*.json"):
            shutil.copy(path, tmp_path)
    return install(muster, tmp_path)


def test_the_page_has_commands_for_every_host():
    assert len(lines(PAGE)) > 10
    assert (len(lines(PAGE, "kvm", "amd")) > len(lines(PAGE, "kvm"))
            > len(lines(PAGE)))


def test_the_commands_print_what_is_shown(folder):
    compare(lines(PAGE), folder)


@pytest.mark.needs("direct")
def test_the_commands_that_need_kvm_print_what_is_shown(folder):
    shutil.copy(payload.guest("hello"), folder / "guest.elf")
    amd = "AuthenticAMD" in Path("/proc/cpuinfo").read_text(encoding="ascii")
    compare(lines(PAGE, "kvm", *["amd"] * amd), folder)
