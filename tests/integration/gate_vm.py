# SPDX-License-Identifier: Apache-2.0
"""gate_vm.py - a VM's socket that answers a coordinator up to one request, and waits

So a test knows how far the coordinator has come, and what it waits for.  The name of
the socket is the last of all: the others have been asked the same before.
"""

import contextlib
import json
import socket
import threading
import time

STEPS = ("PUT /microcode/prepare", "GET /cpu", "PUT /microcode/hold",
         "PUT /microcode/release")


class GateVm:
    def __init__(self, path, step, cpu):
        self.step, self.cpu = step, cpu
        self.reached, self.opened = threading.Event(), threading.Event()
        self.held_ns = 0
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def wait_until_reached(self):
        assert self.reached.wait(20), f"nobody asked for {self.step}"

    def open(self):
        self.opened.set()

    def close(self):
        self.open()
        self.listener.close()

    def _serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer_all, args=[client],
                             daemon=True).start()

    def _answer_all(self, client):
        with client, client.makefile("rb") as stream, contextlib.suppress(OSError):
            while (line := stream.readline()):
                length = 0
                while (header := stream.readline().strip()):
                    if header.lower().startswith(b"content-length:"):
                        length = int(header.split(b":")[1])
                stream.read(length)
                body = json.dumps(self._answer(line.decode())).encode()
                client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"
                               % len(body) + body)

    def _answer(self, line):
        if line.startswith(self.step):
            self.reached.set()
            self.opened.wait(30)
        now = time.monotonic_ns()
        if line.startswith("GET /cpu"):
            return self.cpu
        if line.startswith("PUT /microcode/hold"):
            self.held_ns = self.held_ns or now
        return {"state": "Running", "revision": "0x1", "now_ns": now,
                "held_ns": self.held_ns,
                "released_ns": now if "release" in line else 0}
