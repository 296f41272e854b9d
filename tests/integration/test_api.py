# SPDX-License-Identifier: Apache-2.0
"""test_api.py - `muster api`: a VM that its clients configure, start and control"""

import json
import stat

import pytest

import payload
from control import Connection, ask, raw, wait_for
from instance import START, Instance, drive

pytestmark = pytest.mark.needs("direct")

REBOOT, BAD_CONFIG = 10, 2
MACHINE = {"vcpu_count": 2, "mem_size_mib": 64}


@pytest.fixture
def running(instance):
    instance.put("/machine-config", MACHINE)
    instance.boot("spin", boot_args="cpus=2")
    instance.start()
    return instance


@pytest.fixture
def image(tmp_path):
    return str(payload.make_disk(tmp_path / "disk.img"))


# ---- the life of an instance ----

def test_there_is_no_vm_at_first(instance):
    assert stat.S_IMODE(instance.path.stat().st_mode) == 0o600
    assert instance.state() == "Not started"
    assert instance.ask("GET", "/vm").body["held_by"] == []


def test_an_instance_has_the_id_it_is_given(direct, tmp_path):
    made = Instance(direct, tmp_path, "--id", "vm-1")
    assert made.ask("GET", "/").body["id"] == "vm-1"
    assert "SIGTERM" in made.stop().stderr


@pytest.mark.parametrize("args, says", [
    ([], "--socket"),
    (["--socket", "s", "--id", "a_b"], "--id a_b: has a dot or an underscore"),
    (["--socket", "s", "--id", ""], '--id "": empty'),
    (["--socket", "s", "--id", "x" * 65], "too long"),
    (["--socket", "/absent/s"], "--socket /absent/s: "),
])
def test_a_bad_command_line_is_refused(direct, args, says):
    result = direct.run(["api", *args])
    assert (result.status, says in result.stderr) == (BAD_CONFIG, True), result.stderr


def test_the_guest_sees_the_machine_that_was_described(instance):
    instance.put("/machine-config", MACHINE)
    instance.boot("smp", boot_args="cpus=2")
    instance.start()
    instance.wait_until_it_says("smp: ok")


def test_the_process_ends_as_its_guest_does(direct, tmp_path):
    made = Instance(direct, tmp_path)
    made.boot("reboot")
    made.start()
    made.job.wait(20)
    made.stop(REBOOT)


@pytest.mark.parametrize("guest", ["blk-scatter", "rng"])
def test_the_guest_has_its_devices(instance, image, guest):
    instance.boot(guest, boot_args="")
    if guest == "rng":
        instance.put("/entropy", {})
    else:
        instance.put("/drives/d", drive(image))
    instance.start()
    instance.wait_until_it_says(f"{guest}: ok")


def test_a_start_that_fails_can_be_corrected(instance, image):
    assert "no kernel" in instance.ask("PUT", "/actions", START).fault
    instance.put("/boot-source", {"kernel_image_path": image})
    for _ in range(3):
        fault = instance.ask("PUT", "/actions", START).fault
        assert "neither a bzImage nor an ELF" in fault
        assert instance.state() == "Not started"
    instance.boot("spin")
    instance.start()
    assert instance.state() == "Running"


def test_a_vm_that_was_started_is_controlled_as_any_other(running, tmp_path):
    for state in "Paused", "Resumed":
        assert running.ask("PATCH", "/vm", {"state": state}).status == 204
    running.put("/snapshot/create", {"snapshot_path": f"{tmp_path}/state",
                                     "mem_file_path": f"{tmp_path}/memory"})
    assert running.state() == "Running"


# ---- what is told ----

def test_the_version_is_that_of_the_api(instance):
    told = instance.ask("GET", "/version").body
    assert told["firecracker_version"] == "1.17.0"


def test_the_configuration_is_told_as_it_was_given(instance, image):
    empty = instance.ask("GET", "/vm/config").body
    assert empty == {
        "balloon": None, "drives": [], "boot-source": None, "cpu-config": None,
        "logger": None, "metrics": None, "mmds-config": None, "vsock": None,
        "network-interfaces": [], "entropy": None, "pmem": [],
        "memory-hotplug": None,
        "machine-config": {"vcpu_count": 1, "mem_size_mib": 128, "smt": False,
                           "track_dirty_pages": False, "huge_pages": "None"}}
    instance.put("/machine-config", {**MACHINE, "cpu_template": "None"})
    instance.boot("spin", boot_args="x")
    instance.put("/drives/d", drive(image, is_read_only=True, io_engine="Async"))
    instance.put("/entropy", {})
    instance.put("/cpu-config", {"cpuid_modifiers": []})
    for _ in range(2):
        told = instance.ask("GET", "/vm/config").body
        assert told["machine-config"] == {**empty["machine-config"], **MACHINE}
        assert told["boot-source"] == {
            "kernel_image_path": str(payload.guest("spin")), "initrd_path": None,
            "boot_args": "x"}
        assert told["drives"] == [{
            "drive_id": "d", "partuuid": None, "is_root_device": False,
            "cache_type": "Unsafe", "is_read_only": True, "path_on_host": image,
            "rate_limiter": None, "io_engine": "Async", "socket": None}]
        assert told["entropy"] == {"rate_limiter": None}
        assert told["cpu-config"] == {"cpuid_modifiers": []}
        if instance.state() == "Not started":
            instance.start()


def test_a_vm_of_muster_run_tells_its_configuration_too(direct, tmp_path, image):
    path = tmp_path / "vm.sock"
    job = direct.start_muster(payload.args("spin", "--control", path, "--disk",
                                           f"path={image},readonly=on", "--rng"))
    wait_for(path, job)
    told = ask(path, "GET", "/vm/config").body
    assert told["machine-config"]["mem_size_mib"] == 64
    assert told["boot-source"]["kernel_image_path"] == str(payload.guest("spin"))
    assert [(d["drive_id"], d["path_on_host"], d["is_read_only"])
            for d in told["drives"]] == [("vda", image, True)]
    assert told["entropy"] is not None
    assert "running" in ask(path, "PUT", "/entropy", {}).fault
    job.signal("TERM")
    job.wait(10)


def test_what_is_deprecated_says_so(instance):
    connection = Connection(instance.path)
    for template, deprecated in ("T2", "true"), ("None", None):
        reply = connection.ask("PUT", "/machine-config",
                               {**MACHINE, "cpu_template": template})
        assert reply.headers.get("Deprecation") == deprecated


# ---- every row ----

ROWS = [  # method, target, a body that is fine, states: (b)efore, (a)fter the start
    ("GET", "/", None, "ba"),
    ("GET", "/version", None, "ba"),
    ("GET", "/vm", None, "ba"),
    ("PATCH", "/vm", {"state": "Resumed"}, "a"),
    ("GET", "/vm/config", None, "ba"),
    ("GET", "/machine-config", None, "ba"),
    ("PUT", "/machine-config", MACHINE, "b"),
    ("PATCH", "/machine-config", {"smt": True}, "b"),
    ("PUT", "/cpu-config", {}, "b"),
    ("PUT", "/boot-source", {"kernel_image_path": "/dev/null"}, "b"),
    ("PUT", "/drives/d", drive("/dev/null"), "b"),
    ("PUT", "/entropy", {}, "b"),
]


@pytest.mark.parametrize("method, target, body, states", ROWS)
def test_a_row_is_served_before_the_start(instance, method, target, body, states):
    reply = instance.ask(method, target, body)
    if "b" in states:
        assert reply.status == (200 if method == "GET" else 204), reply.fault
    else:
        assert "not possible while the VM is not started" in reply.fault


def test_a_row_is_served_after_the_start_or_says_that_it_is_not(running):
    before = running.ask("GET", "/vm/config").body
    for state in "Paused", "Resumed":
        running.ask("PATCH", "/vm", {"state": state})
        for method, target, body, states in ROWS:
            if (method, target) == ("PATCH", "/vm"):
                continue
            reply = running.ask(method, target, body)
            if "a" in states:
                assert reply.status == (200 if method == "GET" else 204)
            else:
                assert reply.status == 400
                assert "not possible while the VM is" in reply.fault
    assert running.ask("GET", "/vm/config").body == before
    assert "started already" in running.ask("PUT", "/actions", START).fault


LACKS = [
    ("PUT", "/vsock"),
    *((method, f"/{kind}/x") for kind in ("network-interfaces", "pmem")
      for method in ("PUT", "PATCH", "DELETE")),
    ("GET", "/balloon"), ("PUT", "/balloon"), ("PATCH", "/balloon"),
    ("GET", "/balloon/statistics"), ("PATCH", "/balloon/statistics"),
    ("PATCH", "/balloon/hinting/start"), ("PATCH", "/balloon/hinting/stop"),
    ("GET", "/balloon/hinting/status"), ("GET", "/hotplug/memory"),
    ("PUT", "/hotplug/memory"), ("PATCH", "/hotplug/memory"), ("PATCH", "/mmds"),
    ("GET", "/mmds"), ("PUT", "/mmds/config"),
]


@pytest.mark.parametrize("method, target", LACKS)
def test_what_is_lacking_is_said(instance, method, target):
    body = {} if method in ("PUT", "PATCH") else None
    reply = instance.ask(method, target, body)
    assert reply.status == 400
    assert "this version does not have it" in reply.fault


PUTS = {
    "/machine-config": MACHINE,
    "/boot-source": {"kernel_image_path": "/dev/null"},
    "/drives/d": drive("/dev/null"),
    "/entropy": {},
    "/actions": {"action_type": "FlushMetrics"},
}
WRONG = [  # target, member, value, what the fault says
    ("/machine-config", "vcpu_count", 0, "out of range; give a number from 1 to 32"),
    ("/machine-config", "vcpu_count", 33, "out of range"),
    ("/machine-config", "vcpu_count", -1, "not a number"),
    ("/machine-config", "vcpu_count", 1.0, "has another type"),
    ("/machine-config", "vcpu_count", "1", "has another type"),
    ("/machine-config", "mem_size_mib", 0, "out of range"),
    ("/machine-config", "mem_size_mib", 1 << 40, "out of range"),
    ("/machine-config", "smt", 1, "has another type; give true or false"),
    ("/machine-config", "track_dirty_pages", "on", "has another type"),
    ("/machine-config", "cpu_template", "V1N1", "unknown; give None, C3, T2"),
    ("/machine-config", "huge_pages", "1G", "unknown; give None, Transparent or 2M"),
    ("/boot-source", "kernel_image_path", "", "empty"),
    ("/boot-source", "kernel_image_path", "/absent/k", "cannot open: No such file"),
    ("/boot-source", "kernel_image_path", 1, "has another type"),
    ("/boot-source", "kernel_image_path", "x" * 4096, "too long"),
    ("/boot-source", "initrd_path", "/absent/i", "cannot open: No such file"),
    ("/boot-source", "boot_args", "x" * 2049, "too long"),
    ("/boot-source", "boot_args", ["x"], "has another type"),
    ("/drives/d", "drive_id", "e", "the path names d"),
    ("/drives/d", "drive_id", "x" * 65, "too long"),
    ("/drives/d", "path_on_host", "/absent/d", "cannot open: No such file"),
    ("/drives/d", "is_root_device", "true", "has another type"),
    ("/drives/d", "is_read_only", 0, "has another type"),
    ("/drives/d", "cache_type", "unsafe", "unknown; give Unsafe or Writeback"),
    ("/drives/d", "io_engine", "Slow", "unknown; give Sync or Async"),
    ("/drives/d", "partuuid", "x", "is for the root device"),
    ("/drives/d", "rate_limiter", {"ops": {"size": 1}},
     "rate_limiter: ops: refill_time: missing"),
    ("/drives/d", "rate_limiter", {"ops": {"size": -1, "refill_time": 1}},
     "rate_limiter: ops: size -1: not a number"),
    ("/drives/d", "rate_limiter", {"bytes": {}}, "rate_limiter: bytes: unknown"),
    ("/drives/d", "socket", "/s", "no vhost-user disks"),
    ("/entropy", "rate_limiter", 5, "rate_limiter: has another type"),
    ("/actions", "action_type", "Stop", "unknown; give InstanceStart, FlushMetrics"),
    ("/actions", "action_type", 1, "has another type"),
]


@pytest.mark.parametrize("target, member, value, says", WRONG)
def test_a_wrong_member_is_named(instance, target, member, value, says):
    before = instance.ask("GET", "/vm/config").body
    reply = instance.ask("PUT", target, {**PUTS[target], member: value})
    assert reply.status == 400
    assert member in reply.fault and says in reply.fault, reply.fault
    assert instance.ask("GET", "/vm/config").body == before


@pytest.mark.parametrize("target", PUTS)
def test_a_body_has_its_members_and_no_others(instance, target):
    body = PUTS[target]
    reply = instance.ask("PUT", target, {**body, "oops": 1})
    assert "oops: unknown; there is " in reply.fault
    assert "the body is missing" in instance.ask("PUT", target).fault
    assert "not an object" in instance.ask("PUT", target, []).fault
    assert "not JSON" in instance.ask("PUT", target, b"{").fault
    for name, value in body.items():
        rest = {key: v for key, v in body.items() if key != name}
        assert f"{name}: missing" in instance.ask("PUT", target, rest).fault
        twice = json.dumps(body)[:-1] + f", {json.dumps(name)}: {json.dumps(value)}}}"
        assert f"{name}: given twice" in instance.ask(
            "PUT", target, twice.encode()).fault


@pytest.mark.parametrize("target, says", [
    ("/drives/a-b", "an id is 1 to 64 letters, digits or '_'"),
    ("/drives/" + "x" * 65, "an id is 1 to 64 letters"),
    ("/drives", "no such resource"), ("/drives/", "no such resource"),
    ("/drives/a/b", "no such resource"), ("/drives/%41", "an id is 1 to 64"),
])
def test_an_id_in_a_path_is_checked(instance, target, says):
    assert says in instance.ask("PUT", target, drive("/dev/null")).fault


def test_a_patch_is_whole_or_nothing(instance):
    instance.put("/machine-config", MACHINE)
    reply = instance.ask("PATCH", "/machine-config",
                         {"mem_size_mib": 96, "vcpu_count": 99})
    assert "vcpu_count 99: out of range" in reply.fault
    assert instance.ask("GET", "/machine-config").body["mem_size_mib"] == 64
    assert "is empty" in instance.ask("PATCH", "/machine-config", {}).fault
    assert instance.ask("PATCH", "/machine-config",
                        {"mem_size_mib": 96}).status == 204
    told = instance.ask("GET", "/machine-config").body
    assert (told["vcpu_count"], told["mem_size_mib"]) == (2, 96)


def test_there_is_one_root_device(instance, image):
    instance.put("/drives/a", drive(image, "a", is_root_device=True))
    reply = instance.ask("PUT", "/drives/b",
                         drive("/dev/null", "b", is_root_device=True))
    assert "drive a is the root device" in reply.fault
    instance.put("/drives/a", drive(image, "a"))
    instance.put("/drives/b", drive("/dev/null", "b", is_root_device=True))


def test_a_client_that_leaves_while_the_vm_starts_harms_nobody(running):
    with raw(running.path) as sock:
        sock.sendall(b"PUT /actions HTTP/1.1\r\nContent-Length: 34\r\n\r\n{")
    assert running.state() == "Running"
