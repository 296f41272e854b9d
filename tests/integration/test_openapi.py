# SPDX-License-Identifier: Apache-2.0
"""test_openapi.py - the running server against the document that it gives

Everything here comes from GET /openapi.json: a row that is added to the table is
tested by itself.  MUSTER_SEED repeats a run; a failure names the seed.
"""

import json
import os
import random

import pytest

import openapi
import payload
from bodies import Maker, fine, spoilt, twice
from control import Connection
from instance import Instance

pytestmark = pytest.mark.needs("direct", "openapi")

SEED = int(os.environ.get("MUSTER_SEED", 5))
SEQUENCES, REQUESTS = 8, 250
STATES = ["Not started", "Running", "Paused"]
NOT_JSON = [b"{", b"[]", b"null", b'"x"', b"\xff", b"{}x", b'{"a": 1e999}',
            b'{"a": 123456789012345678901234567890}', b"[" * 3000]
# What is said only of a body that the document forbids.
SYNTAX = ["out of range", "has another type", "not a number", "not a multiple",
          "not a name", "unknown; there is"]


class Driver:
    """Sends what a test makes up, and holds every answer against the document."""

    def __init__(self, host, folder, seed=SEED):
        self.rng = random.Random(seed)
        self.seed = seed
        self.instance = Instance(host, folder)
        self.connection = Connection(self.instance.path)
        self.document = self.ask("GET", "/openapi.json").body
        self.operations = openapi.operations(self.document)
        self.accepted = set()
        self.maker = Maker(self.rng, folder, known(folder))

    def ask(self, method, target, body=None):
        return self.connection.ask(method, target, body)

    def state(self):
        return self.ask("GET", "/").body["state"]

    def enter(self, state):
        if state != "Not started":
            if self.state() == "Not started":
                spin = {"kernel_image_path": str(payload.guest("spin"))}
                self.instance.put("/config", {"boot-source": spin, "start": True})
            wish = {"Running": "Resumed"}.get(state, state)
            assert self.ask("PATCH", "/vm", {"state": wish}).status == 204
        assert self.state() == state

    def call(self, operation, body=None, target=None):
        """The reply, which is one that the document knows."""
        reply = self.ask(operation.method, target or operation.target(), body)
        told = f"{operation} {body!r:.200}: {reply} (MUSTER_SEED={self.seed})"
        assert reply.status in operation.replies and reply.status < 500, told
        known_reply = operation.replies[reply.status]
        if known_reply:
            media, shape = known_reply
            assert reply.headers["Content-Type"] == media, told
            errors = [e.message for e in judge(shape).iter_errors(reply.body)]
            assert not errors, (errors, told)
        else:
            assert reply.body is None, told
        if reply.status < 300:
            self.accepted.add(str(operation))
        return reply

    def stop(self):
        self.connection.close()
        self.instance.stop()


# Of /config: a member that is (in) the path of a request of its own.
BY_PATH = ["an id is", "does not have it"]
TOO_LONG = "bytes; at most 51200 are accepted"
NO_START = {"action_type": ["FlushMetrics"], "start": [False]}


def starts(body):
    return body.get("action_type") == "InstanceStart" or body.get("start") is True


def judge(schema):
    from jsonschema import Draft202012Validator
    return Draft202012Validator(schema)


def known(folder):
    """Values with which requests succeed, and a VM that starts stays small: KVM
    takes minutes for terabytes."""
    def path(name):
        return [str(folder / name)]
    (folder / "scratch").write_bytes(b"x")
    payload.make_disk(folder / "disk.img")
    return {
        "kernel_image_path": [str(payload.guest("spin"))],
        "initrd_path": path("scratch"), "path_on_host": path("disk.img"),
        "drive_id": ["d"], "partuuid": [None], "boot_args": ["cpus=1", ""],
        "mem_size_mib": [2, 64, 128], "vcpu_count": [1, 2, 4],
        "cpu_template": ["None"], "snapshot_path": path("state"),
        "mem_file_path": path("memory"), "backend_path": path("memory"),
    }


def with_bodies(driver):
    """Each row that takes a body, when the VM is in the first of its states."""
    rows = [row for row in driver.operations if row.body]
    for row in sorted(rows, key=lambda row: "Not started" not in row.states):
        driver.enter(row.states[0])
        yield row


@pytest.fixture
def driver(direct, tmp_path):
    made = Driver(direct, tmp_path)
    yield made
    made.stop()


def test_the_document_is_one_of_openapi(driver):
    from jsonschema import Draft4Validator
    errors = Draft4Validator(openapi.meta()).iter_errors(driver.document)
    assert [error.message for error in errors] == []
    for row in driver.operations:
        for schema in [row.body, *[reply[1] for reply in row.replies.values()
                                   if reply]]:
            if schema is not None:
                judge(schema).check_schema(schema)


def test_a_schema_knows_what_is_wrong(driver):
    """The judge of this file can tell: it is no test that always passes."""
    row = next(row for row in driver.operations if str(row) == "PUT /machine-config")
    assert judge(row.body).is_valid({"vcpu_count": 1, "mem_size_mib": 64})
    assert judge(row.body).is_valid({"vcpu_count": 1, "mem_size_mib": 64,
                                     "smt": None})
    for wrong in ({"vcpu_count": 0}, {"vcpu_count": None}, {"oops": 1},
                  {"mem_size_mib": "64"}, {"huge_pages": "3M"}):
        assert not judge(row.body).is_valid(
            {"vcpu_count": 1, "mem_size_mib": 64, **wrong})


def test_every_wrong_body_is_refused_and_changes_nothing(driver):
    before = driver.ask("GET", "/vm/config").body
    spoiled = 0
    for row in with_bodies(driver):
        for what, member, body in spoilt(row.body, driver.maker):
            if judge(row.body).is_valid(body):
                continue
            reply = driver.call(row, body)
            assert reply.status == 400, (str(row), what)
            named = [word for word in (member, *BY_PATH, TOO_LONG)
                     if word in reply.fault]
            assert named, (str(row), what, reply.fault)
            spoiled += 1
        for name, text in twice(driver.maker.object(row.body)):
            assert f"{name}: given twice" in driver.call(row, text.encode()).fault
        for text in NOT_JSON:
            assert driver.call(row, text).status == 400
        assert "body is missing" in driver.call(row).fault
        if row.states[0] == "Not started":
            assert driver.ask("GET", "/vm/config").body == before, str(row)
    assert spoiled > 300


def test_the_bounds_are_where_the_document_says(driver):
    driver.maker.known |= NO_START
    for row in with_bodies(driver):
        for what, body in fine(row.body, driver.maker):
            if starts(body) or not judge(row.body).is_valid(body):
                continue
            reply = driver.call(row, body)
            told = reply.fault if reply.status == 400 else ""
            assert not any(word in told for word in SYNTAX), (what, told)


def test_a_request_without_a_body_takes_none(driver):
    for row in driver.operations:
        if not row.body and row.method != "GET":
            assert "takes no body" in driver.call(row, {}).fault


@pytest.mark.parametrize("state", STATES)
def test_every_row_knows_its_states(driver, state):
    driver.maker.known |= NO_START
    for row in driver.operations:
        driver.enter(state)
        body = driver.maker.object(row.body) if row.body else None
        reply = driver.call(row, body)
        refused = reply.status == 400 and "not possible while" in reply.fault
        assert refused == (state not in row.states), (str(row), reply)


def test_methods_and_paths_that_are_not_documented_are_refused(driver):
    rows = {(row.method, row.path) for row in driver.operations}
    for path in {row.path for row in driver.operations}:
        for method in "GET", "PUT", "PATCH", "DELETE":
            if (method, path) in rows:
                continue
            target = path.replace("{id}", "d")
            body = {} if method in ("PUT", "PATCH") else None
            assert driver.ask(method, target, body).status == 400
    for path in "/absent", "/openapi.jso", "/openapi.json.", "/%2f", "/vm/configs":
        assert "no such resource" in driver.ask("GET", path).fault


def one_request(driver):
    """A random row with a random body, fine or spoilt."""
    row = driver.rng.choice(driver.operations)
    before = driver.state()
    body = driver.maker.object(row.body) if row.body else None
    if body is not None and driver.rng.random() < 0.3:
        bodies = [made[2] for made in spoilt(row.body, driver.maker)]
        body = driver.rng.choice(bodies or [body])
    reply = driver.call(row, body)
    if row.body and not judge(row.body).is_valid(body):
        assert reply.status == 400, (str(row), body)
    if before == driver.state() and before not in row.states:
        assert reply.status == 400, (str(row), before)


def test_random_sequences_of_requests(direct, tmp_path):
    accepted, rows = set(), 0
    for number in range(SEQUENCES):
        folder = tmp_path / str(number)
        folder.mkdir()
        driver = Driver(direct, folder, SEED * 1000 + number)
        try:
            for _ in range(REQUESTS):
                one_request(driver)
        finally:
            driver.stop()
        accepted |= driver.accepted
        rows = len(driver.operations)
    print(f"accepted {len(accepted)} of {rows} rows: {sorted(accepted)}")
    assert len(accepted) > rows / 2
