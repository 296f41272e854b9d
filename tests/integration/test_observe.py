# SPDX-License-Identifier: Apache-2.0
"""test_observe.py - the log and the metrics of a process that serves clients"""

import os
import re

import pytest

from control import Connection, ask, wait_for
from instance import Instance

pytestmark = pytest.mark.needs("direct")

REQUEST = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9} \[vm-1:[^:]+(:INFO)?(:vmm/api/\w+\.c:\d+)?\] "
    r"GET /version: 200")


@pytest.fixture
def vm(direct, tmp_path):
    made = Instance(direct, tmp_path, "--id", "vm-1")
    yield made
    made.stop()


def lines(path):
    return path.read_text().splitlines()


def text_of(path, target):
    connection = Connection(path)
    connection.request("GET", target)
    reply = connection.getresponse()
    return reply.getheader("Content-Type"), reply.read().decode()


def test_the_log_goes_to_a_file_and_keeps_what_was_there(vm, tmp_path):
    log = tmp_path / "log"
    log.write_text("before\n")
    vm.put("/logger", {"log_path": str(log)})
    vm.ask("GET", "/version")
    assert lines(log)[0] == "before"
    assert REQUEST.fullmatch(lines(log)[-1]).groups() == (None, None)


def test_lines_say_level_and_origin_when_asked_to(vm, tmp_path):
    log = tmp_path / "log"
    vm.put("/logger", {"log_path": str(log), "show_level": True,
                       "show_log_origin": True})
    vm.ask("GET", "/version")
    assert None not in REQUEST.fullmatch(lines(log)[-1]).groups()


def test_the_level_changes_while_the_vm_runs(vm, tmp_path):
    log = tmp_path / "log"
    vm.put("/logger", {"log_path": str(log), "level": "error"})
    vm.boot("spin")
    vm.start()
    assert log.read_text() == ""
    vm.put("/logger", {"level": "INFO"})
    vm.ask("GET", "/version")
    assert REQUEST.fullmatch(lines(log)[-1])
    assert vm.ask("GET", "/vm/config").body["logger"] == {
        "log_path": str(log), "level": "Info", "show_level": False,
        "show_log_origin": False, "module": None}


def test_only_the_module_is_logged(vm, tmp_path):
    log = tmp_path / "log"
    vm.put("/logger", {"log_path": str(log), "module": "devices"})
    vm.ask("GET", "/version")
    assert log.read_text() == ""


def test_a_fifo_that_nobody_reads_stops_nobody(vm, tmp_path):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    vm.put("/logger", {"log_path": str(fifo)})
    for _ in range(1200):  # of more than 60 bytes: a pipe holds 64 KiB
        assert vm.ask("GET", "/version").status == 200
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    heard = os.read(reader, 1 << 20)
    os.close(reader)
    assert heard.endswith(b"\n") and heard.count(b"GET /version") > 100
    _, text = text_of(vm.path, "/metrics")
    assert int(re.search(r"^muster_logger_lines_lost_total (\d+)", text, re.M)[1]) > 0


@pytest.mark.parametrize("body, says", [
    ({"log_path": "/absent/log"}, "log_path /absent/log: cannot open"),
    ({"log_path": ""}, "log_path"),
    ({"level": "Loud"}, "level Loud: unknown"),
    ({"show_level": "yes"}, "show_level: has another type"),
    ({"show_log_origin": 1}, "show_log_origin: has another type"),
    ({"module": "x" * 129}, "module"),
    ({"colour": "red"}, "colour: unknown"),
    (b'{"level": "Info", "level": "Info"}', "level: given twice"),
])
def test_a_wrong_logger_changes_nothing(vm, tmp_path, body, says):
    log = tmp_path / "log"
    vm.put("/logger", {"log_path": str(log), "show_level": True})
    told = vm.ask("GET", "/vm/config").body
    reply = vm.ask("PUT", "/logger", body)
    assert (reply.status, says in reply.fault) == (400, True), reply.fault
    assert vm.ask("GET", "/vm/config").body == told
    vm.ask("GET", "/version")
    assert REQUEST.fullmatch(lines(log)[-1])


def test_firecrackers_options_log_from_the_first_moment(direct, tmp_path):
    socket, log = tmp_path / "s", tmp_path / "log"
    job = direct.start_muster([
        "--api-sock", socket, "--id", "vm-1", "--log-path", log, "--level=info",
        "--module", "vmm/", "--show-level", "--show-log-origin"])
    wait_for(socket, job)
    ask(socket, "GET", "/version")
    job.signal("TERM")
    assert job.wait(10).status == 128 + 15
    said = lines(log)
    assert any(REQUEST.fullmatch(line) for line in said)


def test_a_log_that_cannot_be_opened_ends_firecracker(direct, tmp_path):
    result = direct.run(["--api-sock", tmp_path / "s", "--log-path", "/absent/log"])
    assert (result.status, "--log-path /absent/log" in result.stderr) == (1, True)
    assert not (tmp_path / "s").exists()


def test_metrics_are_what_prometheus_reads(vm):
    vm.ask("GET", "/version")
    vm.ask("PUT", "/vsock", {})
    kind, text = text_of(vm.path, "/metrics")
    assert kind == "text/plain; version=0.0.4; charset=utf-8"
    sample = re.compile(r'muster_\w+(\{(\w+="[^"\\]*",?)+\})? \d+')
    typed = set()
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, what = line.split()
            assert what in ("counter", "gauge", "histogram") and name not in typed
            typed.add(name)
        elif not line.startswith("# HELP "):
            assert sample.fullmatch(line), line
            name = re.sub("_(bucket|sum|count)$", "", re.match(r"\w+", line)[0])
            assert name in typed
    assert 'requests_total{method="GET",path="/version"} 1\n' in text
    assert 'failures_total{method="PUT",path="/vsock"} 1\n' in text
    assert 'muster_api_request_ns_bucket{le="+Inf"} ' in text
