# SPDX-License-Identifier: Apache-2.0
"""control.py - the control socket of a VM, as a client in Python sees it"""

import http.client
import json
import socket
import time
from dataclasses import dataclass

TIMEOUT_SECONDS = 10
STREAM = "application/x-ndjson"


@dataclass
class Reply:
    status: int
    headers: dict
    body: object  # what the JSON says; None without a body

    @property
    def fault(self):
        return self.body["fault_message"]


def told(reply, text):
    """What a body says: of JSON the value, else the text."""
    if not text:
        return None
    is_json = "json" in reply.headers["Content-Type"]
    return json.loads(text) if is_json else text.decode()


class Connection(http.client.HTTPConnection):
    """http.client over a Unix socket; as there, one connection serves for all."""

    def __init__(self, path):
        super().__init__("localhost", timeout=TIMEOUT_SECONDS)
        self.path = str(path)

    def connect(self):
        self.sock = raw(self.path)

    def ask(self, method, path, body=None):
        """`body` is bytes, or what is sent as JSON."""
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        self.request(method, path, body)
        reply = self.getresponse()
        if reply.headers["Content-Type"] == STREAM:  # its first line tells its shape
            text = reply.readline()
            reply.close()
            self.close()
        else:
            text = reply.read()
        return Reply(reply.status, dict(reply.getheaders()), told(reply, text))


def raw(path):
    """A connected socket, to say what http.client never would."""
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    made.settimeout(TIMEOUT_SECONDS)
    made.connect(str(path))
    return made


def ask(path, method, target, body=None):
    connection = Connection(path)
    try:
        return connection.ask(method, target, body)
    finally:
        connection.close()


def wait_for(path, job):
    """Until the socket is there and answers, or the job has ended."""
    while job.running():
        try:
            return ask(path, "GET", "/")
        except OSError:
            time.sleep(0.02)
    raise AssertionError(job.described())
