# SPDX-License-Identifier: Apache-2.0
"""test_demo.py - the first command of the README does what it promises"""

import subprocess

import pytest

from images import ROOT


@pytest.mark.needs("svm")
def test_demo_gives_a_shell_of_a_debian_kernel_without_a_terminal():
    done = subprocess.run(["make", "-s", "demo"], cwd=ROOT, text=True,
                          input="uname -sn\npoweroff -f\n", timeout=180,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          check=False)
    assert "Linux muster\n" in done.stdout.replace("\r", ""), done.stdout
    assert done.returncode == 0, done.stdout
