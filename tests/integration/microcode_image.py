# SPDX-License-Identifier: Apache-2.0
"""microcode_image.py - microcode images for tests: valid, and for no processor

What is between the headers is zeros: a processor would refuse each of them.
"""

import struct

DATE = 0x03062023  # 2023-03-06
INTEL_HEADER, INTEL_TABLE, INTEL_ENTRY = 48, 20, 12


def sum32(data):
    return sum(struct.unpack(f"<{len(data) // 4}I", data)) & 0xffffffff


def minus(value):
    return -value & 0xffffffff


def intel(revision, signature, platforms=0, *, minimum=0, more=(), total=1024,
          date=DATE, fill=b"\0"):
    """One update; `more` are (signature, platforms) of an extended table."""
    table = INTEL_TABLE + INTEL_ENTRY * len(more) if more else 0
    size = total - INTEL_HEADER - table
    fields = [1, revision, date, signature, 0, 1, platforms, size, total, 0,
              minimum, 0]
    data = fill * size
    fields[4] = minus(sum32(struct.pack("<12I", *fields) + data))
    whole = struct.pack("<12I", *fields) + data
    if not more:
        return whole
    own = signature + platforms + fields[4]
    entries = b"".join(
        struct.pack("<3I", other, flags, (own - other - flags) & 0xffffffff)
        for other, flags in more)
    head = [len(more), 0, 0, 0, 0]
    head[1] = minus(sum32(struct.pack("<5I", *head) + entries))
    return whole + struct.pack("<5I", *head) + entries


def amd_patch(revision, equivalence, *, minimum=0, size=128, date=DATE):
    """What a processor is handed."""
    header = struct.pack("<2IHBBIIIH", date, revision, 0x8004, 0, 0, minimum,
                         0, 0, equivalence)
    return header + bytes(size - len(header))


def amd(revision, signatures, equivalence, **more):
    """A container of one patch."""
    table = b"".join(struct.pack("<3I2H", signature, 0, 0, equivalence, 0)
                     for signature in signatures) + bytes(16)
    patch = amd_patch(revision, equivalence, **more)
    return (struct.pack("<3I", 0x00414d44, 0, len(table)) + table
            + struct.pack("<2I", 1, len(patch)) + patch)


def member(name, data=b"", mode=0o100644):
    name = name.encode() + b"\0"
    fields = [1, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name), 0]
    head = b"070701" + b"".join(b"%08x" % field for field in fields) + name
    return head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4)


def archive(**vendors):
    """A cpio with kernel/x86/microcode/VENDOR.bin for each."""
    found = b"".join(member(f"kernel/x86/microcode/{vendor}.bin", data)
                     for vendor, data in vendors.items())
    return found + member("TRAILER!!!")
