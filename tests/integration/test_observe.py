# SPDX-License-Identifier: Apache-2.0
"""test_observe.py - the log, the metrics and the serial port of a process that serves"""

import json
import os
import re
import time

import pytest

import payload
from control import Connection, ask, wait_for
from instance import START, Instance

pytestmark = pytest.mark.needs("direct")

REQUEST = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9} \[vm-1:[^:]+(:INFO)?(:vmm/api/\w+\.c:\d+)?\] "
    r"GET /version: 200")


@pytest.fixture
def vm(direct, tmp_path):
    made = Instance(direct, tmp_path, "--id", "vm-1")
    yield made
    if made.job.running():
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


FLUSH = {"action_type": "FlushMetrics"}


def metrics_in(path):
    return [json.loads(line) for line in lines(path)]


def test_metrics_are_lines_with_firecrackers_keys(vm, tmp_path):
    path = tmp_path / "metrics"
    vm.put("/metrics", {"metrics_path": str(path), "emit_id": True,
                        "properties": {"zone": "a"}})
    assert "has not started" in vm.ask("PUT", "/actions", FLUSH).fault
    vm.boot("spin")
    vm.start()
    vm.put("/actions", FLUSH)
    vm.ask("PATCH", "/vm", {"state": "Paused"})
    vm.put("/actions", FLUSH)
    told = metrics_in(path)
    assert len(told) == 3  # one at the start
    first, second, third = told
    assert abs(first["utc_timestamp_ms"] / 1000 - time.time()) < 10
    assert (first["id"], first["properties"]) == ("vm-1", {"zone": "a"})
    assert first["api_server"]["process_startup_time_us"] > 0
    assert first["put_api_requests"]["boot_source_count"] == 1
    assert first["put_api_requests"]["actions_fails"] == 1
    assert second["put_api_requests"]["boot_source_count"] == 0
    assert second["put_api_requests"]["actions_count"] == 1
    assert second["latencies_us"]["pause_vm"] == 0
    assert third["latencies_us"]["pause_vm"] > 0
    assert first["vcpu"].keys() == {"exit_io_in", "exit_io_out", "exit_mmio_read",
                                    "exit_mmio_write"}


def test_the_end_has_a_line_of_metrics(vm, tmp_path):
    path = tmp_path / "metrics"
    vm.put("/metrics", {"metrics_path": str(path)})
    vm.boot("spin")
    vm.start()
    vm.wait_until_it_says("spin: ok")
    vm.stop()
    told = metrics_in(path)
    assert len(told) == 2
    assert sum(line["vcpu"]["exit_io_out"] for line in told) > 0


def test_fifos_as_firecrackers_go_sdk_makes_them(vm, tmp_path):
    fifos = {}
    for name in "log", "metrics":
        os.mkfifo(tmp_path / name)
        fifos[name] = os.open(tmp_path / name, os.O_RDONLY | os.O_NONBLOCK)
    vm.put("/logger", {"level": "Debug", "log_path": str(tmp_path / "log"),
                       "show_level": True, "show_log_origin": False})
    vm.put("/metrics", {"metrics_path": str(tmp_path / "metrics")})
    vm.boot("spin")
    vm.start()
    said = {name: os.read(fd, 1 << 16).decode() for name, fd in fifos.items()}
    assert ":INFO] PUT /actions: 204\n" in said["log"]
    assert json.loads(said["metrics"])["put_api_requests"]["logger_count"] == 1
    for fd in fifos.values():
        os.close(fd)
    vm.put("/logger", {"level": "Info"})  # nobody reads any more
    assert vm.ask("GET", "/version").status == 200


@pytest.mark.parametrize("body, says", [
    ({}, "metrics_path: missing"),
    ({"metrics_path": "/absent/m"}, "metrics_path /absent/m: cannot open"),
    ({"metrics_path": "m", "emit_id": 1}, "emit_id: has another type"),
    ({"metrics_path": "m", "properties": "a"}, "properties: has another type"),
    ({"metrics_path": "m", "properties": {"a": 1}}, "properties: a: is no string"),
    ({"metrics_path": "m", "properties": {"a": "b" * 20000}}, "give at most 16384"),
    ({"metrics_path": "m", "more": 1}, "more: unknown"),
])
def test_wrong_metrics_are_refused(vm, body, says):
    reply = vm.ask("PUT", "/metrics", body)
    assert (reply.status, says in reply.fault) == (400, True), reply.fault
    assert vm.ask("GET", "/vm/config").body["metrics"] is None


def test_metrics_are_told_where_to_go_once_and_before_the_start(vm, tmp_path):
    body = {"metrics_path": str(tmp_path / "m"), "emit_id": False, "properties": None}
    vm.put("/metrics", body)
    assert "cannot change" in vm.ask("PUT", "/metrics", body).fault
    assert vm.ask("GET", "/vm/config").body["metrics"] == body
    vm.boot("spin")
    vm.start()
    assert "while the VM is running" in vm.ask("PUT", "/metrics", body).fault


def test_what_was_told_makes_the_same_from_a_file(direct, tmp_path):
    config, log, metrics = (tmp_path / name for name in ("c", "log", "metrics"))
    config.write_text(json.dumps({
        "logger": {"log_path": str(log), "level": "Debug"},
        "metrics": {"metrics_path": str(metrics), "emit_id": True},
        "boot-source": {"kernel_image_path": str(payload.guest("reboot")),
                        "boot_args": ""}}))
    result = direct.run(["--no-api", "--config-file", config, "--id", "vm-1"])
    assert result.status == 0, result.stderr
    assert {line["id"] for line in metrics_in(metrics)} == {"vm-1"}
    assert "the guest asked for a reboot" in log.read_text()


def test_firecrackers_option_for_metrics(direct, tmp_path):
    socket, metrics = tmp_path / "s", tmp_path / "metrics"
    now = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    job = direct.start_muster([
        "--api-sock", socket, "--metrics-path", metrics, "--start-time-us",
        str(now - 5_000_000), "--start-time-cpu-us", "0", "--parent-cpu-time-us=3000000"])
    wait_for(socket, job)
    reply = ask(socket, "PUT", "/metrics", {"metrics_path": "/dev/null"})
    assert "cannot change" in reply.fault
    ask(socket, "PUT", "/boot-source",
        {"kernel_image_path": str(payload.guest("spin")), "boot_args": ""})
    assert ask(socket, "PUT", "/actions", START).status == 204
    told = metrics_in(metrics)[0]["api_server"]
    assert 5_000_000 < told["process_startup_time_us"] < 60_000_000
    assert 3_000_000 < told["process_startup_time_cpu_us"] < 60_000_000
    job.signal("TERM")
    job.wait(10)
    for args in ["--metrics-path", "/absent/m"], ["--start-time-us", "soon"]:
        assert direct.run(["--api-sock", socket, *args]).status in (1, 153)


def test_the_serial_port_writes_to_a_file(vm, tmp_path):
    serial = {"serial_out_path": str(tmp_path / "out"), "rate_limiter": None}
    assert "serial" not in vm.ask("GET", "/vm/config").body
    vm.put("/serial", serial)
    vm.boot("spin")
    vm.start()
    assert vm.ask("GET", "/vm/config").body["serial"] == serial
    until = time.monotonic() + 20
    while "spin: ok" not in (tmp_path / "out").read_text():
        assert time.monotonic() < until
        time.sleep(0.05)
    assert (vm.job.folder / "stdout").read_text() == ""
    assert "while the VM is running" in vm.ask("PUT", "/serial", serial).fault


def test_output_past_its_rate_is_dropped_and_counted(vm, tmp_path):
    out, metrics = tmp_path / "out", tmp_path / "metrics"
    bucket = {"size": 1, "refill_time": 3600000, "one_time_burst": 2}
    vm.put("/serial", {"serial_out_path": str(out), "rate_limiter": bucket})
    vm.put("/metrics", {"metrics_path": str(metrics)})
    vm.boot("poweroff")
    vm.start()
    assert vm.job.wait(20).status == 0
    assert len(out.read_bytes()) == 3
    told = [line["uart"] for line in metrics_in(metrics)]
    assert sum(uart["rate_limiter_dropped_bytes"] for uart in told) > 0


@pytest.mark.parametrize("body, says", [
    ({"serial_out_path": ""}, "serial_out_path"),
    ({"rate_limiter": 1}, "rate_limiter: has another type"),
    ({"rate_limiter": {"size": 1}}, "rate_limiter: refill_time: missing"),
    ({"rate_limiter": {"bandwidth": {}}}, "rate_limiter: bandwidth: unknown"),
    ({"path": "x"}, "path: unknown"),
])
def test_a_wrong_serial_port_is_refused(vm, body, says):
    reply = vm.ask("PUT", "/serial", body)
    assert (reply.status, says in reply.fault) == (400, True), reply.fault
    assert "serial" not in vm.ask("GET", "/vm/config").body


def test_where_the_serial_port_cannot_write_is_said_at_the_start(vm):
    vm.put("/serial", {"serial_out_path": "/absent/out"})
    vm.boot("spin")
    reply = vm.ask("PUT", "/actions", START)
    assert "serial_out_path /absent/out: cannot open" in reply.fault
    vm.put("/serial", {"rate_limiter": None})
    vm.start()


@pytest.mark.parametrize("options, lines_told", [(["--boot-timer"], 1), ([], 0)])
def test_a_guest_says_that_it_has_booted(direct, tmp_path, options, lines_told):
    config, log = tmp_path / "c", tmp_path / "log"
    config.write_text(json.dumps({
        "boot-source": {"kernel_image_path": str(payload.guest("booted")),
                        "boot_args": ""}}))
    result = direct.run(["--no-api", "--config-file", config, "--log-path", log, *options])
    assert result.status == 0, result.stderr
    told = re.findall(r"\] Guest-boot-time = +(\d+) us (\d+) ms, +(\d+) CPU us (\d+) "
                      r"CPU ms\n", log.read_text())
    assert len(told) == lines_told
    for us, ms, *_ in told:
        assert int(us) // 1000 == int(ms) < 60000
