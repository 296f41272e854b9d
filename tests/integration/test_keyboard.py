# SPDX-License-Identifier: Apache-2.0
"""test_keyboard.py - SendCtrlAltDel: payloads that listen to a keyboard, and Linux"""

import json

import pytest

import linux
from instance import Instance
from linux_guest import Guest

PRESS = {"action_type": "SendCtrlAltDel"}
REBOOT = 10

# The command line that Firecracker gives, but for what turns ttyS0 off.
FIRECRACKERS = (f"{linux.CONSOLE} reboot=k panic=1 nomodule i8042.noaux i8042.nomux "
                "i8042.dumbkbd swiotlb=noforce")

SCRIPT = r"""
echo "@name $(cat /sys/class/input/input0/name)"
echo "@pin $(sed -n 's/.*IO-APIC *\([^ ]*\) *i8042$/\1/p' /proc/interrupts)"
""" + linux.SHOW_WARNINGS + """
echo "@ready"
while sleep 1; do :; done
"""


# ---- payloads ----

@pytest.fixture
def listening(instance):
    instance.boot("keyboard")
    instance.start()
    instance.wait_until_it_says("keyboard: ready")
    return instance


@pytest.mark.needs("direct")
def test_a_guest_that_listens_reads_the_keys(listening):
    listening.put("/actions", PRESS)
    listening.wait_until_it_says("keyboard: ok")


@pytest.mark.needs("direct")
def test_a_guest_that_does_not_listen_is_told_of(instance):
    assert "start the VM first" in instance.ask("PUT", "/actions", PRESS).fault
    instance.boot("spin")
    instance.start()
    instance.wait_until_it_says("spin: ok")
    reply = instance.ask("PUT", "/actions", PRESS)
    assert reply.status == 400
    assert "SendCtrlAltDel: no driver of the guest listens" in reply.fault


@pytest.mark.needs("direct")
def test_keys_that_nobody_has_read_go_along_in_a_snapshot(direct, listening, tmp_path):
    files = {"snapshot_path": f"{tmp_path}/state"}
    assert listening.ask("PATCH", "/vm", {"state": "Paused"}).status == 204
    listening.put("/actions", PRESS)
    assert "has not read" in listening.ask("PUT", "/actions", PRESS).fault
    listening.put("/snapshot/create", {**files, "mem_file_path": f"{tmp_path}/memory"})
    (tmp_path / "clone").mkdir()
    clone = Instance(direct, tmp_path / "clone")
    clone.put("/snapshot/load", {**files, "resume_vm": True, "mem_backend": {
        "backend_type": "File", "backend_path": f"{tmp_path}/memory"}})
    clone.wait_until_it_says("keyboard: ok")
    clone.stop()


# ---- Linux ----

def boot(host, kernel, cmdline):
    guest = Guest(host, f"keyboard-{kernel}",
                  linux.run_args(host, kernel, SCRIPT, cmdline=cmdline))
    guest.heard("ready")
    return guest


@pytest.mark.needs("svm")
@pytest.mark.parametrize("kernel, cmdline", [("generic", FIRECRACKERS),
                                             ("bzimage", linux.CONSOLE)])
def test_linux_reboots_when_the_keys_are_pressed(svm, kernel, cmdline):
    guest = boot(svm, kernel, cmdline)
    assert guest.heard("name") == "AT Translated Set 2 keyboard".split()
    assert guest.heard("pin") == ["1-edge"]
    assert linux.complaints(guest.console()) == []
    guest.do(guest.ctl("put", "/actions", json.dumps(PRESS)))
    assert guest.job.wait(60).status == REBOOT
