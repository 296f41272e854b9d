# SPDX-License-Identifier: Apache-2.0
"""test_docs_microcode.py - the commands of docs/microcode.md print what it shows

What the page says of a host is of one in a folder: muster is told so behind the
page's back, and the folder's name is taken out of what it prints.
"""

import shutil

import pytest

from console_page import compare, lines
from images import ROOT
from instance import Instance
from microcode_host import Cpu, MicrocodeHost

PAGE = ROOT / "docs/microcode.md"
DATA = ROOT / "tests/data"

WRAPPER = """\
#!/bin/sh
case $1.$2 in
microcode.status) {muster} "$@" --sysfs-root={host} | sed "s,{host},," ;;
*) exec {muster} "$@" ;;
esac
"""


@pytest.fixture
def folder(muster, tmp_path):
    shutil.copytree(DATA / "microcode/intel-ucode", tmp_path / "intel-ucode")
    for name in "skylake_x.json", "sandy_bridge.json":
        shutil.copy(DATA / "profiles" / name, tmp_path)
    (tmp_path / "initrd.img").write_bytes(b"\x1f\x8b the rest")
    host = MicrocodeHost(tmp_path / "host", [Cpu(0x50654, 0x02006b05, 0x80)] * 4)
    shutil.copytree(DATA / "microcode/intel-ucode",
                    host.root / "lib/firmware/intel-ucode")
    (tmp_path / "bin").mkdir()
    wrapper = tmp_path / "bin/muster"
    wrapper.write_text(WRAPPER.format(muster=muster, host=host.root))
    wrapper.chmod(0o755)
    return tmp_path


def test_the_commands_print_what_is_shown(folder):
    steps = lines(PAGE, "host")
    assert len(steps) > len(lines(PAGE)) > 8
    compare(steps, folder)


@pytest.mark.needs("direct")
def test_of_vms_too(folder, direct):
    vm = Instance(direct, folder)
    vm.boot("spin")
    vm.start()
    (folder / "vms").mkdir()
    (folder / "vms/web.sock").symlink_to(vm.path)
    [step] = set(lines(PAGE, "host", "kvm")) - set(lines(PAGE, "host"))
    compare([[part.replace("/run/vms", str(folder / "vms")) for part in step]],
            folder)
    vm.stop()
