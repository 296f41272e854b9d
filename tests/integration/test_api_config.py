# SPDX-License-Identifier: Apache-2.0
"""test_api_config.py - `muster api --config-file`: a VM as one JSON object"""

import json

import pytest

import payload
from instance import Instance, drive

pytestmark = pytest.mark.needs("direct")

BAD_CONFIG = 2


def config(**more):
    return {"machine-config": {"vcpu_count": 2, "mem_size_mib": 64},
            "boot-source": {"kernel_image_path": str(payload.guest("spin")),
                            "boot_args": "cpus=2"}, **more}


@pytest.fixture
def launch(direct, tmp_path):
    made = []

    def one(content):
        path = tmp_path / f"vm{len(made)}.json"
        path.write_text(json.dumps(content))
        folder = tmp_path / f"{len(made)}"
        folder.mkdir()
        made.append(Instance(direct, folder, "--config-file", path))
        return made[-1]

    yield one
    for instance in made:
        instance.stop()


def test_the_vm_of_the_file_runs_at_once(launch):
    instance = launch(config())
    assert instance.state() == "Running"
    instance.wait_until_it_says("spin: ok")


def everything(folder):
    """Each section that there is, with no member left to its default."""
    image, other = (str(payload.make_disk(folder / name)) for name in "ab")
    bucket = {"size": 1 << 20, "refill_time": 100, "one_time_burst": 7}
    limiter = {"bandwidth": bucket, "ops": bucket}
    return config(
        drives=[drive(image, "a", is_read_only=True, is_root_device=True,
                      partuuid="0-1", cache_type="Writeback", io_engine="Async",
                      rate_limiter=limiter),
                drive(other, "b", is_read_only=True)],
        entropy={"rate_limiter": limiter},
        serial={"serial_out_path": f"{folder}/out", "rate_limiter": bucket},
        microcode={"guest": "emulate", "spool_path": None, "hypervisor": "hidden",
                   "misfit": "pause"},
        **{"machine-config": {"vcpu_count": 2, "mem_size_mib": 64, "smt": True,
                              "track_dirty_pages": True,
                              "huge_pages": "Transparent"},
           "cpu-config": {"cpuid_modifiers": []}})


def test_what_a_vm_tells_makes_the_same_vm(launch, tmp_path):
    given = everything(tmp_path)
    first = launch(given)
    told = first.ask("GET", "/vm/config").body
    for name, value in given.items():
        if name != "drives":
            assert value.items() <= told[name].items(), name
    assert given["drives"][0].items() <= told["drives"][0].items()
    second = launch(told)
    assert second.ask("GET", "/vm/config").body == told
    assert second.state() == "Running"


def test_a_template_may_be_a_file(launch, tmp_path):
    template = tmp_path / "cpu.json"
    template.write_text('{"cpuid_modifiers": []}')
    told = launch(config(**{"cpu-config": str(template)})).ask("GET", "/vm/config")
    assert told.body["cpu-config"] == {"cpuid_modifiers": []}


# ---- PUT /config ----

def told(instance):
    return instance.ask("GET", "/vm/config").body


def test_one_request_describes_a_vm(instance, tmp_path):
    image = str(payload.make_disk(tmp_path / "disk.img"))
    instance.put("/config", config(drives=[drive(image, "a")], entropy={}))
    assert instance.state() == "Not started"
    before = told(instance)
    assert before["machine-config"]["vcpu_count"] == 2
    assert [made["drive_id"] for made in before["drives"]] == ["a"]
    instance.put("/config", before)
    assert told(instance) == before
    instance.start()
    instance.wait_until_it_says("spin: ok")
    assert "not possible while" in instance.ask("PUT", "/config", before).fault


def test_one_request_describes_and_starts_a_vm(instance):
    instance.put("/config", config(start=True))
    assert instance.state() == "Running"
    assert told(instance)["machine-config"]["mem_size_mib"] == 64


def test_what_it_leaves_out_is_as_at_first(instance, tmp_path):
    at_first = told(instance)
    image = str(payload.make_disk(tmp_path / "disk.img"))
    instance.put("/config", config(drives=[drive(image, "a")], entropy={}))
    instance.put("/config", {"start": False})
    assert told(instance) == at_first


def test_a_process_that_logs_takes_its_own_answer(instance, tmp_path):
    instance.put("/config", config(logger={"log_path": f"{tmp_path}/log"},
                                   metrics={"metrics_path": f"{tmp_path}/metrics"}))
    assert told(instance)["logger"]["log_path"] == f"{tmp_path}/log"
    instance.put("/config", {**told(instance), "start": True})
    assert "utc_timestamp_ms" in (tmp_path / "metrics").read_text()


@pytest.mark.parametrize("content, says", [
    ([], "not an object"),
    ({"absent": {}}, "absent: unknown; give the keys of GET /vm/config"),
    ({"start": 1}, "start: has another type"),
    ({"start": True}, "there is no kernel"),
    (config(balloon={"amount_mib": 1}), "PUT /balloon: this version does not have it"),
    (config(drives=[drive("/absent/d")]), "PUT /drives/d: path_on_host /absent/d"),
    (config(drives=[drive("/dev/null", "a"), drive("/dev/null", "a")]),
     "drives[1]: drive_id: given to another one too"),
    (config(**{"machine-config": {"vcpu_count": 1}}), "mem_size_mib: missing"),
    (config(**{"cpu-config": "/absent/cpu"}), "only --config-file takes a path"),
    (config(logger={"log_path": "/absent/log"}), "log_path /absent/log"),
    (config(start=True, **{"boot-source": {"kernel_image_path": "/dev/null"}}),
     "PUT /config: "),
])
def test_a_request_that_is_refused_changes_nothing(instance, content, says):
    instance.put("/config", config(**{"machine-config": {"vcpu_count": 4,
                                                         "mem_size_mib": 128}}))
    before = told(instance)
    assert says in instance.ask("PUT", "/config", content).fault
    assert (told(instance), instance.state()) == (before, "Not started")


# ---- files that are wrong ----

@pytest.mark.parametrize("content, says", [
    ([], "not an object"),
    ({}, "there is no kernel"),
    (config(balloon={"amount_mib": 1}), "PUT /balloon: this version does not have it"),
    (config(drives={}), "drives: not an array"),
    (config(drives=[{}]), "drives: drive_id: missing"),
    (config(drives=[drive("/absent/d")]), "PUT /drives/d: path_on_host /absent/d"),
    (config(entropy=1), "PUT /entropy: this is"),
    (config(**{"machine-config": {"vcpu_count": 1}}), "mem_size_mib: missing"),
    (config(**{"cpu-config": "/absent/cpu"}), "cpu-config: /absent/cpu"),
    (config(**{"network-interfaces": [{"iface_id": "eth0"}]}),
     "PUT /network-interfaces/eth0: this version does not have it"),
])
def test_a_file_that_is_wrong_is_refused(direct, tmp_path, content, says):
    path, socket = tmp_path / "vm.json", tmp_path / "s"
    path.write_text(json.dumps(content))
    result = direct.run(["api", "--socket", socket, "--config-file", path])
    assert (result.status, says in result.stderr) == (BAD_CONFIG, True), result.stderr
    assert not socket.exists()


def test_a_file_that_is_absent_is_refused(direct, tmp_path):
    result = direct.run(["api", "--socket", tmp_path / "s", "--config-file", "/absent"])
    assert result.status == BAD_CONFIG
    assert "--config-file: /absent: " in result.stderr
