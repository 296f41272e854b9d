# SPDX-License-Identifier: Apache-2.0
"""ucode_image.py - microcode updates that no processor would take, but our checks do"""

import struct

INTEL_LOADER, AMD_LOADER = 0x79, 0xC0010020
INTEL_HEADER, AMD_HEADER = 48, 64


def sum32(data):
    return sum(struct.unpack(f"<{len(data) // 4}I", data)) & 0xFFFFFFFF


def intel(signature, revision, platforms=0xFF, data_bytes=976, fill=0x5A,
          min_revision=0):
    """One update as Intel publishes them: a header, then what only the CPU reads."""
    body = bytes([fill]) * data_bytes

    def header(checksum):
        return struct.pack("<12I", 1, revision, 0x11202026, signature, checksum, 1,
                           platforms, data_bytes, INTEL_HEADER + data_bytes,
                           0, min_revision, 0)
    return header(-sum32(header(0) + body) & 0xFFFFFFFF) + body


def equivalence(signature):
    """How AMD's patches call a CPU of this signature, since family 15h."""
    return (signature >> 8 & 0xF000) | (signature >> 8 & 0xF00) | signature & 0xFF


def amd(signature, revision, data_bytes=1024, fill=0x5A):
    """One patch, as it stands in a container and as a kernel hands it to the CPU."""
    body = bytes([fill]) * data_bytes
    return struct.pack("<IIHBBIIIHBBB3x32x", 0x11202026, revision, 0x8004, 0, 0,
                       0, 0, 0, equivalence(signature), 0, 0, 0) + body


def container(signature, patches):
    """An AMD container for CPUs of one signature."""
    table = struct.pack("<IIIHH", signature, 0, 0, equivalence(signature), 0)
    table += bytes(16)
    sections = b"".join(struct.pack("<II", 1, len(p)) + p for p in patches)
    return struct.pack("<III", 0x00414D44, 0, len(table)) + table + sections


def host_cpu():
    """Signature and vendor of this host's CPUs."""
    fields = {}
    with open("/proc/cpuinfo", encoding="ascii") as cpuinfo:
        for line in cpuinfo.read().split("\n\n", 1)[0].splitlines():
            name, _, value = line.partition(":")
            fields[name.strip()] = value.strip()
    family, model = int(fields["cpu family"]), int(fields["model"])
    signature = min(family, 15) << 8 | max(family - 15, 0) << 20
    signature |= (model & 15) << 4 | model >> 4 << 16 | int(fields["stepping"])
    return signature, fields["vendor_id"] == "GenuineIntel"
