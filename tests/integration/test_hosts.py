# SPDX-License-Identifier: Apache-2.0
"""test_hosts.py - the test hosts themselves keep their promises"""

import pytest

from svm import UP_SECONDS


@pytest.mark.needs("svm")
class TestSvm:
    def test_is_up_in_time(self, svm):
        assert svm.up_seconds < UP_SECONDS

    def test_has_kvm_with_nested_paging(self, svm):
        assert svm.shell("exec 3<>/dev/kvm").status == 0
        assert "Nested Paging enabled" in svm.shell("dmesg").stdout

    def test_returns_status_and_both_outputs(self, svm):
        result = svm.shell("cat; echo no >&2; exit 3", stdin=b"in\n")
        assert (result.status, result.stdout, result.stderr) == (
            3, "in\n", "no\n")

    def test_shares_the_source_tree(self, svm):
        here = svm.path(__file__)
        assert svm.shell(f"cat {here}").stdout == open(__file__).read()

    def test_runs_jobs_side_by_side_and_signals_them(self, svm):
        job = svm.launch("echo on; exec sleep 1000")
        job.expect("on")
        job.signal("TERM")
        assert job.wait(10).status == 128 + 15
