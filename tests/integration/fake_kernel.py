#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""fake_kernel.py ROOT KIND MILLISECONDS [PID]... - a kernel's part in a late load

It waits for the trigger in the tree of host_tree.py, takes its time, does to the tree
what a load of that KIND does to a host, and answers.  Then it writes down when that
was, and which vCPU threads of the processes have run meanwhile.

    done      every CPU gets the revision of the file that was placed
    one       only CPU 0 gets it
    partial   half of the CPUs do, and the kernel says EIO
    refuse    nothing happens, and it says ENOENT
    hang      it never answers
    blind     as done, and /proc/cpuinfo is gone
    vanish    as done, and the CPUs lose ADX (CPUID.7.0:EBX, bit 19)
"""

import errno
import json
import os
import struct
import sys
import time
from pathlib import Path

ADX = 1 << 19
VERDICTS = {"partial": errno.EIO, "refuse": errno.ENOENT}


def cpus(root):
    folder = root / "sys/devices/system/cpu"
    return sorted(folder.glob("cpu[0-9]*"), key=lambda path: int(path.name[3:]))


def vcpu_times(pids):
    """The time that each vCPU thread has spent on a CPU, in nanoseconds."""
    times = {}
    for pid in pids:
        for task in Path(f"/proc/{pid}/task").glob("*"):
            if (task / "comm").read_text().startswith("vcpu"):
                spent = (task / "schedstat").read_text().split()[0]
                times[f"{pid}/{task.name}"] = int(spent)
    return times


def placed_revision(root):
    image, = (path for path in (root / "lib/firmware/intel-ucode").iterdir()
              if not path.name.endswith(".old"))
    return struct.unpack_from("<I", image.read_bytes(), 4)[0]


def vanish(root):
    path = root / "profile.json"
    profile = json.loads(path.read_text())
    for group in profile["groups"]:
        for leaf in group["cpuid"]:
            if (leaf["leaf"], leaf["subleaf"]) == ("0x7", "0x0"):
                leaf["ebx"] = hex(int(leaf["ebx"], 16) & ~ADX)
    path.write_text(json.dumps(profile))


def load(root, kind):
    have = {"one": 1, "partial": len(cpus(root)) // 2, "refuse": 0}
    for cpu in cpus(root)[:have.get(kind)]:
        version = cpu / "microcode/version"
        version.write_text(f"{placed_revision(root):#x}\n")
    if kind == "vanish":
        vanish(root)
    if kind == "blind":
        (root / "proc/cpuinfo").unlink()
    with open(root / "dev/kmsg", "a", encoding="ascii") as log:
        log.write(f"6,1,2,-;microcode: this load is of the kind {kind}\n"
                  "6,2,2,-;something else\n")


def main():
    root, kind, pids = Path(sys.argv[1]), sys.argv[2], sys.argv[4:]
    folder = root / "sys/devices/system/cpu/microcode"
    trigger = os.open(folder / "reload", os.O_RDONLY)
    assert os.read(trigger, 16) == b"1"
    begun, before = time.monotonic_ns(), vcpu_times(pids)
    (root / "asked").touch()
    while kind == "hang":
        time.sleep(1)
    time.sleep(int(sys.argv[3]) / 1000)
    load(root, kind)
    after, ended = vcpu_times(pids), time.monotonic_ns()
    (root / "kernel.json").write_text(json.dumps({
        "begun_ns": begun, "ended_ns": ended,
        "ran": [thread for thread in before if before[thread] != after[thread]],
        "watched": len(before)}))
    with open(folder / "reload.verdict", "w", encoding="ascii") as verdict:
        verdict.write(str(VERDICTS.get(kind, 0)))


main()
