# SPDX-License-Identifier: Apache-2.0
"""test_readiness.py - sockets that are handed down, and who is told of readiness"""

import json
import os
import socket
import subprocess
import sys

import pytest

import payload
from control import ask, raw

pytestmark = pytest.mark.needs("direct")

READY = b"READY=1\n"
BAD_OPTION = {"api": 2, "firecracker": 153}
# What systemd does between fork and exec.
AS_SYSTEMD = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ["LISTEN_PID"] = str(os.getpid())
os.execv(sys.argv[2], sys.argv[2:])
"""
verbs = pytest.mark.parametrize("verb", ["api", "firecracker"])


@pytest.fixture
def listening(tmp_path):
    made = socket.socket(socket.AF_UNIX)
    made.bind(str(tmp_path / "given.sock"))
    made.listen()
    with made:
        yield made


@pytest.fixture
def start(muster):
    """Starts `muster ARGS` and ends what still runs at the end."""
    started = []

    def start(args, fds=(), before=(), **environment):
        argv = [*before, muster, *args]
        started.append(subprocess.Popen(
            list(map(str, argv)), stdin=subprocess.DEVNULL, pass_fds=fds,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, **environment}))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def path_of(listening):
    return listening.getsockname()


def read_to_the_end(fd):
    with open(fd, "rb") as file:
        return file.read()


@verbs
def test_a_socket_that_is_handed_down_is_served(start, listening, verb):
    early = raw(path_of(listening))
    early.sendall(b"GET / HTTP/1.1\r\n\r\n")
    fd = listening.fileno()
    process = start([verb, "--api-fd", fd], [fd])
    assert early.recv(4096).startswith(b"HTTP/1.1 200")
    early.close()
    assert ask(path_of(listening), "GET", "/").status == 200
    process.terminate()
    process.wait(10)
    assert os.path.exists(path_of(listening)), "it is not muster's"


@verbs
def test_a_socket_of_systemd_is_served(start, listening, verb):
    fd = listening.fileno()
    process = start([verb], [fd], [sys.executable, "-c", AS_SYSTEMD, fd],
                    LISTEN_FDS="1")
    assert ask(path_of(listening), "GET", "/").status == 200
    assert process.poll() is None


def test_a_socket_that_is_another_process_s_is_not(start, listening):
    fd = listening.fileno()
    process = start(["api"], [fd], LISTEN_FDS="1", LISTEN_PID="1")
    assert "--socket: missing" in process.communicate(timeout=10)[1]


@verbs
def test_a_descriptor_tells_when_clients_are_answered(start, tmp_path, verb):
    path = tmp_path / "vm.sock"
    option = "--socket" if verb == "api" else "--api-sock"
    end, fd = os.pipe()
    start([verb, option, path, "--ready-fd", fd], [fd])
    os.close(fd)
    assert read_to_the_end(end) == READY
    assert ask(path, "GET", "/").body["state"] == "Not started"


def test_a_descriptor_tells_when_the_vm_of_a_file_runs(start, tmp_path):
    path = tmp_path / "vm.sock"
    config = tmp_path / "vm.json"
    source = {"kernel_image_path": str(payload.guest("idle"))}
    config.write_text(json.dumps({"boot-source": source}))
    end, fd = os.pipe()
    start(["api", "--socket", path, "--config-file", config,
           "--ready-fd", fd], [fd])
    os.close(fd)
    assert read_to_the_end(end) == READY
    assert ask(path, "GET", "/").body["state"] == "Running"


def test_a_start_that_fails_says_nothing(start, tmp_path):
    end, fd = os.pipe()
    process = start(["api", "--socket", tmp_path / "s", "--config-file",
                     tmp_path / "absent", "--ready-fd", fd], [fd])
    os.close(fd)
    assert read_to_the_end(end) == b""
    assert process.wait(10) == 2


@verbs
@pytest.mark.parametrize("abstract", [False, True])
def test_systemd_is_told(start, listening, tmp_path, verb, abstract):
    name = f"@muster-{os.getpid()}" if abstract else str(tmp_path / "notify")
    fd = listening.fileno()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind("\0" + name[1:] if abstract else name)
        manager.settimeout(10)
        start([verb, "--api-fd", fd], [fd], NOTIFY_SOCKET=name)
        assert manager.recv(100) == READY


def test_a_manager_that_is_gone_stops_nothing(start, listening, tmp_path):
    fd = listening.fileno()
    start(["api", "--api-fd", fd], [fd], NOTIFY_SOCKET=str(tmp_path / "gone"))
    assert ask(path_of(listening), "GET", "/").status == 200


@verbs
@pytest.mark.parametrize("args, says", [
    (["--api-fd", "2"], "--api-fd 2: "),
    (["--api-fd", "900", "--SOCKET", "s"],
     "--api-fd 900: there is --SOCKET s too; give one of them"),
    (["--SOCKET", "s", "--ready-fd", "900"],
     "--ready-fd 900: not an open descriptor"),
])
def test_what_cannot_be_handed_down_is_refused(start, verb, args, says):
    option = "--socket" if verb == "api" else "--api-sock"
    process = start([verb, *(arg.replace("--SOCKET", option) for arg in args)])
    assert says.replace("--SOCKET", option) in process.communicate(timeout=10)[1]
    assert process.returncode == BAD_OPTION[verb]


def test_what_does_not_listen_is_refused(start, tmp_path):
    with open(tmp_path / "file", "w", encoding="utf-8") as file:
        fd = file.fileno()
        process = start(["api", "--api-fd", fd], [fd])
        assert (f"--api-fd {fd}: not a Unix stream socket that listens"
                in process.communicate(timeout=10)[1])
        assert process.returncode == 2


@pytest.mark.parametrize("count", ["2", "0", "-1", "x", ""])
def test_any_other_number_of_sockets_is_refused(start, listening, count):
    fd = listening.fileno()
    process = start(["api"], [fd], [sys.executable, "-c", AS_SYSTEMD, fd],
                    LISTEN_FDS=count)
    assert f"LISTEN_FDS={count}" in process.communicate(timeout=10)[1]
