# SPDX-License-Identifier: Apache-2.0
"""test_firecracker.py - Firecracker's options and exit statuses"""

import json
import os
import re

import pytest

import payload
from control import ask, wait_for
from instance import START

pytestmark = pytest.mark.needs("direct")

GENERIC, BAD_CONFIG, BAD_ARGUMENTS = 1, 152, 153


def source(guest, args=""):
    return {"kernel_image_path": str(payload.guest(guest)), "boot_args": args}


@pytest.fixture
def file(tmp_path):
    def write(content):
        path = tmp_path / "vm.json"
        path.write_text(json.dumps(content))
        return path

    return write


@pytest.mark.parametrize("words", [[], ["firecracker"]])
def test_the_options_are_firecrackers(direct, tmp_path, words):
    socket = tmp_path / "s"
    job = direct.start_muster([
        *words, "--api-sock", socket, "--id", "vm-1", "--no-seccomp",
        "--start-time-us", "1", "--start-time-cpu-us=2", "--level", "Info",
        "--http-api-max-payload-size", "200"])
    assert wait_for(socket, job).body["id"] == "vm-1"
    reply = ask(socket, "PUT", "/entropy", b"{" + b" " * 200 + b"}")
    assert (reply.status, "at most 200" in reply.fault) == (400, True)
    job.signal("TERM")
    assert job.wait(10).status == 128 + 15
    assert not socket.exists()


def test_a_link_of_its_name_needs_no_word(direct, muster, tmp_path):
    link = tmp_path / "firecracker"
    link.symlink_to(muster)
    assert "--api-sock" in direct.shell(f"{link} --help").console
    told = direct.shell(f"{link} --version")
    assert re.match(r"Firecracker v\d+\.\d+\.\d+ \(muster ", told.console)
    assert direct.shell(f"{link} run").status == BAD_ARGUMENTS


def test_the_format_of_snapshots_is_told(direct, tmp_path):
    socket, state = tmp_path / "s", tmp_path / "state"
    job = direct.start_muster(["--api-sock", socket])
    wait_for(socket, job)
    ask(socket, "PUT", "/boot-source", source("spin"))
    ask(socket, "PUT", "/actions", START)
    written = ask(socket, "PUT", "/snapshot/create", {
        "snapshot_path": str(state), "mem_file_path": str(tmp_path / "m")})
    job.signal("TERM")
    job.wait(10)
    assert written.status == 204
    for args in ["--snapshot-version"], ["--describe-snapshot", state]:
        told = direct.run(["firecracker", *args])
        assert (told.status, told.stdout) == (0, "v1.0.0\n"), told.stderr
    state.write_bytes(state.read_bytes()[:100])
    for path in state, tmp_path / "absent":
        told = direct.run(["firecracker", "--describe-snapshot", path])
        assert told.status == GENERIC
        assert str(path) in told.stderr


@pytest.mark.parametrize("guest", ["reboot", "poweroff", "tripfault", "panic"])
def test_a_guest_that_ends_is_no_failure(direct, tmp_path, guest):
    socket = tmp_path / "s"
    job = direct.start_muster(["--api-sock", socket])
    wait_for(socket, job)
    assert ask(socket, "PUT", "/boot-source", source(guest)).status == 204
    assert ask(socket, "PUT", "/actions", START).status == 204
    assert job.wait(10).status == 0


def test_a_vm_without_an_api(direct, file, tmp_path):
    path = file({"boot-source": source("reboot")})
    result = direct.run(["--no-api", "--config-file", path])
    assert result.status == 0, result.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["vm.json"]


def test_a_hangup_has_its_status(direct, tmp_path):
    job = direct.start_muster(["--api-sock", tmp_path / "s"])
    wait_for(tmp_path / "s", job)
    job.signal("HUP")
    assert job.wait(10).status == 156


FATAL = {"SYS": 148, "BUS": 149, "SEGV": 150, "XFSZ": 151, "XCPU": 154,
         "ILL": 157}


@pytest.mark.parametrize("name", FATAL)
def test_a_signal_of_the_kernel_has_its_status(direct, tmp_path, name):
    job = direct.start_muster(["--api-sock", tmp_path / "s"])
    wait_for(tmp_path / "s", job)
    job.signal(name)
    result = job.wait(10)
    assert result.status == FATAL[name]
    assert result.stderr.splitlines()[-1].startswith(f"muster: SIG{name}: ")


def test_memory_that_its_file_has_lost_has_its_status(direct, tmp_path):
    files = {"snapshot_path": str(tmp_path / "state"),
             "mem_file_path": str(tmp_path / "memory")}
    first = direct.start_muster(["--api-sock", tmp_path / "s1"])
    wait_for(tmp_path / "s1", first)
    for path, body in (("/boot-source", source("ledger")), ("/actions", START),
                       ("/snapshot/create", files)):
        reply = ask(tmp_path / "s1", "PUT", path, body)
        assert reply.status == 204, reply
    first.signal("TERM")
    first.wait(10)
    job = direct.start_muster(["--api-sock", tmp_path / "s2"])
    wait_for(tmp_path / "s2", job)
    assert ask(tmp_path / "s2", "PUT", "/snapshot/load", files).status == 204
    os.truncate(tmp_path / "memory", 0)
    ask(tmp_path / "s2", "PATCH", "/vm", {"state": "Resumed"})
    result = job.wait(10)
    assert result.status == FATAL["BUS"]
    assert "was cut short" in result.stderr


def test_a_file_at_its_limit_is_an_error_of_the_write(direct, muster, tmp_path):
    socket, full = tmp_path / "s", tmp_path / "memory"
    job = direct.launch(f"ulimit -f 32 && exec {muster} --api-sock {socket}\n")
    wait_for(socket, job)
    assert ask(socket, "PUT", "/boot-source", source("idle")).status == 204
    assert ask(socket, "PUT", "/actions", START).status == 204
    reply = ask(socket, "PUT", "/snapshot/create", {
        "snapshot_path": str(tmp_path / "state"), "mem_file_path": str(full)})
    assert (reply.status, "File too large" in reply.fault) == (400, True)
    assert ask(socket, "GET", "/").body["state"] == "Running"
    job.signal("TERM")
    job.wait(10)


@pytest.mark.parametrize("args", [
    ["--seccomp-filter", "f"], ["--seccomp-filter=f"], ["--metadata", "m.json"],
    ["--enable-pci"],
])
def test_what_this_version_lacks_is_refused_by_name(direct, args):
    result = direct.run(args)
    assert result.status == BAD_ARGUMENTS
    assert result.stderr.startswith(f"muster: {args[0].split('=')[0]}: this version")


# All that its main branch has; see its `firecracker --help`.
OPTIONS = """
    api-sock boot-timer config-file describe-snapshot enable-pci help
    http-api-max-payload-size id level log-path metadata metrics-path
    mmds-size-limit module no-api no-seccomp parent-cpu-time-us seccomp-filter
    show-level show-log-origin snapshot-version start-time-cpu-us start-time-us
    version
"""


@pytest.mark.parametrize("option", OPTIONS.split())
def test_each_of_its_options_is_taken_or_refused_with_the_reason(
        direct, muster, tmp_path, option):
    link = tmp_path / "firecracker"
    link.symlink_to(muster)
    result = direct.shell(f"{link} --{option} --oops")
    assert f"--{option}: unknown option" not in result.stderr


@pytest.mark.parametrize("args", [
    ["--api-sock"], ["--api-sock", ""], ["--id", ""], ["--id", "a_b"],
    ["--id", "x" * 65], ["--no-api"], ["--level", "Loud"],
    ["--api-sock", "s", "--oops"], ["--http-api-max-payload-size", "x"],
])
def test_a_bad_option_has_its_status(direct, args):
    assert direct.run(args).status == BAD_ARGUMENTS


@pytest.mark.parametrize("content", [[], {}, {"boot-source": {}}])
def test_a_bad_file_has_its_status(direct, file, content):
    result = direct.run(["--no-api", "--config-file", file(content)])
    assert result.status == BAD_CONFIG


def test_a_socket_in_use_is_a_failure(direct, tmp_path):
    socket = tmp_path / "s"
    job = direct.start_muster(["--api-sock", socket])
    wait_for(socket, job)
    result = direct.run(["--api-sock", socket])
    assert result.status == GENERIC
    assert f"--api-sock {socket}: " in result.stderr
    job.signal("TERM")
    job.wait(10)
