# SPDX-License-Identifier: Apache-2.0
"""host.py - what the test hosts have in common: jobs, results, static muster

A job is a shell script that runs on a host.  It is started, watched, signalled
and waited for in the same way wherever the host is.
"""

import fcntl
import re
import shlex
import subprocess
import time
from dataclasses import dataclass

from images import ROOT

LOGS = ROOT / "build/logs"


class Missing(Exception):
    """A capability that this machine lacks, in words for the user."""


class HostFailed(Exception):
    """A host that was there did not do what it should."""


@dataclass
class Result:
    status: int
    stdout: str
    stderr: str

    @property
    def console(self):
        """What the guest printed, without the terminal's carriage returns."""
        return self.stdout.replace("\r", "")

    @property
    def facts(self):
        """`@name value` lines, which guest scripts print for their tests."""
        return dict(re.findall(r"^@(\S+) ?(.*)$", self.console, re.MULTILINE))


class Job:
    """A job whose output grows in files of this machine."""

    def __init__(self, folder):
        self.folder = folder

    def output(self):
        return (self.folder / "stdout").read_text(errors="replace")

    def running(self):
        raise NotImplementedError

    def expect(self, text, timeout=60):
        """Wait until `text` was printed."""
        deadline = time.monotonic() + timeout
        while text not in self.output():
            if not self.running():
                raise HostFailed(f"ended before it printed {text!r}:\n"
                                 + self.described())
            if time.monotonic() > deadline:
                raise HostFailed(f"{text!r} did not appear in {timeout} s:\n"
                                 + self.described())
            time.sleep(0.05)

    def result(self, status):
        read = {name: (self.folder / name).read_text(errors="replace")
                for name in ("stdout", "stderr")}
        return Result(status, **read)

    def described(self):
        result = self.result(None)
        return f"{result.console[-4000:]}\n{result.stderr[-2000:]}"


class Numbered:
    """Hands out the folders of jobs, under build/logs, named in their order."""

    def __init__(self, folder):
        self.folder = folder
        self.count = 0

    def new(self, script, stdin):
        self.count += 1
        job = self.folder / f"{self.count:03}"
        job.mkdir(parents=True)
        (job / "script").write_text(script)
        (job / "stdin").write_bytes(stdin)
        for name in "stdout", "stderr":
            (job / name).touch()
        return job


def command(muster, args):
    return shlex.join([str(muster), *map(str, args)])


def static_muster():
    """The muster that emulated hosts run; built when it is out of date."""
    configured = ROOT / "build-static/config.mk"
    steps = [["make", "-s", "-j2", "O=build-static", "build-static/muster"]]
    if not configured.exists() or (
            configured.stat().st_mtime < (ROOT / "configure").stat().st_mtime):
        steps.insert(0, ["./configure", "--static", "--out=build-static"])
    LOGS.mkdir(parents=True, exist_ok=True)
    with open(LOGS / "static.log", "w+", encoding="utf-8") as log:
        fcntl.flock(log, fcntl.LOCK_EX)
        for step in steps:
            if subprocess.run(step, cwd=ROOT, stdin=subprocess.DEVNULL,
                              stdout=log, stderr=log, check=False).returncode:
                raise HostFailed(f"{' '.join(step)} failed: see {log.name}")
    return ROOT / "build-static/muster"
