# SPDX-License-Identifier: Apache-2.0
"""test_huge_pages.py - what the guest's RAM is made of"""

from pathlib import Path

import pytest

import hugepages
import payload
from hugepages import count
from instance import Instance, drive
from test_api_drives import disk, image, swap

pytestmark = pytest.mark.needs("direct")

MACHINE = {"vcpu_count": 1, "mem_size_mib": 64, "huge_pages": "2M"}


@pytest.fixture(scope="module")
def reserved():
    """Pages of 2 MiB, which are given back afterwards."""
    with hugepages.reserved():
        yield


def fields(job, name):
    """The bytes of one kind, over all of the process's memory."""
    text = Path(f"/proc/{job.process.pid}/smaps_rollup").read_text()
    return sum(int(line.split()[1]) << 10 for line in text.splitlines()
               if line.startswith(f"{name}:"))


@pytest.mark.needs("hugepages")
def test_a_guest_lives_in_pages_that_were_reserved(direct, reserved):
    result = direct.run(payload.args("memory", "--huge-pages", "2M", memory="64M",
                                     cmdline="mib=64"))
    assert result.status == 0, result


@pytest.mark.needs("hugepages")
def test_they_are_taken_at_the_start_and_given_back(direct, tmp_path, reserved):
    before = count("free_hugepages") - count("resv_hugepages")
    made = Instance(direct, tmp_path)
    made.put("/machine-config", MACHINE)
    made.boot("spin", boot_args="cpus=1")
    made.start()
    made.wait_until_it_says("spin: ok")
    assert before - (count("free_hugepages") - count("resv_hugepages")) == 32
    assert fields(made.job, "Private_Hugetlb") > 0
    assert made.ask("GET", "/machine-config").body["huge_pages"] == "2M"
    made.stop()
    assert count("free_hugepages") - count("resv_hugepages") == before


@pytest.mark.needs("hugepages")
def test_a_snapshot_of_such_a_guest_goes_on_in_others(direct, tmp_path, reserved):
    made = Instance(direct, tmp_path)
    made.put("/machine-config", MACHINE)
    made.boot("blk-swap", boot_args="")
    made.put("/drives/d", drive(image(tmp_path, 1), "d"))
    made.start()
    made.wait_until_it_says(disk(1))
    made.put("/snapshot/create", {"snapshot_path": f"{tmp_path}/state",
                                  "mem_file_path": f"{tmp_path}/memory"})
    made.stop()
    again = Instance(direct, tmp_path)
    again.put("/snapshot/load", {
        "snapshot_path": f"{tmp_path}/state", "resume_vm": True,
        "mem_backend": {"backend_type": "File", "backend_path": f"{tmp_path}/memory"}})
    assert again.ask("GET", "/machine-config").body["huge_pages"] == "None"
    assert swap(again, image(tmp_path, 2, 2)).status == 204
    again.wait_until_it_says(disk(2, 2))
    again.stop()


def test_too_few_are_told_with_the_remedy(direct):
    needed = count("free_hugepages") + 512
    result = direct.run(payload.args("hello", "--huge-pages", "2M",
                                     memory=f"{2 * needed}M"))
    assert result.status == 2
    assert f"{needed} huge pages of 2 MiB are needed, and " in result.stderr
    assert "reserve more in /sys/kernel/mm/hugepages" in result.stderr


@pytest.mark.parametrize("pages", ["none", "transparent"])
def test_other_pages_need_no_preparation(direct, pages):
    result = direct.run(payload.args("memory", "--huge-pages", pages, memory="64M",
                                     cmdline="mib=64"))
    assert result.status == 0, result


def test_an_odd_size_is_refused(direct, tmp_path):
    result = direct.run(payload.args("hello", "--huge-pages", "2M", memory="33M"))
    assert (result.status, "in steps of 2M" in result.stderr) == (2, True)
    made = Instance(direct, tmp_path)
    for method, body in ("PUT", {**MACHINE, "mem_size_mib": 33}), (
            "PATCH", {"mem_size_mib": 5, "huge_pages": "2M"}):
        reply = made.ask(method, "/machine-config", body)
        assert "with huge_pages of 2M it is even" in reply.fault
    made.stop()
