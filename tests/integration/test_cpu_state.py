# SPDX-License-Identifier: Apache-2.0
"""test_cpu_state.py - the unit tests of time and CPU state, on the KVMs of svm and vmx

`direct` has no TSC that can be stopped, no nested state, and few MSRs.  There is no
static cmocka: the programs take their libraries and their loader along.
"""

import functools
import re
import subprocess

import pytest

from host import HostFailed
from images import ROOT
from vmx import DEFAULT_MODEL

PROGRAMS = "cpu_clock", "cpu_state", "cpu_state_hostile", "cpu_state_run", "cpu_model_text"
# Bochs is slow: without the one that loads a thousand states.
ON_VMX = "cpu_clock", "cpu_state", "cpu_state_run", "cpu_model_text"


@functools.cache
def built():
    """The programs, up to date."""
    targets = [f"build/tests/unit/{name}" for name in PROGRAMS]
    made = subprocess.run(["make", "-s", *targets], cwd=ROOT, text=True,
                          stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                          check=False)
    if made.returncode:
        raise HostFailed(f"make {' '.join(targets)} failed:\n{made.stderr}")
    return {name: ROOT / target for name, target in zip(PROGRAMS, targets)}


def libraries(program):
    listed = subprocess.run(["ldd", program], text=True, check=True,
                            stdout=subprocess.PIPE).stdout
    return re.findall(r"(/\S+) \(0x", listed)


def script(program, taken):
    """`taken`: where each file is in level 1."""
    loader = next(path for path in taken if "/ld-linux" in path)
    folder = loader.rpartition("/")[0]
    return f"exec {loader} --library-path {folder} {folder}/{program.name}\n"


def check(result):
    assert result.status == 0, result.stdout + result.stderr
    assert "skipped, " not in result.stdout + result.stderr


@pytest.mark.needs("svm")
@pytest.mark.parametrize("name", PROGRAMS)
def test_on_svm(svm, name):
    program = built()[name]
    files = [program, *libraries(program)]
    folder = svm.path(svm.folder) + "/unit"
    (svm.folder / "unit").mkdir(exist_ok=True)
    for file in files:
        subprocess.run(["cp", "-L", file, svm.folder / "unit"], check=True)
    check(svm.shell(script(program, [f"{folder}/{str(f).rpartition('/')[2]}"
                                     for f in files]), timeout=240))


def vmx_jobs(host):
    if host.model != DEFAULT_MODEL:
        return
    host.seconds += 300
    for name in ON_VMX:
        program = built()[name]
        taken = [host.path(f) for f in [program, *libraries(program)]]
        host.add_shell(name, script(program, taken))


@pytest.mark.needs("vmx")
@pytest.mark.parametrize("name", ON_VMX)
def test_on_vmx(vmx, name):
    check(vmx(DEFAULT_MODEL)[name])
