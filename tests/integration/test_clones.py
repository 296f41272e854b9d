# SPDX-License-Identifier: Apache-2.0
"""test_clones.py - a hundred VMs from one snapshot, all there at the same time"""

import pytest

import payload
from control import ask, wait_for

pytestmark = pytest.mark.needs("direct")

CLONES = 100


@pytest.fixture
def snapshot(direct, tmp_path):
    """Arguments that restore a guest which sleeps."""
    files = ["--state", tmp_path / "vm.state", "--memory", tmp_path / "vm.memory"]
    job = direct.start_muster(payload.args("idle", "--control",
                                           tmp_path / "vm.sock"))
    job.expect("idle: ok")
    taken = direct.run(["ctl", "--socket", tmp_path / "vm.sock", "snapshot", *files])
    job.signal("TERM")
    job.wait()
    assert taken.status == 0, taken.stderr
    return files


def test_a_hundred_clones_run_side_by_side(direct, snapshot, tmp_path):
    sockets = [tmp_path / f"{i}.sock" for i in range(CLONES)]
    jobs = [direct.start_muster(["restore", *snapshot, "--resume", "--console",
                                 "none", "--control", socket])
            for socket in sockets]
    for socket, job in zip(sockets, jobs):
        wait_for(socket, job)
    assert {ask(socket, "GET", "/").body["state"] for socket in sockets} == {"Running"}
    for job in jobs:
        job.signal("TERM")
    assert {job.wait().status for job in jobs} == {14}
