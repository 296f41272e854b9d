# SPDX-License-Identifier: Apache-2.0
"""test_docs_live.py - the commands of pages about a VM that runs print what they show"""

import pytest

import payload
from console_page import compare, install, lines
from control import wait_for
from images import ROOT


@pytest.mark.needs("direct")
@pytest.mark.parametrize("page, least", [("control", 8), ("events", 0), ("snapshots", 6)])
def test_the_commands_print_what_is_shown(direct, muster, tmp_path, page, least):
    shown = lines(ROOT / f"docs/{page}.md", "kvm")
    socket = install(muster, tmp_path) / "vm.sock"
    job = direct.start_muster(payload.args("spin", "--control", socket))
    wait_for(socket, job)
    try:
        compare(shown, tmp_path)
    finally:
        job.signal("TERM")
        job.wait(10)
    assert len(shown) > least
