#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""make_virtio.py - write the first inputs of the targets virtqueue and virtio_mmio."""
import os
import struct

CORPUS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus")
NEXT, WRITE, INDIRECT = 1, 2, 4
DESC, AVAIL, USED, TABLE, DATA = 0x0, 0x100, 0x200, 0x300, 0x400
RINGS, GUEST_DATA = 0x10000, 0x40000


def desc(gpa, length, flags=0, following=0):
    return struct.pack("<QIHH", gpa, length, flags, following)


# ---- virtqueue: ring addresses and size, features, then RAM ----

def virtqueue(descs, heads, size=8, features=3, table=(), idx=None, where=(DESC, AVAIL, USED)):
    ram = bytearray(0x3000)

    def put(at, data):
        ram[at:at + len(data)] = data
    put(DESC, b"".join(descs))
    put(AVAIL, struct.pack("<HH", 0, len(heads) if idx is None else idx))
    put(AVAIL + 4, b"".join(struct.pack("<H", h) for h in heads))
    put(TABLE, b"".join(table))
    return struct.pack("<HQQQB", size, *where, features) + bytes(ram).rstrip(b"\0")


def virtqueues():
    two = [desc(DATA, 16, NEXT, 1), desc(DATA + 16, 512, WRITE)]
    one = [desc(DATA, 16)]
    many = [desc(DATA, 1, NEXT, i + 1) for i in range(7)] + [desc(DATA, 1)]
    yield "chain", virtqueue(two, [0])
    yield "flags", virtqueue(two, [0, 0], features=0)
    yield "longest", virtqueue(many, [0])
    yield "loop", virtqueue([desc(DATA, 1, NEXT, 0)], [0])
    yield "head", virtqueue(one, [9])
    yield "jump", virtqueue(one, [0], idx=9)
    yield "full", virtqueue(one * 8, list(range(8)))
    yield "indirect", virtqueue([desc(TABLE, 32, INDIRECT)], [0], table=two)
    yield "nested", virtqueue([desc(TABLE, 16, INDIRECT)], [0], table=[desc(TABLE, 16, INDIRECT)])
    yield "indirect-next", virtqueue([desc(TABLE, 16, INDIRECT | NEXT, 1)] + one, [0], table=one)
    yield "indirect-size", virtqueue([desc(TABLE, 17, INDIRECT)], [0], table=one)
    yield "order", virtqueue([desc(DATA, 1, WRITE | NEXT, 1), desc(DATA, 1)], [0])
    yield "empty-buffers", virtqueue([desc(0, 0, NEXT, 1), desc(0, 0, WRITE)], [0])
    yield "outside", virtqueue([desc(0x3fff, 2)], [0])
    yield "above", virtqueue([desc(1 << 32, 0x1000, NEXT, 1), desc((1 << 32) + 0xfff, 1)], [0])
    yield "wraps", virtqueue([desc(2 ** 64 - 1, 2)], [0])
    yield "overlap", virtqueue(one, [0, 0], where=(DESC, AVAIL, AVAIL))
    yield "size", virtqueue(one, [0], size=3)
    yield "misaligned", virtqueue(one, [0], where=(DESC + 1, AVAIL, USED))
    yield "rings-outside", virtqueue(one, [0], where=(1 << 40, AVAIL, USED))


# ---- virtio_mmio: a program ----

RNG = 0x80
REGISTER, ACCESS, START, MEMORY, DESCRIPTOR, OFFER, KICK, TURN, FAULT = range(9)


def step(op, layout="", *values, dev=0):
    return struct.pack("<B" + layout, op | dev, *values)


def register(offset, value, dev=0):
    return step(REGISTER, "BI", offset // 4, value, dev=dev)


def access(write, log2, offset, value=0):
    return step(ACCESS, "BHQ", log2 | (4 if write else 0), offset, value)


def start(features=3, flush=1, log2=3, dev=0):
    return step(START, "BBB", features, flush, log2, dev=dev)


def memory(gpa, data):
    return step(MEMORY, "IB", gpa, len(data)) + data


def descriptor(index, gpa, length, flags=0, following=0, ring=0, dev=0):
    return step(DESCRIPTOR, "BBIIBB", ring, index, gpa, length, flags, following, dev=dev)


def offer(head=0, ring=0, dev=0):
    return step(OFFER, "BB", ring, head, dev=dev)


def kick(dev=0):
    return step(KICK, dev=dev)


def turn(what):
    return step(TURN, "B", what)


def fault(count=0, error=0, shorten=0):
    return step(FAULT, "B", count | error << 2 | shorten << 4)


def request(kind, sector, length, data_flags, data=b"", ring=0):
    return (memory(GUEST_DATA, struct.pack("<IIQ", kind, 0, sector))
            + (memory(GUEST_DATA + 0x1000, data) if data else b"")
            + descriptor(0, GUEST_DATA, 16, NEXT, 1, ring)
            + descriptor(1, GUEST_DATA + 0x1000, length, NEXT | data_flags, 2, ring)
            + descriptor(2, GUEST_DATA + 0x2000, 1, WRITE, 0, ring)
            + offer(0, ring))


def by_hand():
    """Start by registers only, and stop at each step."""
    ring = [(0x30, 0), (0x38, 8), (0x80, RINGS), (0x84, 0), (0x90, RINGS + 0x1000), (0x94, 0),
            (0xa0, RINGS + 0x1400), (0xa4, 0), (0x44, 1)]
    before = [(0x70, 1), (0x70, 3), (0x24, 1), (0x20, 1), (0x70, 11)]
    after = [(0x70, 15), (0x70, 0)]
    return b"".join(register(*s) for s in before + ring + after)


def programs():
    read = request(0, 3, 512, WRITE)
    yield "read", start() + read + kick()
    yield "write", start() + request(1, 3, 512, 0) + kick()
    yield "write-through", start(flush=0) + request(1, 3, 512, 0) + kick()
    yield "flush", start() + request(4, 0, 1, WRITE) + kick()
    yield "id", start() + request(8, 0, 20, WRITE) + kick()
    segment = struct.pack("<QII", 8, 8, 0)
    yield "discard", start() + request(11, 0, 16, 0, segment) + kick()
    yield "zeroes", start() + fault(1, 3) + request(13, 0, 16, 0, segment) + kick()
    yield "unknown", start() + request(99, 0, 512, 0) + kick()
    yield "past-end", start() + request(0, 63, 1024, WRITE) + kick()
    yield "second-queue", start() + request(0, 0, 512, WRITE, ring=1) + kick()
    yield "short", start() + fault(0, 0, 5) + read + kick()
    yield "errors", start() + fault(1, 1) + read + kick() + read + kick()
    yield "reset-in-flight", start() + turn(16) + read + kick() + register(0x70, 0) + turn(6)
    yield "bad-in-flight", start() + turn(16) + read + kick() + offer(200) + kick() + turn(6)
    yield "reset-unpublished", start() + read + turn(3) + register(0x70, 0) + turn(4)
    yield "restart", start() + read + turn(3) + start() + turn(4) + read + kick()
    yield "polled", start() + read + turn(8 + 6)
    yield "no-header", start() + descriptor(0, GUEST_DATA, 8, NEXT, 1) \
        + descriptor(1, GUEST_DATA, 1, WRITE) + offer() + kick()
    yield "registers", by_hand() + b"".join(access(0, 2, at) for at in range(0, 0x110, 4))
    yield "widths", b"".join(access(w, n, at, 0x5555) for w in (0, 1) for n in range(4)
                             for at in (0x70, 0x71, 0x100, 0x13f, 0xff8))
    entropy = descriptor(0, GUEST_DATA, 4096, WRITE, dev=RNG) + offer(dev=RNG)
    yield "entropy", start(dev=RNG) + entropy + kick(RNG)
    yield "entropy-long", start(log2=0, dev=RNG) \
        + descriptor(0, RINGS, 0x38000, WRITE, dev=RNG) + offer(dev=RNG) + kick(RNG)
    yield "entropy-in-rings", start(dev=RNG) \
        + descriptor(0, RINGS, 0x2000, WRITE, dev=RNG) + offer(dev=RNG) + kick(RNG) + kick(RNG)


def write(target, inputs):
    folder = os.path.join(CORPUS, target)
    os.makedirs(folder, exist_ok=True)
    for name, data in inputs:
        with open(os.path.join(folder, name), "wb") as f:
            f.write(data)


write("virtqueue", virtqueues())
write("virtio_mmio", programs())
