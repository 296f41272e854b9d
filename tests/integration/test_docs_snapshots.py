# SPDX-License-Identifier: Apache-2.0
"""test_docs_snapshots.py - the commands of docs/snapshots.md print what it shows"""

import pytest

import payload
from console_page import compare, install, lines
from control import wait_for
from images import ROOT

PAGE = ROOT / "docs/snapshots.md"


@pytest.mark.needs("direct")
def test_the_commands_print_what_is_shown(direct, muster, tmp_path):
    socket = install(muster, tmp_path) / "vm.sock"
    job = direct.start_muster(payload.args("spin", "--control", socket))
    wait_for(socket, job)
    try:
        compare(lines(PAGE, "kvm"), tmp_path)
    finally:
        job.signal("TERM")
        job.wait(10)
    assert len(lines(PAGE, "kvm")) > 6
