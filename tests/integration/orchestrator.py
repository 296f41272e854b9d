# SPDX-License-Identifier: Apache-2.0
"""orchestrator.py PLAN - does on the wire what firecracker-go-sdk and firectl do

The requests, their order, bodies and header lines are those of these programs
(machine.go, handlers.go, options.go); so are the FIFOs, the signals and what is made of
answers.  It needs nothing but Python's standard library, so that it runs in level 1
of the svm host too.  The JSON object PLAN says what is run; see test_orchestrator.py.
"""

import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
import uuid

HEAD_BYTES_MAX = 8192


class Refused(Exception):
    """An answer that the SDK makes an error of."""


# ---- the wire: Go's net/http below go-openapi's runtime ----


class Client:
    """One connection that is kept, and made again when the server has closed it."""

    def __init__(self, path, seconds):
        self.path = path
        self.seconds = seconds
        self.connection = None

    def ask(self, method, path, body=None):
        """The answer's object, or None for 204."""
        request = self._request(method, path, body)
        kept = self.connection is not None
        try:
            return self._answer(self._send(request))
        except ConnectionError:
            self.close()
            if not kept:
                raise
            return self._answer(self._send(request))

    def put(self, path, body):
        assert self.ask("PUT", path, body) is None

    def patch(self, path, body):
        assert self.ask("PATCH", path, body) is None

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None

    @staticmethod
    def _request(method, path, body):
        """What Go writes, byte for byte; its encoder ends a body with a newline."""
        data = b"" if body is None else json.dumps(
            body, separators=(",", ":"), sort_keys=True).encode() + b"\n"
        lines = [f"{method} {path} HTTP/1.1", "Host: localhost",
                 "User-Agent: Go-http-client/1.1"]
        if data:
            lines.append(f"Content-Length: {len(data)}")
        lines.append("Accept: application/json")
        if data:
            lines.append("Content-Type: application/json")
        lines.append("Accept-Encoding: gzip")
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + data

    def _send(self, request):
        if not self.connection:
            self.connection = socket.socket(socket.AF_UNIX)
            self.connection.settimeout(self.seconds)
            self.connection.connect(self.path)
        self.connection.sendall(request)
        return self.connection

    def _answer(self, connection):
        data = b""
        while b"\r\n\r\n" not in data:
            more = connection.recv(4096)
            if not more:
                raise ConnectionResetError("no answer")
            data += more
            assert len(data) < HEAD_BYTES_MAX
        head, _, body = data.partition(b"\r\n\r\n")
        status, fields = self._head(head.decode("ascii"))
        length = int(fields.get("content-length", 0))
        while len(body) < length:
            body += connection.recv(length - len(body))
        assert len(body) == length, "more than one answer"
        if fields.get("connection") == "close":
            self.close()
        return self._meaning(status, fields, body)

    @staticmethod
    def _head(head):
        first, *lines = head.split("\r\n")
        version, status = first.split(" ")[:2]
        assert version == "HTTP/1.1"
        return int(status), {name.lower(): value.strip() for name, _, value in
                             (line.partition(":") for line in lines)}

    @staticmethod
    def _meaning(status, fields, body):
        """As the generated client reads it: 200, 204, or an error's model."""
        if status == 204:
            assert not body
            return None
        assert fields["content-type"] == "application/json", fields
        told = json.loads(body)
        if status != 200:
            raise Refused(told["fault_message"])
        return told


# ---- the SDK's Machine ----


class Machine:
    """A process and its VM; `plan` is the SDK's Config."""

    processes = []

    def __init__(self, plan, name, vm_id=None):
        self.plan = plan
        self.id = vm_id or "anonymous-instance"
        self.folder = os.path.join(plan["folder"], name)
        os.mkdir(self.folder)
        self.socket = self.file("firecracker.sock")
        self.log_fifo = self.file("fc.log")
        self.metrics_fifo = self.file("fc.metrics")
        self.log = b""
        self.client = Client(self.socket, plan["seconds"])
        self.args = [plan["firecracker"], "--api-sock", self.socket]
        if vm_id:
            self.args += ["--id", vm_id, "--no-seccomp"]
        self.process = None

    def file(self, name):
        return os.path.join(self.folder, name)

    def start_vmm(self):
        """startVMM() and waitForSocket(): a file first, then an answer."""
        with open(self.file("stdout"), "wb") as out:
            self.process = subprocess.Popen(
                self.args, stdin=subprocess.PIPE, stdout=out,
                stderr=subprocess.STDOUT)
        self.processes.append(self.process)
        until = time.monotonic() + self.plan["seconds"]
        while True:
            assert self.process.poll() is None, self.console()
            assert time.monotonic() < until, "did not create API socket"
            time.sleep(0.01)
            try:
                mode = os.stat(self.socket).st_mode
                self.client.ask("GET", "/machine-config")
                break
            except (FileNotFoundError, ConnectionError):
                continue
        assert stat.S_ISSOCK(mode)

    def create_log_files(self):
        """createFifoOrFile(), and captureFifoToFile() of the log only."""
        os.mkfifo(self.metrics_fifo, 0o700)
        os.mkfifo(self.log_fifo, 0o700)
        fd = os.open(self.log_fifo, os.O_RDONLY | os.O_NONBLOCK)
        os.set_blocking(fd, True)
        threading.Thread(target=self._capture, args=(fd,), daemon=True).start()

    def _capture(self, fd):
        while True:
            data = os.read(fd, 65536)
            self.log += data
            if not data:
                time.sleep(0.05)

    def bootstrap_logging(self):
        self.client.put("/logger", {
            "level": "Debug", "log_path": self.log_fifo, "show_level": True,
            "show_log_origin": False})
        self.client.put("/metrics", {"metrics_path": self.metrics_fifo})

    def create_machine(self, smt):
        config = {"mem_size_mib": self.plan["mem_size_mib"], "smt": smt,
                  "vcpu_count": self.plan["vcpu_count"]}
        self.client.put("/machine-config", config)
        told = self.client.ask("GET", "/machine-config")
        assert config.items() <= told.items(), told

    def create_boot_source(self):
        source = {"kernel_image_path": self.plan["kernel"],
                  "boot_args": self.plan["boot_args"]}
        if self.plan.get("initrd"):
            source["initrd_path"] = self.plan["initrd"]
        self.client.put("/boot-source", source)

    def attach_drive(self, name, path, root, read_only=False):
        self.client.put(f"/drives/{name}", {
            "drive_id": name, "is_read_only": read_only,
            "is_root_device": root, "path_on_host": path})

    def load_snapshot(self, files, **more):
        self.client.put("/snapshot/load", {
            "snapshot_path": files["snapshot_path"], **more})

    def action(self, name):
        self.client.put("/actions", {"action_type": name})

    def update_drive(self, name, path):
        self.client.patch(f"/drives/{name}", {
            "drive_id": name, "path_on_host": path})

    def pause(self):
        self.client.patch("/vm", {"state": "Paused"})

    def resume(self):
        self.client.patch("/vm", {"state": "Resumed"})

    def create_snapshot(self):
        files = {"mem_file_path": self.file("memory"),
                 "snapshot_path": self.file("state")}
        self.client.put("/snapshot/create", files)
        return files

    def describe(self, state):
        told = self.client.ask("GET", "/")
        assert set(told) == {"app_name", "id", "state", "vmm_version"}, told
        assert (told["id"], told["state"]) == (self.id, state), told

    def flush_metrics(self):
        """The objects of two lines: that of the start, and that of FlushMetrics."""
        fd = os.open(self.metrics_fifo, os.O_RDONLY | os.O_NONBLOCK)
        with os.fdopen(fd, "rb") as file:
            self.action("FlushMetrics")
            os.set_blocking(fd, True)
            return [json.loads(file.readline()) for _ in range(2)]

    def forward(self, name):
        """A signal that reaches the orchestrator (setupSignals())."""
        self.process.send_signal(getattr(signal, f"SIG{name}"))

    def wait(self, status):
        code = self.process.wait(self.plan["seconds"])
        assert code == status, (code, self.console())
        self.client.close()
        self.process.stdin.close()
        # doCleanup(): whatever is left, the process may have removed it.
        for path in self.socket, self.log_fifo, self.metrics_fifo:
            if os.path.exists(path):
                os.remove(path)

    # ---- its guest, at the serial port ----

    def console(self):
        with open(self.file("stdout"), "rb") as file:
            return file.read().decode(errors="replace").replace("\r", "")

    def hear(self, pattern, count=1):
        """What the guest said last in these words; it has said so `count` times."""
        until = time.monotonic() + self.plan["seconds"]
        while True:
            found = re.findall(pattern, self.console(), re.MULTILINE)
            if len(found) >= count:
                return found[-1]
            assert self.process.poll() is None, self.console()
            assert time.monotonic() < until, f"no {pattern}: {self.console()}"
            time.sleep(0.05)

    def type(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()


def say(text):
    print(f"orchestrator: {text}", flush=True)


# ---- what users of the SDK do with it ----


def check_guest(machine, plan, moment):
    """The guest does what it is told at its console, if it is one that does."""
    if "question" not in plan:
        return
    asked = len(re.findall(plan["answer"], machine.console(), re.MULTILINE))
    machine.type(plan["question"])
    heard = machine.hear(plan["answer"], asked + 1)
    assert heard == plan[moment], (moment, heard)


def start_sdk(plan, name):
    """Start() up to its handlers for one kind of VM or the other."""
    machine = Machine(plan, name, str(uuid.uuid4()))
    machine.start_vmm()
    machine.create_log_files()
    machine.bootstrap_logging()
    return machine


def boot(plan):
    machine = start_sdk(plan, "first")
    machine.create_machine(smt=False)
    machine.create_boot_source()
    for drive in plan["drives"]:
        machine.attach_drive(**drive)
    machine.action("InstanceStart")
    machine.hear(plan["ready"])
    machine.describe("Running")
    assert machine.client.ask("GET", "/version")["firecracker_version"]
    say("booted")
    return machine


def use(machine, plan):
    """UpdateGuestDrive(), PauseVM(), CreateSnapshot(), ResumeVM(), StopVMM()."""
    check_guest(machine, plan, "before")
    machine.update_drive(**plan["update"])
    check_guest(machine, plan, "after")
    metrics = machine.flush_metrics()
    assert [line["put_api_requests"]["actions_count"] for line in metrics
            ] == [0, 1], metrics
    assert metrics[1]["patch_api_requests"]["drive_count"] == 1, metrics
    say("has another drive, and tells metrics")
    machine.pause()
    machine.pause()
    machine.describe("Paused")
    files = machine.create_snapshot()
    machine.resume()
    machine.describe("Running")
    check_guest(machine, plan, "after")
    machine.forward("TERM")
    machine.wait(128 + signal.SIGTERM)
    assert machine.log, "nothing came to the log's FIFO"
    say("kept in a snapshot, and stopped")
    return files


def go_on(plan, files):
    """WithSnapshot(): the old form of the memory's path, and the new one."""
    memory = files["mem_file_path"]
    machine = start_sdk(plan, "second")
    machine.load_snapshot(files, enable_diff_snapshots=True,
                          mem_file_path=memory)
    machine.describe("Paused")
    machine.resume()
    check_guest(machine, plan, "after")
    machine.forward("INT")
    machine.wait(128 + signal.SIGINT)
    machine = start_sdk(plan, "third")
    machine.load_snapshot(files, resume_vm=True, mem_backend={
        "backend_path": memory, "backend_type": "File"})
    machine.describe("Running")
    check_guest(machine, plan, "after")
    say("loaded in new processes")
    machine.action("SendCtrlAltDel")
    if "pressed" in plan:
        machine.hear(plan["pressed"])
        machine.forward("TERM")
    machine.wait(128 + signal.SIGTERM if "pressed" in plan else 0)
    say("shut down from the keyboard")


def run_sdk(plan):
    go_on(plan, use(boot(plan), plan))


def run_firectl(plan):
    """firectl --vmm-log-fifo … --add-drive … with what else it has by default."""
    machine = Machine(plan, "firectl")
    machine.start_vmm()
    machine.create_log_files()
    machine.bootstrap_logging()
    machine.create_machine(smt=True)
    machine.create_boot_source()
    for drive in reversed(plan["drives"]):  # the root is the last
        machine.attach_drive(**drive)
    machine.action("InstanceStart")
    machine.hear(plan["ready"])
    machine.forward("HUP")
    machine.wait(156)
    say("ran as firectl's")


RUNS = {"sdk": run_sdk, "firectl": run_firectl}


def main(path):
    # Not as a shell's background job has it, and would hand it down.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with open(path, encoding="utf-8") as file:
        plan = json.load(file)
    try:
        for name in plan["runs"]:
            RUNS[name](plan)
    finally:
        for process in Machine.processes:
            process.kill()


if __name__ == "__main__":
    main(sys.argv[1])
