# SPDX-License-Identifier: Apache-2.0
"""late_load.py - a late load against a real kernel that can do it

Builds Linux 6.1 with CONFIG_MICROCODE_LATE_LOADING and boots it under QEMU's TCG, with
three VMs in it.  The processor there takes no update, so that the kernel really tries
and refuses: what is shown is that it is asked, that its words come back, and that
every VM goes on.  Too long for CI because of the kernel's build; run it by hand:

    python3 tests/integration/late_load.py      prints the log, fails if it is not so

The log of a run is tests/data/microcode/late-load-6.1.log.
"""

import subprocess
import sys

import images
import payload
import tiny_kernel
import ucode_image
from host import LOGS, static_muster
from svm import QEMU

SIGNATURE, REVISION = 0x00700F01, 0x0700010F
CPU = "max,-erms,family=22,model=0,stepping=1,-hypervisor"
EXPECTED = [
    "microcode: Attempting late microcode loading",
    "update failed for patch_level=0x0700010f",
    "CPU 0 (0x700f01): 0x1000065, and not 0x700010f",
    "kernel: Operation not permitted",
    "/run/vms/1.sock: held",
    "/run/vms/2.sock: held",
    "/run/vms/3.sock: held",
    "refused by the kernel",
    "(status 1)",
]
TIMEOUT_SECONDS = 120


def initrd(path):
    archive = images.base_archive("late")
    archive.file("bin/muster", static_muster().read_bytes())
    archive.file("idle", payload.guest("idle").read_bytes())
    patch = ucode_image.amd(SIGNATURE, REVISION, data_bytes=2048 - 64)
    archive.file("images/microcode_amd_fam16h.bin",
                 ucode_image.container(SIGNATURE, [patch]), 0o644)
    path.write_bytes(archive.finish())
    return path


def run():
    LOGS.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [QEMU, "-accel", "tcg", "-cpu", CPU, "-M", "q35", "-smp", "1", "-m", "1024",
         "-kernel", tiny_kernel.bzimage("late"), "-initrd", initrd(LOGS / "late.cpio"),
         "-append", "console=ttyS0 quiet panic=-1", "-nographic", "-no-reboot"],
        stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT_SECONDS,
        check=True)
    said = done.stdout.decode(errors="replace").replace("\r", "")
    return said[max(said.find("$ "), 0):]


def missing(log):
    """What should be in the log and is not."""
    lacks = [text for text in EXPECTED if text not in log]
    lacks += [f"VM {vm} runs" for vm in (1, 2, 3)
              if f"VM {vm}: " not in log or log.count('"state": "Running"') != 3]
    return lacks


if __name__ == "__main__":
    try:
        said = run()
    except images.ImageError as error:
        sys.exit(f"late_load: {error}")
    print(said)
    if missing(said):
        sys.exit(f"late_load: missing: {'; '.join(missing(said))}")
