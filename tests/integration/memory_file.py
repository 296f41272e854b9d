# SPDX-License-Identifier: Apache-2.0
"""memory_file.py - memory files as vmm/memfile.h describes them, written and read anew

Pages are a dictionary from their number to 4096 bytes; a page that is missing is zeros in
a full file and unchanged in a diff.
"""

import os
import struct

PAGE = 4096
CHUNK_PAGES = 512
FULL, DIFF = 0, 1
SEAL = struct.Struct("<8sIIQ16s16sQ")


def _table():
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0xC96C5795D7870F42 if byte & 1 else 0)
        table.append(byte)
    return table


TABLE = _table()


def crc64(data):
    """CRC-64/XZ."""
    crc = (1 << 64) - 1
    for byte in data:
        crc = crc >> 8 ^ TABLE[(crc ^ byte) & 255]
    return crc ^ (1 << 64) - 1


def sums(pages, ram):
    """What the pages of each chunk add up to."""
    result = [0] * -(-ram // (PAGE * CHUNK_PAGES))
    for number, page in pages.items():
        if page.strip(b"\0"):
            index = number % CHUNK_PAGES
            result[number // CHUNK_PAGES] ^= crc64(struct.pack("<Q", index) + page)
    return result


def _bitmap(pages, ram):
    words = [0] * -(-ram // (PAGE * 64))
    for number in pages:
        words[number // 64] |= 1 << number % 64
    return words


def write(path, pages, ram, own, base=None):
    """A full file, or a diff on the snapshot `base`; ids are 16 bytes."""
    with open(path, "wb") as f:
        if base is None:
            for number, page in pages.items():
                f.seek(number * PAGE)
                f.write(page)
            f.truncate(ram)
        else:
            for _, page in sorted(pages.items()):
                f.write(page)
        words = sums(pages, ram) + ([] if base is None else _bitmap(pages, ram))
        trailer = struct.pack(f"<{len(words)}Q", *words) + SEAL.pack(
            b"MUSTERMM", 1, FULL if base is None else DIFF, ram, own, base or bytes(16), 0)
        f.seek(0, os.SEEK_END)
        f.write(trailer[:-8] + struct.pack("<Q", crc64(trailer[:-8])))


def read_full(path):
    """The pages that are not zeros, and the id, of a full file; every sum is compared."""
    data = path.read_bytes()
    magic, version, kind, ram, own, _, crc = SEAL.unpack(data[-SEAL.size:])
    assert (magic, version, kind) == (b"MUSTERMM", 1, FULL)
    trailer = data[ram:]
    assert crc64(trailer[:-8]) == crc
    pages = {i: data[i * PAGE:(i + 1) * PAGE] for i in range(ram // PAGE)
             if data[i * PAGE:(i + 1) * PAGE].strip(b"\0")}
    want = sums(pages, ram)
    assert trailer[:-SEAL.size] == struct.pack(f"<{len(want)}Q", *want)
    return pages, own
