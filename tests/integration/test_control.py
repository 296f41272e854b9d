# SPDX-License-Identifier: Apache-2.0
"""test_control.py - a VM and its control socket, on this machine's own KVM"""

import concurrent.futures
import json
import os
import socket
import stat
import subprocess
import time
from pathlib import Path

import pytest

import payload
from control import Connection, ask, raw, wait_for

pytestmark = pytest.mark.needs("direct")

STOPPED, BAD_CONFIG = 14, 2
GET = b"GET /vm HTTP/1.1\r\n\r\n"
LIMIT = 51200


class Machine:
    """A guest that spins, and its socket."""

    def __init__(self, host, folder):
        self.path = folder / "vm.sock"
        self.job = host.start_muster(payload.args(
            "spin", "--control", self.path, cpus=2))
        wait_for(self.path, self.job)

    def ask(self, *request):
        return ask(self.path, *request)

    def state(self):
        return self.ask("GET", "/vm").body["state"]

    def resident_kib(self):
        pid = self.job.process.pid
        text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
        return int(text.split("Private_Dirty:")[1].split()[0])

    def cpu_ticks(self):
        """Of the vCPU threads: a machine that is paused uses none."""
        tasks = Path(f"/proc/{self.job.process.pid}/task")
        fields = [(task / "stat").read_text().rsplit(")", 1)[1].split()
                  for task in tasks.iterdir()
                  if (task / "comm").read_text().startswith("vcpu")]
        return sum(int(f[11]) + int(f[12]) for f in fields)


@pytest.fixture
def machine(direct, tmp_path):
    made = Machine(direct, tmp_path)
    yield made
    if made.job.running():
        made.job.signal("TERM")
    assert made.job.wait(10).status == STOPPED
    assert not made.path.exists()


# ---- routes ----

def test_the_instance_says_what_it_is(machine, muster):
    reply = machine.ask("GET", "/")
    version = subprocess.run([muster, "version"], capture_output=True,
                             text=True, check=True).stdout.split()[1]
    assert reply.status == 200
    assert reply.headers["Content-Type"] == "application/json"
    assert reply.body == {"id": "anonymous-instance", "state": "Running",
                          "vmm_version": version, "app_name": "muster"}


def test_a_pause_holds_the_cpus_until_resume(machine):
    assert machine.ask("PATCH", "/vm", {"state": "Paused"}).status == 204
    told = machine.ask("GET", "/vm").body
    assert (told["state"], told["held_by"]) == ("Paused", ["user"])
    assert machine.ask("GET", "/").body["state"] == "Paused"
    held = machine.cpu_ticks()
    time.sleep(0.3)
    assert machine.cpu_ticks() == held
    assert machine.ask("PATCH", "/vm", {"state": "Resumed"}).status == 204
    told = machine.ask("GET", "/vm").body
    assert (told["state"], told["held_by"]) == ("Running", [])
    for span in "parked_ns", "idle_ns", "held_ns":
        assert told["pause"][span]["count"] == 1
        assert 0 < told["pause"][span]["mean"] <= told["pause"][span]["max"]
    assert told["pause"]["held_ns"]["max"] >= 300_000_000
    time.sleep(0.3)
    assert machine.cpu_ticks() > held


def test_repeating_a_change_is_harmless(machine):
    for state in "Paused", "Paused", "Resumed", "Resumed":
        assert machine.ask("PATCH", "/vm", {"state": state}).status == 204
    assert machine.state() == "Running"


def snapshot_body(folder, **more):
    return {"snapshot_path": f"{folder}/state", "mem_file_path": f"{folder}/memory",
            **more}


@pytest.mark.parametrize("state", ["Running", "Paused"])
def test_a_snapshot_leaves_the_machine_as_it_was(machine, tmp_path, state):
    if state == "Paused":
        machine.ask("PATCH", "/vm", {"state": "Paused"})
    for kind in "Full", "Diff":
        (tmp_path / kind).mkdir()
        body = snapshot_body(tmp_path / kind, snapshot_type=kind)
        assert machine.ask("PUT", "/snapshot/create", body).status == 204
        assert machine.state() == state
        made = {path.name for path in (tmp_path / kind).iterdir()}
        assert made == {"state", "memory"}


def test_a_snapshot_is_not_written_over_its_own_temporary_file(machine, tmp_path):
    reply = machine.ask("PUT", "/snapshot/create", {
        "snapshot_path": f"{tmp_path}/vm.new", "mem_file_path": f"{tmp_path}/vm"})
    assert reply.status == 400
    assert f"{tmp_path}/vm.new: names that end in .new" in reply.fault
    assert not (tmp_path / "vm").exists() and not (tmp_path / "vm.new").exists()


def test_a_snapshot_that_fails_says_why_and_changes_nothing(machine, tmp_path):
    reply = machine.ask("PUT", "/snapshot/create",
                        snapshot_body(tmp_path / "absent"))
    assert reply.status == 400
    assert "absent" in reply.fault and "No such file" in reply.fault
    assert machine.state() == "Running"


@pytest.mark.parametrize("method, target, body, says", [
    ("GET", "/absent", None, "no such resource"),
    ("GET", "/vm/x", None, "no such resource"),
    ("PUT", "/vm", {}, "this resource takes GET, PATCH"),
    ("DELETE", "/", None, "this resource takes GET"),
    ("POST", "/vm", {}, "POST: not a method"),
    ("GET", "/", {}, "takes no body"),
    ("GET", "/vm", {}, "takes no body"),
    ("PATCH", "/vm", None, "the body is missing"),
    ("PATCH", "/vm", b"{", "not JSON"),
    ("PATCH", "/vm", [], "not an object"),
    ("PATCH", "/vm", {}, "state: missing"),
    ("PATCH", "/vm", {"state": None}, "state: missing"),
    ("PATCH", "/vm", {"state": 1}, "state: has another type"),
    ("PATCH", "/vm", {"state": "paused"}, "state paused: unknown"),
    ("PATCH", "/vm", {"state": "Paused", "x": 1}, "x: unknown"),
    ("PATCH", "/vm", b'{"state": "Paused", "state": "Paused"}',
     "state: given twice"),
    ("GET", "/snapshot/create", None, "this resource takes PUT"),
    ("PUT", "/snapshot/create", {}, "snapshot_path: missing"),
    ("PUT", "/snapshot/create", {"snapshot_path": "/nix/s"},
     "mem_file_path: missing"),
    ("PUT", "/snapshot/create", {"snapshot_path": "", "mem_file_path": "m"},
     "snapshot_path \"\": empty"),
    ("PUT", "/snapshot/create",
     {"snapshot_path": "/nix/s", "mem_file_path": "/nix/m",
      "snapshot_type": "Half"}, "snapshot_type Half: unknown"),
    ("PUT", "/snapshot/create",
     {"snapshot_path": "/nix/s", "mem_file_path": "/nix/m", "version": "1"},
     "version: unknown"),
])
def test_a_fault_is_named_and_changes_nothing(machine, method, target, body,
                                              says):
    reply = machine.ask(method, target, body)
    assert reply.status == 400
    assert says in reply.fault
    assert machine.state() == "Running"


# ---- connections ----

def replies(sock, count):
    """The bytes of so many replies to GET."""
    data = b""
    while data.count(b'"held_by"') < count:
        part = sock.recv(65536)
        assert part, data
        data += part
    return data


def test_a_request_may_come_byte_by_byte(machine):
    with raw(machine.path) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
        for byte in GET:
            sock.send(bytes([byte]))
        replies(sock, 1)


def test_pipelined_requests_are_answered_in_order(machine):
    change = b'PATCH /vm HTTP/1.1\r\nContent-Length: 21\r\n\r\n{"state": "%s"%s}'
    with raw(machine.path) as sock:
        sock.sendall(change % (b"Paused", b"  ") + GET +
                     change % (b"Resumed", b" ") + GET)
        data = replies(sock, 2)
    states = [word for word in data.split(b'"') if word in (b"Paused", b"Running")]
    assert states == [b"Paused", b"Running"]
    assert data.count(b" 204 ") == 2


def test_a_body_has_a_limit(machine):
    body = b'{"state": "Resumed"' + b" " * (LIMIT - 20) + b"}"
    assert machine.ask("PATCH", "/vm", body).status == 204
    reply = machine.ask("PATCH", "/vm", body + b" ")
    assert (reply.status, reply.headers["Connection"]) == (400, "close")
    assert f"{LIMIT + 1} bytes; at most {LIMIT}" in reply.fault


def test_a_chunked_body_is_refused(machine):
    with raw(machine.path) as sock:
        sock.sendall(b"PATCH /vm HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
                     b"5\r\nhello\r\n0\r\n\r\n")
        data = sock.recv(65536)
        assert data.startswith(b"HTTP/1.1 400 ")
        assert b"Transfer-Encoding is not supported" in data
        assert sock.recv(1) == b""


def test_clients_that_leave_early_harm_nobody(machine):
    for cut in range(1, len(GET), 3):
        with raw(machine.path) as sock:
            sock.sendall(GET[:cut])
    for _ in range(50):
        with raw(machine.path) as sock:
            sock.sendall(GET * 50)
    until = time.monotonic() + 10
    while machine.ask("GET", "/").status == 503:  # those are still being seen off
        assert time.monotonic() < until
    assert machine.state() == "Running"


def test_ten_clients_are_served_and_the_eleventh_is_told(machine):
    clients = [Connection(machine.path) for _ in range(10)]
    for client in clients:
        assert client.ask("GET", "/").status == 200
    one_more = machine.ask("GET", "/")
    assert one_more.status == 503
    assert "too many connections" in one_more.fault
    clients[3].close()
    time.sleep(0.1)
    assert machine.ask("GET", "/").status == 200
    for client in clients:
        client.close()


def test_many_clients_at_once_are_all_served(machine):
    def work(number):
        client = Connection(machine.path)
        wanted = "Paused" if number % 2 else "Resumed"
        try:
            return [client.ask("PATCH", "/vm", {"state": wanted}).status
                    for _ in range(20)]
        finally:
            client.close()

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for statuses in pool.map(work, range(8)):
            assert statuses == [204] * 20
    assert machine.ask("PATCH", "/vm", {"state": "Resumed"}).status == 204


def test_memory_stays_flat_over_ten_thousand_requests(machine):
    def requests(count):
        client = Connection(machine.path)
        for i in range(count):
            if i % 100 == 0:
                client.close()
            if i % 10 == 0:
                client.ask("PATCH", "/vm", {"state": "Nonsense"})
            else:
                client.ask("GET", "/vm")
        client.close()

    requests(500)
    before = machine.resident_kib()
    requests(10000)
    # A page or two for the guest, which spins on.
    assert machine.resident_kib() - before <= 16


# ---- the socket ----

def test_the_socket_is_for_its_user_only(machine):
    mode = machine.path.stat().st_mode
    assert stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o600


def test_a_socket_in_use_is_not_taken_over(machine, direct):
    result = direct.run(payload.args("spin", "--control", machine.path))
    assert result.status == BAD_CONFIG
    assert "another process listens there" in result.stderr
    assert machine.state() == "Running"


def test_a_socket_that_a_killed_muster_left_is_replaced(direct, tmp_path):
    first = Machine(direct, tmp_path)
    first.job.process.kill()
    first.job.wait()
    assert first.path.exists()
    second = Machine(direct, tmp_path)
    assert second.state() == "Running"
    second.job.signal("TERM")
    second.job.wait(10)
    assert not second.path.exists()


def test_another_file_is_not_replaced(direct, tmp_path):
    path = tmp_path / "file"
    path.write_text("precious")
    result = direct.run(payload.args("spin", "--control", path))
    assert result.status == BAD_CONFIG
    assert "is not a socket" in result.stderr
    assert path.read_text() == "precious"


# ---- muster ctl ----

def ctl(muster, *words, **more):
    return subprocess.run([muster, "ctl", *words], text=True, timeout=20,
                          errors="replace",
                          capture_output=True, check=False, **more)


def test_ctl_pauses_and_resumes(machine, muster):
    for command, state in ("pause", "Paused"), ("resume", "Running"):
        done = ctl(muster, "--socket", machine.path, command)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        now = ctl(muster, "status", "--socket", machine.path)
        assert f'"state": "{state}"' in now.stdout


def test_ctl_says_that_nobody_answers(muster, tmp_path):
    done = ctl(muster, "--socket", tmp_path / "absent", "pause")
    assert done.returncode == 4
    assert "absent: cannot connect: No such file" in done.stderr
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(os.fspath(tmp_path / "dead"))
    dead.close()
    done = ctl(muster, "--socket", tmp_path / "dead", "status")
    assert done.returncode == 4
    assert "its VM has ended" in done.stderr


def told(muster, folder, reply, *words):
    """What ctl asks a server of our own, and what it makes of the reply."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.fspath(folder / "s"))
        server.listen()
        with subprocess.Popen([muster, "ctl", "--socket", "s", *words],
                              cwd=folder, stderr=subprocess.PIPE,
                              text=True) as client:
            with server.accept()[0] as peer:
                asked = peer.recv(65536).decode()
                peer.sendall(reply)
            says = client.stderr.read()
        return asked, client.returncode, says


def test_ctl_says_what_the_vm_says(muster, tmp_path):
    body = b'{"fault_message": "vCPU 1 did not stop"}'
    reply = b"HTTP/1.1 400 \r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    _, status, says = told(muster, tmp_path, reply, "pause")
    assert (status, says) == (1, "muster: vCPU 1 did not stop\n")


@pytest.mark.parametrize("reply, why", [
    (b"", "ended before it answered"),
    (b"HTTP/1.1 200 OK\r\nContent-Le", "ended before it answered"),
    (b"220 mail.example ESMTP\r\n", "not HTTP/1.1"),
])
def test_ctl_says_that_an_answer_is_none(muster, tmp_path, reply, why):
    _, status, says = told(muster, tmp_path, reply, "status")
    assert status == 4
    assert why in says


def test_ctl_names_files_from_where_it_runs(muster, tmp_path):
    asked, status, _ = told(muster, tmp_path, b"HTTP/1.1 204 \r\n\r\n",
                            "snapshot", "--state", "a/f", "--memory", "/m",
                            "--diff")
    assert status == 0
    head, body = asked.split("\r\n\r\n")
    assert head.startswith("PUT /snapshot/create HTTP/1.1\r\n")
    assert json.loads(body) == {"snapshot_type": "Diff", "mem_file_path": "/m",
                                "snapshot_path": f"{tmp_path}/a/f"}


@pytest.mark.parametrize("words, says", [
    ([], "ctl: says nothing to do"),
    (["--socket", "s"], "ctl: says nothing to do"),
    (["pause"], "--socket: missing"),
    (["--socket", "s", "paus"], "did you mean pause?"),
    (["--socket", "s", "pause", "--hard"], "--hard: unknown option"),
    (["--socket", "s" * 108, "pause"], "too long"),
    (["--socket", "s", "snapshot", "--state", "f"], "--memory: missing"),
    (["--socket", "s", "snapshot", "--memory", "m"], "--state: missing"),
    (["--socket", "s", "snapshot", "--state", b"\xff", "--memory", "m"],
     "not UTF-8"),
])
def test_ctl_refuses_bad_options(muster, words, says):
    done = ctl(muster, *words)
    assert done.returncode == 2
    assert says in done.stderr



def test_ctl_says_what_the_vm_refuses_without_the_request(machine, muster):
    done = ctl(muster, "--socket", machine.path, "snapshot", "--state", "f",
               "--memory", "m", "--diff")
    assert done.returncode == 1
    assert done.stderr.startswith("muster: --diff: this VM has no snapshot yet")
