# SPDX-License-Identifier: Apache-2.0
"""test_api_traffic.py - many requests, and clients that send or read as they like

The requests are made from GET /openapi.json, so that every row takes part.
"""

import concurrent.futures
import json
import os
import random
import socket
import time
from pathlib import Path

import pytest

import openapi
import payload
from bodies import Maker, spoilt
from control import Connection, raw
from instance import drive

pytestmark = pytest.mark.needs("direct")

REQUESTS, WARM, NEW_CONNECTIONS = 100_000, 10_000, 5_000
BATCH = 50
GROWTH_KIB = 64
LAST = b"GET /version HTTP/1.1\r\n\r\n"  # its reply ends as no other's part does
NOT_HERE = ["/actions", "/snapshot/load"]  # which begin a VM


def message(method, target, body=None):
    if body is None:
        return f"{method} {target} HTTP/1.1\r\n\r\n".encode()
    text = json.dumps(body).encode()
    return b"%s %s HTTP/1.1\r\nContent-Length: %d\r\n\r\n%s" % (
        method.encode(), target.encode(), len(text), text)


def replies(sock, count):
    """So many, the last one of them to LAST."""
    data = bytearray()
    while data.count(b"HTTP/1.1 ") < count or not data.endswith(b'"}'):
        part = sock.recv(1 << 20)
        assert part, bytes(data[-1000:])
        data += part
    return bytes(data)


def every_row(instance, folder):
    """To each row one request that is fine and some that are not."""
    document = instance.ask("GET", "/openapi.json").body
    image = str(payload.make_disk(folder / "disk.img"))
    maker = Maker(random.Random(1), folder, {
        "kernel_image_path": [str(payload.guest("spin"))], "drive_id": ["d"],
        "path_on_host": [image], "cpu_template": ["None"], "start": [False]})
    for row in openapi.operations(document):
        if row.path in NOT_HERE or not row.is_answered_at_once():
            continue
        yield message(row.method, row.target(),
                      maker.object(row.body) if row.body else None)
        for _, _, body in list(spoilt(row.body or {}, maker))[::40]:
            if body.get("start") is not True:
                yield message(row.method, row.target(), body)
    yield message("GET", "/absent")
    yield b"PUT /entropy HTTP/1.1\r\nContent-Length: 1\r\n\r\n{"


def numbers(pid):
    """Private memory in KiB, and how many descriptors are open."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    return (int(text.split("Private_Dirty:")[1].split()[0]),
            len(os.listdir(f"/proc/{pid}/fd")))


def send_batches(path, requests, count):
    """`count` requests in turn, on one connection, BATCH at a time."""
    with raw(path) as sock:
        for start in range(0, count, BATCH):
            turn = [requests[(start + i) % len(requests)] for i in range(BATCH - 1)]
            sock.sendall(b"".join(turn) + LAST)
            replies(sock, BATCH)


def test_memory_is_flat_over_100000_requests(instance, tmp_path):
    requests = list(every_row(instance, tmp_path))
    pid = instance.job.process.pid
    send_batches(instance.path, requests, WARM)
    before, files = numbers(pid)
    send_batches(instance.path, requests, REQUESTS - WARM - NEW_CONNECTIONS)
    for number in range(NEW_CONNECTIONS):
        with raw(instance.path) as sock:
            sock.sendall(requests[number % len(requests)])
            assert sock.recv(1 << 16).startswith(b"HTTP/1.1 ")
    instance.ask("GET", "/")
    until = time.monotonic() + 10  # the last of those may not be closed yet
    while numbers(pid)[1] > files and time.monotonic() < until:
        time.sleep(0.05)
    after, files_now = numbers(pid)
    print(f"{before} KiB, then {after} KiB, of {len(requests)} requests in turn")
    assert after - before <= GROWTH_KIB
    assert files_now <= files


def test_a_request_may_be_split_anywhere(instance):
    request = message("PUT", "/machine-config", {"vcpu_count": 2, "mem_size_mib": 64})
    with raw(instance.path) as sock:
        for cut in range(1, len(request)):
            sock.sendall(request[:cut])
            sock.sendall(request[cut:] + LAST)
            assert replies(sock, 2).startswith(b"HTTP/1.1 204 ")


def test_requests_may_come_in_one_piece_with_half_of_the_next(instance):
    patch = message("PATCH", "/machine-config", {"mem_size_mib": 96})
    with raw(instance.path) as sock:
        sock.sendall(patch * 3 + LAST[:7])
        sock.sendall(LAST[7:])
        assert replies(sock, 4).count(b" 204 ") == 3


def test_a_client_that_leaves_in_a_request_has_changed_nothing(instance):
    before = instance.ask("GET", "/vm/config").body
    request = message("PUT", "/machine-config", {"vcpu_count": 2, "mem_size_mib": 64})
    for cut in range(1, len(request), 5):
        with raw(instance.path) as sock:
            sock.sendall(request[:cut])
    until = time.monotonic() + 10
    while instance.ask("GET", "/").status != 200:
        assert time.monotonic() < until
    assert instance.ask("GET", "/vm/config").body == before


def test_a_client_that_leaves_in_a_reply_harms_nobody(instance):
    for _ in range(100):
        with raw(instance.path) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
            sock.sendall(message("GET", "/openapi.json") * 20)
            assert sock.recv(10) == b"HTTP/1.1 2"
    until = time.monotonic() + 10
    while instance.ask("GET", "/").status != 200:
        assert time.monotonic() < until


def test_clients_that_change_things_at_once_are_each_answered(instance):
    def work(number):
        name = f"d{number}"
        client = Connection(instance.path)
        told = [client.ask("PUT", f"/drives/{name}", drive("/dev/null", name)).status
                for _ in range(50)]
        told += [client.ask("PUT", f"/drives/{name}", {"oops": 1}).status
                 for _ in range(50)]
        client.close()
        return told

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for told in pool.map(work, range(8)):
            assert told == [204] * 50 + [400] * 50
    drives = instance.ask("GET", "/vm/config").body["drives"]
    assert sorted(d["drive_id"] for d in drives) == [f"d{n}" for n in range(8)]


@pytest.mark.parametrize("size", [100, 51200, 1 << 20])
def test_the_limit_of_a_body_can_be_set(direct, tmp_path, size):
    path = tmp_path / "s"
    job = direct.start_muster(["firecracker", "--api-sock", path,
                               "--http-api-max-payload-size", size])
    until = time.monotonic() + 10
    while not path.exists():
        assert time.monotonic() < until
    body = b'{"vcpu_count": 1, "mem_size_mib": 64'
    body += b" " * (size - len(body) - 1) + b"}"
    client = Connection(path)
    assert client.ask("PUT", "/machine-config", body).status == 204
    reply = client.ask("PUT", "/machine-config", body + b" ")
    assert (reply.status, f"at most {size}" in reply.fault) == (400, True)
    assert client.ask("GET", "/").status == 200  # a connection of its own
    client.close()
    job.signal("TERM")
    assert job.wait(10).status == 128 + 15
