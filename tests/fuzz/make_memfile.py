#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""make_memfile.py FOLDER - the corpus of tests/fuzz/memfile.c: trailers, good and bad

Each begins with the number of pages before the trailer. Checksums are not made: the
target makes them good by itself.
"""
import pathlib
import struct
import sys

RAM = 8 << 20
SUMS = struct.pack("<4Q", 0, 0, 0, 0)
HELD = struct.pack("<32Q", 1 << 63, *[0] * 11, 1, *[0] * 18, (1 << 64) - 1)


def seal(magic=b"MUSTERMM", version=1, kind=0, ram=RAM, own=b"A" * 16, base=bytes(16)):
    return magic + struct.pack("<IIQ", version, kind, ram) + own + base + bytes(8)


FULL = RAM // 4096
DIFF = 66  # bits in HELD

# name: pages, trailer
CASES = {
    "full": (FULL, SUMS + seal()),
    "diff": (DIFF, SUMS + HELD + seal(kind=1, base=b"B" * 16)),
    "diff-of-itself": (DIFF, SUMS + HELD + seal(kind=1, base=b"A" * 16)),
    "diff-page-too-few": (DIFF - 1, SUMS + HELD + seal(kind=1)),
    "diff-page-behind-ram": (DIFF, SUMS + HELD + seal(kind=1, ram=RAM - 4096)),
    "diff-of-nothing": (0, SUMS + bytes(256) + seal(kind=1)),
    "full-with-bitmap": (FULL, SUMS + HELD + seal()),
    "diff-without-bitmap": (DIFF, SUMS + seal(kind=1)),
    "no-sums": (FULL, seal()),
    "kind-2": (FULL, SUMS + seal(kind=2)),
    "version-0": (FULL, SUMS + seal(version=0)),
    "version-2": (FULL, SUMS + seal(version=2)),
    "no-ram": (FULL, SUMS + seal(ram=0)),
    "odd-ram": (FULL, SUMS + seal(ram=RAM - 1)),
    "less-ram": (FULL, SUMS + seal(ram=RAM - 4096)),
    "more-ram": (FULL, SUMS + seal(ram=RAM + 4096)),
    "huge-ram": (FULL, SUMS + seal(ram=1 << 46)),
    "endless-ram": (FULL, SUMS + seal(ram=(1 << 64) - 4096)),
    "magic": (FULL, SUMS + seal(magic=b"MUSTERSN")),
    "short": (FULL, (SUMS + seal())[1:-1]),
    "empty": (FULL, b""),
}


def main(folder):
    for name, (pages, trailer) in CASES.items():
        (pathlib.Path(folder) / name).write_bytes(struct.pack("<H", pages) + trailer)


main(sys.argv[1])
