# SPDX-License-Identifier: Apache-2.0
"""test_vmgenid.py - Linux finds the VM generation id and listens for a new one

Debian's cloud kernel has no driver for it, the generic one has.
"""

import pytest

import linux
from linux_guest import Guest

pytestmark = pytest.mark.needs("svm")

ID_GPA, ID_BYTES = 0xef000, 16
SHOW_ID = (f'echo "@id $(dd if=/dev/mem bs={ID_BYTES} skip={ID_GPA // ID_BYTES} '
           """count=1 2>/dev/null | hexdump -ve '1/1 "%02x"')"\n""")
SCRIPT = f"""
echo "@driver $(ls -d /sys/bus/*/drivers/vmgenid/VMGENCTR:00)"
echo "@events {linux.EVENT_INTERRUPT}"
""" + SHOW_ID + linux.SHOW_WARNINGS

# Linux says this when it has heard of a new id.
FORK = "crng reseeded due to virtual machine fork"
OBEY = f"""
show_id() {{ {SHOW_ID} }}
forks() {{ echo "@forks $(dmesg | grep -c '{FORK}')"; }}
echo "@ready"
while read -r line; do $line; done
"""


def boot(svm):
    return svm.run(linux.run_args(svm, "generic", SCRIPT), timeout=130)


@pytest.fixture(scope="module")
def booted(svm):
    return boot(svm)


def test_driver_finds_the_device(booted):
    assert booted.facts.get("driver", "").endswith(
        "/vmgenid/VMGENCTR:00"), booted


def test_a_new_id_would_interrupt(booted):
    assert booted.facts["events"] == "23-edge"


def test_kernel_log_is_clean(booted):
    assert linux.complaints(booted.console) == []


def test_every_boot_has_another_id(svm, booted):
    ids = {booted.facts["id"], boot(svm).facts["id"], "00" * ID_BYTES}
    assert len(ids) == 3
    assert all(len(text) == 2 * ID_BYTES for text in ids)


def test_a_clone_hears_that_it_is_one(svm):
    origin = Guest(svm, "generation", linux.run_args(svm, "generic", OBEY))
    origin.heard("ready")
    ids = [origin.ask("show_id", "id")]
    assert origin.ask("forks", "forks") == ["0"]
    origin.do(origin.ctl("snapshot", "--state", "gen.state", "--memory", "gen.memory"))
    origin.kill()
    for name in "first-generation", "second-generation":
        clone = Guest(svm, name, ["restore", "--state", "gen.state", "--memory",
                                  "gen.memory", "--resume", "--timeout", "120s"])
        ids.append(clone.ask("show_id", "id"))
        assert clone.ask("forks", "forks") == ["1"]
        clone.kill()
    assert len({text for text, in ids}) == len(ids)
