# SPDX-License-Identifier: Apache-2.0
"""tiny_kernel.py - Linux 6.12 for level 1 under Bochs, built from Debian's source

Debian's cloud kernel is of 6.1.  This one is newer, and up in half the time, but
takes ten minutes of one CPU to build: only make_profiles.py wants it.

    python3 tests/integration/tiny_kernel.py     builds it, and prints the path
"""

import shutil
import sys
import tempfile
from pathlib import Path

import images

PACKAGE = "linux-source-6.12"
CONFIG = images.HERE / "kernels/tiny-6.12.config"
TOOLS = ["make", "gcc", "flex", "bison", "bc", "xz"]


def compile_in(tree):
    shutil.copy(CONFIG, tree / ".config")
    images.call("make", "-s", "olddefconfig", cwd=tree)
    images.call("nice", "make", "-s", "-j1", "bzImage", cwd=tree)
    return tree / "arch/x86/boot/bzImage"


def build(path):
    tool = images.missing_tool(*TOOLS)
    if tool:
        raise images.ImageError(f"{tool} is not installed")
    package = images.unpacked("linux-source", lambda: [PACKAGE])
    with tempfile.TemporaryDirectory(dir=images.OUT) as folder:
        images.call("tar", "-C", folder, "--strip-components=1", "-xf",
                    package / f"usr/src/{PACKAGE}.tar.xz")
        shutil.copy(compile_in(Path(folder)), path)


def bzimage():
    return images.made(images.OUT / "vmlinuz-6.12", build, CONFIG)


if __name__ == "__main__":
    try:
        print(bzimage())
    except images.ImageError as error:
        sys.exit(f"tiny_kernel: {error}")
