# SPDX-License-Identifier: Apache-2.0
"""test_docs_api.py - the commands of docs/api.md print what it shows"""

import pytest

import payload
from console_page import compare, install, lines
from control import wait_for
from images import ROOT

PAGE = ROOT / "docs/api.md"


@pytest.mark.needs("direct")
def test_the_commands_print_what_is_shown(direct, muster, tmp_path):
    socket = install(muster, tmp_path) / "vm.sock"
    (tmp_path / "vmlinux").symlink_to(payload.guest("spin"))
    payload.make_disk(tmp_path / "disk.img")
    job = direct.launch(f"cd {tmp_path} && exec bin/muster api --socket vm.sock "
                        "--id vm-1\n")
    wait_for(socket, job)
    try:
        compare(lines(PAGE, "kvm"), tmp_path)
    finally:
        job.signal("TERM")
        job.wait(10)
    assert len(lines(PAGE, "kvm")) > 8
