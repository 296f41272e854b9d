# SPDX-License-Identifier: Apache-2.0
"""direct.py - the `direct` host: this machine and its /dev/kvm"""

import os
import shutil
import signal
import subprocess
from pathlib import Path

from host import HostFailed, Job, LOGS, Missing, Numbered, command


def probe():
    """Raises Missing where this machine cannot be a direct host."""
    try:
        os.close(os.open("/dev/kvm", os.O_RDWR | os.O_CLOEXEC))
    except OSError as error:
        raise Missing(f"/dev/kvm: {error.strerror}") from None


class DirectJob(Job):
    def __init__(self, folder, environment):
        super().__init__(folder)
        opened = {name: open(folder / name, mode) for name, mode in
                  (("stdin", "rb"), ("stdout", "wb"), ("stderr", "wb"))}
        self.process = subprocess.Popen(["sh", folder / "script"], **opened,
                                        env=environment)
        for file in opened.values():
            file.close()

    def running(self):
        return self.process.poll() is None

    def wait(self, timeout=60):
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise HostFailed(f"did not end in {timeout} s:\n"
                             f"{self.described()}") from None
        # As a shell has it, and so as the other hosts have it.
        return self.result(status if status >= 0 else 128 - status)

    def signal(self, name):
        self.process.send_signal(getattr(signal, f"SIG{name}"))


class Direct:
    def __init__(self, muster, folder=LOGS / "direct"):
        self.muster = muster
        self.folder = folder
        shutil.rmtree(folder, ignore_errors=True)
        self.jobs = Numbered(folder)

    def stop(self):
        pass

    def path(self, local):
        return str(Path(local).resolve())

    def launch(self, script, stdin=b"", environment=None):
        return DirectJob(self.jobs.new(script, stdin), environment)

    def shell(self, script, timeout=60, stdin=b""):
        return self.launch(script, stdin).wait(timeout)

    def start_muster(self, args, stdin=b""):
        """`muster ARGS` in the background: signal() reaches it."""
        return self.launch(f"exec {command(self.muster, args)}\n", stdin)

    def run(self, args, timeout=60, stdin=b""):
        return self.start_muster(args, stdin).wait(timeout)
