# SPDX-License-Identifier: Apache-2.0
"""test_ctl.py - the commands of `muster ctl` that ask for anything"""

import json
import os
import socket
import subprocess

import pytest

import payload

pytestmark = pytest.mark.needs("direct")

REFUSED, USAGE, NO_ANSWER = 1, 2, 4


@pytest.fixture
def ctl(muster, instance):
    """Run a command that is to end with `status`."""
    def run(*words, status=0, stdin=""):
        done = subprocess.run([muster, "ctl", "--socket", instance.path, *words],
                              input=stdin, text=True, timeout=30,
                              capture_output=True, check=False)
        assert done.returncode == status, done.stderr
        assert bool(done.stderr) == (status != 0)
        return done.stdout or done.stderr
    return run


def config(**more):
    return {"machine-config": {"vcpu_count": 2, "mem_size_mib": 64},
            "boot-source": {"kernel_image_path": str(payload.guest("spin")),
                            "boot_args": "cpus=2"}, **more}


def test_a_vm_is_described_and_started(ctl, tmp_path):
    (tmp_path / "vm.json").write_text(json.dumps(config()))
    assert ctl("config", tmp_path / "vm.json") == ""
    told = json.loads(ctl("config"))
    assert told["machine-config"]["vcpu_count"] == 2
    ctl("put", "/entropy", "{}")
    ctl("patch", "/machine-config", '{"mem_size_mib": 96}')
    ctl("put", "/actions", "-", stdin='{"action_type": "InstanceStart"}')
    assert json.loads(ctl("get", "/"))["state"] == "Running"
    assert json.loads(ctl("get", "/machine-config"))["mem_size_mib"] == 96


def test_a_vm_is_described_from_standard_input(ctl):
    ctl("config", "-", stdin=json.dumps(config(start=True)))
    assert json.loads(ctl("status"))["state"] == "Running"
    cpu = json.loads(ctl("cpu"))
    assert cpu["template"]["format"] == "muster-template"


def test_what_is_no_json_is_printed_as_it_is(ctl):
    assert "\n# TYPE " in ctl("get", "/metrics")


def test_a_refusal_is_told_without_the_request(ctl):
    assert ctl("cpu", status=REFUSED) == (
        "muster: not possible while the VM is not started\n")
    assert ctl("put", "/entropy", status=REFUSED).startswith(
        "muster: the body is missing")
    assert "no such resource" in ctl("get", "/absent", status=REFUSED)
    assert "not an object" in ctl("config", "-", stdin="[]", status=REFUSED)


@pytest.mark.parametrize("words, says", [
    (["get"], "PATH"),
    (["get", "vm"], "vm: not a path; give one such as /vm"),
    (["get", "/a b"], "not a path"),
    (["get", "/vm", "{}"], "one too many"),
    (["put", "/vm", "{}", "{}"], "one too many"),
    (["config", "/absent"], "/absent"),
    (["events", "--timeout", "soon"], "--timeout"),
])
def test_a_bad_command_line_is_refused(ctl, words, says):
    assert says in ctl(*words, status=USAGE)


def test_a_body_with_a_nul_is_refused(ctl, tmp_path):
    (tmp_path / "nul").write_bytes(b"{}\0")
    assert "holds a NUL" in ctl("config", tmp_path / "nul", status=USAGE)


def test_events_come_as_they_happen(muster, instance):
    with subprocess.Popen([muster, "ctl", "events", "--socket", instance.path],
                          stdout=subprocess.PIPE, text=True) as listener:
        assert json.loads(listener.stdout.readline())["state"] == "Not started"
        instance.put("/config", config(start=True))
        assert json.loads(listener.stdout.readline())["state"] == "Running"
        instance.job.signal("TERM")
        last = [json.loads(line)["event"] for line in listener.stdout]
        assert last == ["state", "end"]
    assert listener.returncode == 0


@pytest.mark.parametrize("listens", [True, False])
def test_a_vm_that_does_not_answer_is_given_up(muster, tmp_path, listens):
    path = os.fspath(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as stuck, socket.socket(socket.AF_UNIX) as one:
        stuck.bind(path)
        stuck.listen(0)
        if not listens:  # the queue is full: not even connect() returns
            one.connect(path)
        done = subprocess.run([muster, "ctl", "status", "--socket", path,
                               "--timeout", "200ms"], text=True, timeout=30,
                              capture_output=True, check=False)
    assert done.returncode == NO_ANSWER
    assert "s: no answer within 0.2 s; what was asked may still be done" in done.stderr


# ---- sentences ----

@pytest.mark.parametrize("change, says", [
    ({"boot-source": {"kernel_image_path": "/dev/null"}}, "kernel_image_path /dev/null"),
    ({"machine-config": {"vcpu_count": 1, "mem_size_mib": 64, "cpu_template": "C3"},
      "cpu-config": {"msr_modifiers": [{"addr": "0x9999", "bitmap": "0b1"}]}},
     "cpu-config"),
])
def test_a_failed_start_speaks_of_fields(instance, change, says):
    instance.put("/config", {**config(), **change})
    fault = instance.ask("PUT", "/actions", {"action_type": "InstanceStart"}).fault
    assert says in fault and "--" not in fault, fault


def test_a_remedy_speaks_of_fields_too(instance, tmp_path):
    (tmp_path / "initrd").write_bytes(bytes(4 << 20))
    instance.put("/config", config(**{"machine-config": {"vcpu_count": 1,
                                                         "mem_size_mib": 2}}))
    instance.boot("spin", initrd_path=f"{tmp_path}/initrd")
    fault = instance.ask("PUT", "/actions", {"action_type": "InstanceStart"}).fault
    assert f"initrd_path {tmp_path}/initrd" in fault
    assert fault.endswith("raise mem_size_mib")


def test_a_failed_load_speaks_of_fields(instance, tmp_path):
    (tmp_path / "x").write_bytes(b"x")
    for state, memory in ("/absent", "/absent"), (f"{tmp_path}/x", "/absent"):
        body = {"snapshot_path": state, "mem_backend": {"backend_type": "File",
                                                        "backend_path": memory}}
        fault = instance.ask("PUT", "/snapshot/load", body).fault
        assert f"snapshot_path {state}" in fault or f"{state}:" in fault
        assert "--" not in fault.replace("`muster ctl snapshot --state`", ""), fault


def test_a_failed_snapshot_speaks_of_fields_and_ctl_of_options(instance, ctl):
    instance.put("/config", config(start=True))
    fault = instance.ask("PUT", "/snapshot/create", {
        "snapshot_path": "/x", "mem_file_path": "/x"}).fault
    assert fault == ("PUT /snapshot/create: mem_file_path /x: the same as "
                     "snapshot_path; give two files")
    assert ctl("snapshot", "--state", "/x", "--memory", "/x", status=REFUSED) == (
        "muster: --memory /x: the same as --state; give two files\n")
