# SPDX-License-Identifier: Apache-2.0
"""snapshot_file.py - state files, read and written as docs/snapshot-format.md has it

Whoever changes a section here gets a file whose checksums are right.
"""

import struct
from dataclasses import dataclass

from memory_file import crc64

MAGIC = b"MUSTERSN"
HEADER = struct.Struct("<8sII16s")
SECTION = struct.Struct("<16sIIQ")
SUM = struct.Struct("<Q")


@dataclass
class Section:
    name: str
    instance: int
    version: int
    data: bytes


class SnapshotFile:
    def __init__(self, path):
        data = path.read_bytes()
        magic, self.version, _, arch = HEADER.unpack_from(data)
        assert magic == MAGIC
        self.arch = arch.rstrip(b"\0").decode()
        self.sections = []
        at = HEADER.size + SUM.size
        while at < len(data):
            name, instance, version, length = SECTION.unpack_from(data, at)
            at += SECTION.size + SUM.size
            self.sections.append(Section(name.rstrip(b"\0").decode(), instance,
                                         version, data[at:at + length]))
            at += length
        assert self.sections.pop().name == "end"

    def __getitem__(self, name):
        return next(section for section in self.sections if section.name == name)

    def replace(self, name, old, new):
        """In the text of a section."""
        text = self[name].data
        assert old in text, text
        self[name].data = text.replace(old, new)

    def write(self, path):
        header = HEADER.pack(MAGIC, self.version, 0, self.arch.encode())
        data = header + SUM.pack(crc64(header))
        for section in self.sections:
            data += packed(section)
        path.write_bytes(data + packed(Section("end", 0, 1, SUM.pack(crc64(data)))))
        return path


def packed(section):
    header = SECTION.pack(section.name.encode(), section.instance, section.version,
                          len(section.data))
    return header + SUM.pack(crc64(header + section.data)) + section.data
