# SPDX-License-Identifier: Apache-2.0
"""test_guest_ucode_linux.py - Linux loads its microcode early, as on bare metal"""

import pytest

import linux
import ucode_image
from host import LOGS
from svm import Svm

pytestmark = pytest.mark.needs("svm")

# Family 16h: what Linux loads for it needs no signature of AMD's that we lack.
SIGNATURE = 0x00700F01
REVISION = 0x0700010F
CPUS = 2
# No clock but the TSC, and nothing in this emulator to measure it by.
CMDLINE = (linux.CONSOLE +
           " tsc_early_khz=2000000 tsc=reliable lpj=8000000 no_timer_check")

SCRIPT = """
echo "@seen $(grep -c hypervisor /proc/cpuinfo)"
echo "@signature $(grep -m1 'cpu family' /proc/cpuinfo | tr -dc 0-9)"
echo "@revisions $(sed -n 's/^microcode.*: //p' /proc/cpuinfo | tr '\\n' ' ')"
echo "@log $(dmesg | grep -c -i 'microcode: .*0x0700010f')"
"""


@pytest.fixture(scope="module")
def jaguar():
    host = Svm(LOGS / "svm-jaguar", "max,family=22,model=0,stepping=1")
    try:
        yield host.start()
    finally:
        host.stop()


@pytest.fixture(scope="module")
def early(jaguar):
    """In level 1: an initial RAM disk with early microcode in front."""
    patch = ucode_image.amd(SIGNATURE, REVISION, data_bytes=2048 - 64)
    jaguar.shell("cat > amd.bin", stdin=ucode_image.container(SIGNATURE, [patch]))
    initrd = jaguar.path(linux.initrd(SCRIPT, False))
    done = jaguar.shell(f"""{jaguar.muster} microcode image amd.bin -o early.cpio &&
        cat early.cpio {initrd} > early.img""")
    assert done.status == 0, done.stderr
    return "early.img"


def test_linux_loads_its_microcode_on_every_cpu(jaguar, early):
    args = linux.run_args(jaguar, "generic", SCRIPT, "--cpus", CPUS,
                          "--hypervisor", "hidden", "--guest-microcode", "emulate",
                          cmdline=CMDLINE)
    args[args.index("--initrd") + 1] = early
    result = jaguar.run(args, timeout=150)
    assert result.status == 0, result.stderr
    assert result.facts["seen"] == "0"
    assert result.facts["signature"] == "22"
    assert result.facts["revisions"].split() == [f"{REVISION:#x}"] * CPUS
    assert int(result.facts["log"]) >= 1
