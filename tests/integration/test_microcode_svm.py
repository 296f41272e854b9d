# SPDX-License-Identifier: Apache-2.0
"""test_microcode_svm.py - a late load under Debian's own kernel, which has none"""

import pytest

from images import ROOT

pytestmark = pytest.mark.needs("svm")

IMAGE = ROOT / "tests/data/microcode/intel-ucode/06-55-04"


def test_a_kernel_without_late_loading_is_told_before_anything_is_done(svm):
    result = svm.run(["microcode", "load", svm.path(IMAGE), "--vms", "/tmp"])
    assert result.status == 1
    assert result.stdout.splitlines()[-1] == "not loaded"
    assert ": cannot load late: " in result.stderr
    assert "update at boot instead (muster microcode image)" in result.stderr
