#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""page_handler.py SOCKET MEMORY-FILE - serve one VM's pages from its memory file

Listens on SOCKET, takes the userfaultfd and the regions in Firecracker's handshake, and
answers every fault with a copy of the page. Ends when the VM closes the connection, and
then prints how many pages it served.
"""
import array
import ctypes
import fcntl
import json
import mmap
import os
import select
import socket
import struct
import sys

PAGE = 4096
# linux/userfaultfd.h: _IOWR(0xAA, 3, struct uffdio_copy), 40 bytes; two of the events
UFFDIO_COPY = 0xC028AA03
UFFDIO_ZEROPAGE = 0xC020AA04
EVENT_PAGEFAULT = 0x12
EVENT_REMOVE = 0x15
MESSAGE = struct.Struct("<BBHIQQQ")  # struct uffd_msg: event, …, flags or start, address


class Memory:
    """A memory file, mapped: where its pages can be copied from."""

    def __init__(self, path):
        with open(path, "rb") as f:
            self.map = mmap.mmap(f.fileno(), 0, flags=mmap.MAP_PRIVATE,
                                 prot=mmap.PROT_READ | mmap.PROT_WRITE)
        self.address = ctypes.addressof(ctypes.c_char.from_buffer(self.map))


def accept(path):
    """The VM's connection, its regions and its userfaultfd."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(path)
        listener.listen(1)
        print("listening", flush=True)
        client, _ = listener.accept()
    fds = array.array("i")
    text, control, _, _ = client.recvmsg(65536, socket.CMSG_SPACE(fds.itemsize))
    for _, kind, data in control:
        if kind == socket.SCM_RIGHTS:
            fds.frombytes(data[:fds.itemsize])
    return client, json.loads(text), fds[0]


def place(regions, address):
    """Where in the memory file the page at this address is."""
    for r in regions:
        if r["base_host_virt_addr"] <= address < r["base_host_virt_addr"] + r["size"]:
            return r["offset"] + address - r["base_host_virt_addr"]
    raise ValueError(f"a fault at {address:#x}, which is in no region")


def give(uffd, target, source):
    """Copy a page; one that came meanwhile (EEXIST) is as good."""
    try:
        fcntl.ioctl(uffd, UFFDIO_COPY, struct.pack("<QQQQq", target, source, PAGE, 0, 0))
    except FileExistsError:
        pass


def give_zeros(uffd, target):
    """What the VM gave back reads as zeros from then on."""
    try:
        fcntl.ioctl(uffd, UFFDIO_ZEROPAGE, struct.pack("<QQQq", target, PAGE, 0, 0))
    except FileExistsError:
        pass


def serve_events(uffd, regions, memory, removed):
    """All faults that wait; how many."""
    served = 0
    for message in iter(lambda: read_message(uffd), None):
        event, _, _, _, first, second, _ = message
        if event == EVENT_REMOVE:
            removed.append((first, second))
        elif event == EVENT_PAGEFAULT:
            page = second & ~(PAGE - 1)
            if any(start <= page < end for start, end in removed):
                give_zeros(uffd, page)
            else:
                give(uffd, page, memory.address + place(regions, page))
            served += 1
    return served


def read_message(uffd):
    try:
        return MESSAGE.unpack(os.read(uffd, MESSAGE.size))
    except BlockingIOError:
        return None


def main(path, memory_path):
    memory = Memory(memory_path)
    client, regions, uffd = accept(path)
    poll = select.poll()
    poll.register(client, select.POLLIN)
    poll.register(uffd, select.POLLIN)
    removed = []
    served = 0
    while True:
        ready = {fd for fd, _ in poll.poll()}
        if uffd in ready:
            served += serve_events(uffd, regions, memory, removed)
        elif client.fileno() in ready:
            break
    print(f"served {served} pages", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
