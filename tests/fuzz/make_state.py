#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""make_state.py - write the first inputs of state, snapshot_file and device_state."""
import os
import struct

CORPUS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus")
RINGS, RING_STEP, GUEST_DATA = 0x10000, 0x2000, 0x40000
NEXT, WRITE = 1, 2
VERSION_1 = 1 << 32


# ---- state: a version, then a struct book ----

def page(data=b"", dirty=0, version=2):
    return struct.pack("<I", len(data)) + data + (struct.pack("<B", dirty) if version > 1 else b"")


def book(pages=(), kind=1, size=0, spare=2, version=2, first=b"first", count=None):
    return (struct.pack("<BB3HQ", version, kind, 1, 2, 3, size)
            + (b"book" if version > 1 else b"") + page(first, version=version)
            + struct.pack("<I", len(pages) if count is None else count) + b"".join(pages)
            + struct.pack("<I", spare) + page(version=version) * spare)


def books():
    two = [page(b"one", 1), page(b"two")]
    yield "pages", book(two)
    yield "none", book(first=b"")
    yield "older", book([page(b"one", version=1)], version=1)
    yield "newer", book(version=3)[:1] + book()[1:]
    yield "kind", book(kind=8)
    yield "size", book(size=1)
    yield "spare", book(spare=3)
    yield "bool", book([page(b"x", 2)])
    yield "long-blob", book([page(bytes(65))])
    yield "long-list", book([page()] * 17)
    yield "hostile-count", book(two, count=0xffffffff)
    yield "cut", book(two)[:-3]
    yield "behind", book(two) + b"\0"


# ---- snapshot_file: the target makes the checksums right ----

def header(version=1, arch=b"x86_64", magic=b"MUSTERSN"):
    return struct.pack("<8sII16sQ", magic, version, 0, arch, 0)


def section(name, payload=b"", instance=0, version=1, length=None):
    return struct.pack("<16sIIQQ", name, instance, version,
                       len(payload) if length is None else length, 0) + payload


def files():
    end = section(b"end", bytes(8))
    config = section(b"config", b"abc")
    yield "empty", header() + end
    yield "sections", header() + config + section(b"vcpu", b"", 1) + section(b"vcpu", b"x") + end
    yield "twice", header() + config + config + end
    yield "unknown", header() + section(b"floppy") + end
    yield "instance", header() + section(b"config", b"", 1) + end
    yield "unpadded", header() + section(b"config\0x") + end
    yield "full-name", header() + section(b"c" * 16) + end
    yield "version", header(2) + end
    yield "arch", header(arch=b"aarch64") + end
    yield "magic", header(magic=b"MUSTERSM") + end
    yield "no-end", header() + config
    yield "end-first", header() + end + config
    yield "behind", header() + end + b"\0"
    yield "length", header() + section(b"config", b"abc", length=2 ** 64 - 1) + end
    yield "short-end", header() + section(b"end", bytes(7))
    yield "cut-header", header()[:20]
    yield "cut-section", header() + config[:30]


# ---- device_state: pieces with their length in front ----

def piece(data):
    return struct.pack("<H", len(data)) + data


def serial(ier=0, fcr=0, mcr=0, head=0, count=0, errors=0):
    return struct.pack("<9B?16sII", ier, fcr, 3, mcr, 0, 0, 0, errors, 0, True, b"0123456789",
                       head, count)


def blk(capacity=64, readonly=0, queues=2):
    return struct.pack("<QBH5I20s", capacity, readonly, queues, 126, 512, 1 << 22, 8, 1 << 22, b"")


def queue(index=0, size=8, ready=1, avail=0, used=0, published=0, where=None):
    at = RINGS + index * RING_STEP if where is None else where
    return struct.pack("<HBQQQHHH", size, ready, at, at + 0x1000, at + 0x1400, avail, used,
                       published)


NO_QUEUE = struct.pack("<HBQQQHHH", *[0] * 8)


def core(offered, queues, status=15, accepted=VERSION_1, size=256):
    return struct.pack("<QQIHI", offered, accepted, status, size, len(queues)) + b"".join(queues)


def mmio(interrupts=0, select=0):
    return struct.pack("<4I", interrupts, 0, 0, select)


RING_FEATURES = VERSION_1 | 1 << 28 | 1 << 29
# SEG_MAX, BLK_SIZE, FLUSH, MQ, DISCARD, WRITE_ZEROES
BLK_FEATURES = RING_FEATURES | 1 << 2 | 1 << 6 | 1 << 9 | 1 << 12 | 1 << 13 | 1 << 14


def memory():
    """A read waits in the disk's first ring."""
    def desc(gpa, length, flags, following):
        return struct.pack("<QIHH", gpa, length, flags, following)
    table = (desc(RINGS + 0x800, 16, NEXT, 1) + desc(GUEST_DATA, 512, NEXT | WRITE, 2)
             + desc(GUEST_DATA + 0x1000, 1, WRITE, 0))
    return table.ljust(0x800, b"\0") + bytes(0x800) + struct.pack("<HHH", 0, 1, 0)


def machine(serial_=None, blk_=None, blk_core=None, blk_mmio=None, rng_core=None, mem=b"",
            rng_mmio=None):
    idle = core(BLK_FEATURES, [NO_QUEUE] * 2, 0, 0)
    parts = [serial_ or serial(), mem, blk_ or blk(), blk_core or idle, blk_mmio or mmio(), b"",
             rng_core or core(RING_FEATURES, [NO_QUEUE], 0, 0), rng_mmio or mmio()]
    return b"".join(piece(p) for p in parts)


def machines():
    def disk(*queues, **more):
        return core(more.pop("offered", BLK_FEATURES), list(queues) or [queue(0), queue(1)], **more)
    yield "idle", machine()
    yield "waiting", machine(blk_core=disk(), mem=memory())
    yield "events", machine(blk_core=disk(accepted=RING_FEATURES), mem=memory())
    yield "unpublished", machine(blk_core=disk(queue(0, avail=1, used=1), queue(1)), mem=memory())
    yield "interrupt", machine(blk_core=disk(), blk_mmio=mmio(1))
    yield "entropy", machine(rng_core=core(RING_FEATURES, [queue(2)]), rng_mmio=mmio(1))
    yield "needs-reset", machine(blk_core=disk(status=0x4f))
    yield "failed", machine(blk_core=disk(status=0x8f), mem=memory())
    yield "typed", machine(serial_=serial(5, 0xc1, 0, 12, 10))
    yield "loopback", machine(serial_=serial(15, 1, 0x1f, 15, 16, 2))
    yield "fifo-index", machine(serial_=serial(head=16))
    yield "fifo-count", machine(serial_=serial(count=2))
    yield "capacity", machine(blk_=blk(65))
    yield "status", machine(blk_core=disk(status=14))
    yield "offered", machine(blk_core=disk(offered=BLK_FEATURES | 1 << 40))
    yield "accepted", machine(blk_core=disk(accepted=VERSION_1 | 1))
    yield "far", machine(blk_core=disk(queue(0, avail=9), queue(1)))
    yield "size", machine(blk_core=disk(queue(0, size=7), queue(1)))
    yield "outside", machine(blk_core=disk(queue(0, where=0x47000), queue(1)))
    yield "misaligned", machine(blk_core=disk(queue(0, where=RINGS + 1), queue(1)))
    yield "rings-overlap", machine(blk_core=disk(queue(0), queue(0)), mem=memory())
    yield "cut", machine()[:100]


def write(target, inputs):
    folder = os.path.join(CORPUS, target)
    os.makedirs(folder, exist_ok=True)
    for name, data in inputs:
        with open(os.path.join(folder, name), "wb") as f:
            f.write(data)


write("state", books())
write("snapshot_file", files())
write("device_state", machines())
