# SPDX-License-Identifier: Apache-2.0
"""test_orchestrator.py - what Firecracker's orchestrators do, they can do with muster

orchestrator.py is a program of its own: it sees only its plan, the socket, the files and
the process.
"""

import json
import shlex
import sys

import pytest

import images
import linux
import payload
from images import HERE

SAYS = """\
orchestrator: booted
orchestrator: has another drive, and tells metrics
orchestrator: kept in a snapshot, and stopped
orchestrator: loaded in new processes
orchestrator: shut down from the keyboard
"""
FIRECTL_SAYS = "orchestrator: ran as firectl's\n"
OLD_MIB, NEW_MIB = 4, 6

# firectl's default without noapic, and with what gives the tests less to read.
KERNEL_OPTS = "ro console=ttyS0 reboot=k panic=1 pci=off nomodules quiet"

# The keyboard is left to the kernel: with its default, Ctrl-Alt-Del restarts.
SCRIPT = """
echo "@ready"
while read -r line; do eval "$line"; done
"""
QUESTION = 'echo "@drive $(cat /sys/block/vdb/size) $(head -c 3 /dev/vdb)"'


def drive(name, path, root=False):
    return {"name": name, "path": path, "root": root}


def write_plan(path, **plan):
    path.write_text(json.dumps({"vcpu_count": 1, **plan}))
    return path


def check(result, says):
    assert (result.status, result.stdout) == (0, says), result


@pytest.mark.needs("direct")
def test_on_this_machine(direct, muster, tmp_path):
    link = tmp_path / "firecracker"
    link.symlink_to(muster)
    for name, mib in ("old", OLD_MIB), ("new", NEW_MIB):
        (tmp_path / name).write_bytes(bytes(mib << 20))
    plan = write_plan(
        tmp_path / "plan.json", runs=["firectl", "sdk"], seconds=20,
        folder=str(tmp_path), firecracker=str(link), mem_size_mib=64,
        kernel=str(payload.guest("keyboard")), boot_args="",
        ready="^keyboard: ready$", pressed="^keyboard: ok$",
        drives=[drive("1", str(tmp_path / "old"))],
        update={"name": "1", "path": str(tmp_path / "new")})
    check(direct.shell(shlex.join([
        sys.executable, str(HERE / "orchestrator.py"), str(plan)])),
        FIRECTL_SAYS + SAYS)


@pytest.mark.needs("svm")
def test_with_a_debian_guest(svm, tmp_path):
    folder = svm.folder / "orchestrator"
    folder.mkdir()
    plan = write_plan(
        folder / "plan.json", runs=["firectl", "sdk"], seconds=120,
        folder="/scratch/orchestrator", firecracker="/scratch/firecracker",
        mem_size_mib=128, kernel=svm.path(images.bzimage()),
        initrd=svm.path(linux.initrd(SCRIPT)), boot_args=KERNEL_OPTS,
        ready="^@ready$", question=QUESTION, answer=r"^@drive (\d+ \w+)$",
        before=f"{OLD_MIB << 11} old", after=f"{NEW_MIB << 11} new",
        drives=[drive("1", "/scratch/root.ext4", root=True),
                drive("2", "/scratch/old")],
        update={"name": "2", "path": "/scratch/new"})
    script = [f"ln -s {svm.muster} firecracker",
              f"cp {svm.path(images.root_disk())} root.ext4"]
    for name, mib in ("old", OLD_MIB), ("new", NEW_MIB):
        script += [f"echo {name} >{name}", f"truncate -s {mib}M {name}"]
    script += ["mkdir orchestrator", shlex.join([
        *images.python_command(svm.path(images.python())),
        svm.path(HERE / "orchestrator.py"), svm.path(plan)])]
    check(svm.shell(" && ".join(script), timeout=600), FIRECTL_SAYS + SAYS)
