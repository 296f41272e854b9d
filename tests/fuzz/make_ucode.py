#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""make_ucode.py - write the first inputs of ucode."""
import os
import struct
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../integration"))

from microcode_image import amd, archive, intel  # noqa: E402


def images():
    one = intel(0x2b000650, 0x806f8, 0x87, minimum=0x2b000161)
    table = intel(5, 0x806f8, 0x87, more=[(0x806f7, 0x87), (0x806f6, 0x10)])
    milan = amd(0x0a0011d5, [0x00a00f11], 0xa011)
    yield "intel", one
    yield "intel-table", table
    yield "intel-two", one + table
    yield "intel-cut", table[:-4]
    yield "intel-size", one[:32] + struct.pack("<I", 0xfffffc00) + one[36:]
    yield "intel-data", one[:28] + struct.pack("<I", 0xfffffffc) + one[32:]
    yield "intel-count", table[:-44] + struct.pack("<I", 0x15555556) + table[-40:]
    yield "amd", milan
    yield "amd-two", milan + amd(0x0830107c, [0x00830f10, 0x00830f11], 0x8310)
    yield "amd-before", amd(0x0a0011de, [0x00a00f11], 0xa011, minimum=0x0a0011d9)
    yield "amd-cut", milan[:-1]
    yield "amd-table", milan[:8] + struct.pack("<I", 0xfffffff0) + milan[12:]
    yield "amd-old", amd(0x010000c8, [0x100f43], 0x1043)
    yield "cpio", archive(GenuineIntel=one, AuthenticAMD=milan) + b"\x1f\x8b"
    yield "cpio-two", archive() + bytes(64) + archive(GenuineIntel=one)
    yield "cpio-cut", archive(AuthenticAMD=milan)[:-600]
    yield "text", b"no microcode\n" * 8
    yield "empty", b""


def main():
    folder = os.path.join(HERE, "corpus/ucode")
    os.makedirs(folder, exist_ok=True)
    for name, data in images():
        with open(os.path.join(folder, name), "wb") as f:
            f.write(data)


main()
