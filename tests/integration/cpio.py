# SPDX-License-Identifier: Apache-2.0
"""cpio.py - write an initramfs archive ("newc") with nothing that varies

The kernel unpacks archives that follow each other in one file, so a test adds
its script to a finished initramfs by appending a second archive.
"""

import posixpath
import stat

TRAILER = "TRAILER!!!"


class Archive:
    def __init__(self):
        self._blob = bytearray()
        self._inode = 0
        self._made = {""}

    def directory(self, path):
        path = path.strip("/")
        if path in self._made:
            return
        self.directory(posixpath.dirname(path))
        self._made.add(path)
        self._entry(path, stat.S_IFDIR | 0o755)

    def file(self, path, data, mode=0o755):
        self._below(path)
        self._entry(path, stat.S_IFREG | mode, data)

    def link(self, path, target):
        self._below(path)
        self._entry(path, stat.S_IFLNK | 0o777, target.encode())

    def character_device(self, path, major, minor):
        self._below(path)
        self._entry(path, stat.S_IFCHR | 0o600, device=(major, minor))

    def finish(self):
        """The archive, padded so that another may follow."""
        self._entry(TRAILER, 0)
        self._pad(512)
        return bytes(self._blob)

    def _below(self, path):
        self.directory(posixpath.dirname(path.strip("/")))

    def _entry(self, path, mode, data=b"", device=(0, 0)):
        self._inode += 1
        name = path.strip("/").encode() + b"\0"
        fields = [self._inode, mode, 0, 0, 1, 0, len(data), 0, 0, *device,
                  len(name), 0]
        self._blob += b"070701" + b"".join(b"%08x" % f for f in fields) + name
        self._pad(4)
        self._blob += data
        self._pad(4)

    def _pad(self, unit):
        self._blob += bytes(-len(self._blob) % unit)
