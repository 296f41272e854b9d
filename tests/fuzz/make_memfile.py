#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""make_memfile.py FOLDER - the corpus of tests/fuzz/memfile.c: trailers, good and bad

Checksums are not made: the target makes them good by itself.
"""
import pathlib
import struct
import sys

RAM = 8 << 20
SUMS = struct.pack("<4Q", 0, 0, 0, 0)
HELD = struct.pack("<32Q", 1 << 63, *[0] * 11, 1, *[0] * 18, (1 << 64) - 1)


def seal(magic=b"MUSTERMM", version=1, kind=0, ram=RAM, own=b"A" * 16, base=bytes(16)):
    return magic + struct.pack("<IIQ", version, kind, ram) + own + base + bytes(8)


CASES = {
    "full": SUMS + seal(),
    "diff": SUMS + HELD + seal(kind=1, base=b"B" * 16),
    "diff-of-itself": SUMS + HELD + seal(kind=1, base=b"A" * 16),
    "diff-of-nothing": SUMS + bytes(256) + seal(kind=1),
    "full-with-bitmap": SUMS + HELD + seal(),
    "diff-without-bitmap": SUMS + seal(kind=1),
    "no-sums": seal(),
    "kind-2": SUMS + seal(kind=2),
    "version-0": SUMS + seal(version=0),
    "version-2": SUMS + seal(version=2),
    "no-ram": SUMS + seal(ram=0),
    "odd-ram": SUMS + seal(ram=RAM - 1),
    "less-ram": SUMS + seal(ram=RAM - 4096),
    "more-ram": SUMS + seal(ram=RAM + 4096),
    "huge-ram": SUMS + seal(ram=1 << 46),
    "endless-ram": SUMS + seal(ram=(1 << 64) - 4096),
    "magic": SUMS + seal(magic=b"MUSTERSN"),
    "short": (SUMS + seal())[1:-1],
    "empty": b"",
}


def main(folder):
    for name, data in CASES.items():
        (pathlib.Path(folder) / name).write_bytes(data)


main(sys.argv[1])
