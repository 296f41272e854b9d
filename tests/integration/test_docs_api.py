# SPDX-License-Identifier: Apache-2.0
"""test_docs_api.py - the commands of the pages on the API print what they show"""

import pytest

import payload
from console_page import compare, install, lines
from control import wait_for
from images import ROOT

PAGES = [ROOT / "docs/api.md", ROOT / "docs/observe.md"]


@pytest.mark.needs("direct")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_commands_print_what_is_shown(direct, muster, tmp_path, page):
    socket = install(muster, tmp_path) / "vm.sock"
    (tmp_path / "vmlinux").symlink_to(payload.guest("spin"))
    payload.make_disk(tmp_path / "disk.img")
    job = direct.launch(f"cd {tmp_path} && exec bin/muster api --socket vm.sock "
                        "--id vm-1\n")
    wait_for(socket, job)
    try:
        compare(lines(page, "kvm"), tmp_path)
    finally:
        job.signal("TERM")
        job.wait(10)
    assert len(lines(page, "kvm")) > 8
