#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""make_kernels.py - write the corpora of the fuzz targets bzimage and elf again

Each file is a small kernel that is good, or wrong in the one way its name says.
"""

import struct
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"
MIB = 1 << 20
U32, U64 = (1 << 32) - 1, (1 << 64) - 1
LOAD_AT = 16 * MIB
BODY = b"\xf4" * 1024


def bzimage(**fields):
    """The setup header's fields by their names in x86/boot.rst."""
    good = {
        "setup_sects": 1, "syssize": len(BODY) // 16, "boot_flag": 0xaa55, "jump": 0x6aeb,
        "header": 0x53726448, "version": 0x020f, "initrd_addr_max": 0x7fffffff,
        "kernel_alignment": 2 * MIB, "relocatable_kernel": 1, "xloadflags": 1,
        "cmdline_size": 2047, "pref_address": LOAD_AT, "init_size": 2 * MIB,
    }
    layout = {
        "setup_sects": (0x1f1, "B"), "syssize": (0x1f4, "I"), "boot_flag": (0x1fe, "H"),
        "jump": (0x200, "H"), "header": (0x202, "I"), "version": (0x206, "H"),
        "initrd_addr_max": (0x22c, "I"), "kernel_alignment": (0x230, "I"),
        "relocatable_kernel": (0x234, "B"), "xloadflags": (0x236, "H"),
        "cmdline_size": (0x238, "I"), "pref_address": (0x258, "Q"), "init_size": (0x260, "I"),
    }
    image = bytearray(1024)
    for name, value in {**good, **fields}.items():
        at, kind = layout[name]
        struct.pack_into("<" + kind, image, at, value)
    return bytes(image) + BODY


def note(owner=b"Xen\0", kind=18, desc=struct.pack("<Q", LOAD_AT), namesz=None, descsz=None):
    pad = b"\0" * (-len(owner) % 4)
    return struct.pack("<III", len(owner) if namesz is None else namesz,
                       len(desc) if descsz is None else descsz, kind) + owner + pad + desc


def elf(notes=note(), machine=62, kind=2, entry=LOAD_AT, phnum=2, phentsize=56, phoff=64,
        paddr=LOAD_AT, filesz=len(BODY), memsz=MIB, offset=None, ident=b"\x02\x01\x01"):
    notes_at = 64 + 2 * 56
    body_at = notes_at + len(notes)
    header = b"\x7fELF" + ident.ljust(12, b"\0") + struct.pack(
        "<HHIQQQIHHHHHH", kind, machine, 1, entry, phoff, 0, 0, 64, phentsize, phnum, 0, 0, 0)
    load = struct.pack("<IIQQQQQQ", 1, 7, body_at if offset is None else offset, paddr, paddr,
                       filesz, memsz, 4096)
    notes_header = struct.pack("<IIQQQQQQ", 4, 4, notes_at, 0, 0, len(notes), len(notes), 4)
    return header + load + notes_header + notes + BODY


BZIMAGES = {
    "good": bzimage(),
    "no-preference": bzimage(pref_address=0),
    "no-preference-fixed": bzimage(pref_address=0, relocatable_kernel=0),
    "alignment-odd": bzimage(pref_address=0, kernel_alignment=3),
    "alignment-huge": bzimage(pref_address=0, kernel_alignment=1 << 31),
    "preference-end": bzimage(pref_address=U64),
    "preference-gap": bzimage(pref_address=3 << 30),
    "old": bzimage(version=0x0204),
    "32-bit": bzimage(xloadflags=0),
    "sects-0": bzimage(setup_sects=0),
    "sects-255": bzimage(setup_sects=255),
    "syssize-0": bzimage(syssize=0),
    "syssize-max": bzimage(syssize=U32, init_size=U32),
    "init-size-0": bzimage(init_size=0),
    "init-size-fits": bzimage(init_size=47 * MIB),
    "init-size-large": bzimage(init_size=49 * MIB),
    "header-short": bzimage(jump=0x04eb),
    "cmdline-0": bzimage(cmdline_size=0),
    "initrd-max-0": bzimage(initrd_addr_max=0),
    "initrd-max-all": bzimage(initrd_addr_max=U32),
    "truncated-header": bzimage()[:0x220],
    "truncated-body": bzimage()[:1500],
    "sector": bzimage()[:512],
}

ELFS = {
    "pvh": elf(),
    "pvh-32": elf(notes=note(desc=struct.pack("<I", LOAD_AT))),
    "pvh-second": elf(notes=note(kind=5, desc=b"abcd") + note()),
    "pvh-outside": elf(notes=note(desc=struct.pack("<Q", U64))),
    "pvh-name-max": elf(notes=note(namesz=U32)),
    "pvh-desc-max": elf(notes=note(descsz=U32)),
    "pvh-desc-3": elf(notes=note(desc=b"abc")),
    "no-note": elf(notes=b""),
    "other-owner": elf(notes=note(owner=b"GNU\0")),
    "class-32": elf(ident=b"\x01\x01\x01"),
    "big-endian": elf(ident=b"\x02\x02\x01"),
    "machine": elf(machine=183),
    "relocatable": elf(kind=1),
    "entry-outside": elf(notes=b"", entry=LOAD_AT - 1),
    "no-segments": elf(phnum=0),
    "many-segments": elf(phnum=0xffff),
    "segments-beyond": elf(phoff=U64 - 8),
    "segment-size": elf(phentsize=32),
    "filesz-over-memsz": elf(memsz=16),
    "memsz-wraps": elf(memsz=U64),
    "memsz-fits": elf(memsz=47 * MIB),
    "memsz-large": elf(memsz=49 * MIB),
    "memsz-0": elf(filesz=0, memsz=0),
    "offset-beyond": elf(offset=U64 - 100),
    "low-memory": elf(paddr=0x7000),
    "gap": elf(paddr=3 << 30),
    "truncated-header": elf()[:40],
    "truncated-segments": elf()[:100],
    "truncated-body": elf()[:-1],
}


def main():
    for target, files in ("bzimage", BZIMAGES), ("elf", ELFS):
        folder = CORPUS / target
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            (folder / name).write_bytes(data)


main()
