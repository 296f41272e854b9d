# SPDX-License-Identifier: Apache-2.0
"""instance.py - `muster api`: a process whose clients make its VM"""

import time

import payload
from control import ask, wait_for

STOPPED = 14
START = {"action_type": "InstanceStart"}


class Instance:
    """A process that has no VM yet, and its socket."""

    def __init__(self, host, folder, *more):
        self.folder = folder
        self.path = folder / "api.sock"
        self.job = host.start_muster(["api", "--socket", self.path, *more])
        wait_for(self.path, self.job)

    def ask(self, *request):
        return ask(self.path, *request)

    def put(self, target, body):
        reply = self.ask("PUT", target, body)
        assert reply.status == 204, reply.fault

    def state(self):
        return self.ask("GET", "/").body["state"]

    def boot(self, guest, **more):
        self.put("/boot-source", {"kernel_image_path": str(payload.guest(guest)),
                                  **more})

    def start(self):
        self.put("/actions", START)

    def wait_until_it_says(self, line):
        console = self.job.folder / "stdout"
        until = time.monotonic() + 20
        while line not in console.read_text(errors="replace").splitlines():
            assert time.monotonic() < until, self.job.described()
            time.sleep(0.05)

    def stop(self, status=STOPPED):
        if self.job.running():
            self.job.signal("TERM")
        result = self.job.wait(10)
        assert result.status == status, result.stderr
        assert not self.path.exists()
        return result


def drive(path, name="d", **more):
    return {"drive_id": name, "path_on_host": path, "is_root_device": False, **more}
