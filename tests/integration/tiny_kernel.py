# SPDX-License-Identifier: Apache-2.0
"""tiny_kernel.py - small kernels for level 1, built from Debian's source

Debian's cloud kernel is of 6.1 and cannot load microcode late.  "tiny" is Linux 6.12,
up in half the time under Bochs: make_profiles.py wants it.  "late" is 6.1 with late
loading: late_load.py wants it.  Each takes ten minutes of one CPU to build.

    python3 tests/integration/tiny_kernel.py     builds "tiny", and prints the path
"""

import shutil
import sys
import tempfile
from pathlib import Path

import images

VERSIONS = {"tiny": "6.12", "late": "6.1"}
TOOLS = ["make", "gcc", "flex", "bison", "bc", "xz"]


def compile_in(tree, config):
    shutil.copy(config, tree / ".config")
    images.call("make", "-s", "olddefconfig", cwd=tree)
    images.call("nice", "make", "-s", "-j1", "bzImage", cwd=tree)
    return tree / "arch/x86/boot/bzImage"


def build(path, package, config):
    tool = images.missing_tool(*TOOLS)
    if tool:
        raise images.ImageError(f"{tool} is not installed")
    source = images.unpacked(package, lambda: [package])
    with tempfile.TemporaryDirectory(dir=images.OUT) as folder:
        images.call("tar", "-C", folder, "--strip-components=1", "-xf",
                    source / f"usr/src/{package}.tar.xz")
        shutil.copy(compile_in(Path(folder), config), path)


def bzimage(name="tiny"):
    version = VERSIONS[name]
    config = images.HERE / f"kernels/{name}-{version}.config"
    return images.made(
        images.OUT / f"vmlinuz-{version}",
        lambda path: build(path, f"linux-source-{version}", config), config)


if __name__ == "__main__":
    try:
        print(bzimage())
    except images.ImageError as error:
        sys.exit(f"tiny_kernel: {error}")
