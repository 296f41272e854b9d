# SPDX-License-Identifier: Apache-2.0
"""test_vmgenid.py - Linux finds the VM generation id and listens for a new one

Debian's cloud kernel has no driver for it, the generic one has.
"""

import pytest

import linux

pytestmark = pytest.mark.needs("svm")

ID_GPA, ID_BYTES = 0xef000, 16
SCRIPT = f"""
echo "@driver $(ls -d /sys/bus/*/drivers/vmgenid/VMGENCTR:00)"
echo "@events {linux.EVENT_INTERRUPT}"
echo "@id $(dd if=/dev/mem bs={ID_BYTES} skip={ID_GPA // ID_BYTES} count=1 \
    2>/dev/null | hexdump -ve '1/1 "%02x"')"
""" + linux.SHOW_WARNINGS


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
