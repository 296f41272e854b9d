# SPDX-License-Identifier: Apache-2.0
"""vmx.py - the `vmx` host: level 1 under Bochs, where kvm_intel works

Bochs shares no folder and takes long to start, so a boot takes everything along
on a CD - muster, images and all jobs - and brings the results back, framed,
over the serial port: see inits/vmx.
"""

import base64
import os
import pty
import re
import select
import shutil
import subprocess
import time
from pathlib import Path

import images
from cpio import Archive
from host import HostFailed, LOGS, Missing, Result, command, static_muster

DEFAULT_MODEL = "corei7_skylake_x"
MEMORY_MIB = 1024
PAGE = 4096
BOOT_SECONDS = 600
BIOS = Path("/usr/share/bochs/BIOS-bochs-latest")
VGA_BIOS = Path("/usr/share/vgabios/vgabios.bin")

CONFIG = """\
cpu: model={model}, count=1, ips={ips}, reset_on_triple_fault=0
memory: guest={memory}, host={memory}
romimage: file={bios}
vgaromimage: file={vga_bios}
ata0-master: type=cdrom, path={iso}, status=inserted
boot: cdrom
display_library: term
com1: enabled=1, mode=file, dev={serial}
panic: action=report
clock: sync=none, time0=local
sound: driver=dummy
speaker: enabled=0
log: {log}
"""


def probe():
    """Raises Missing where this machine cannot be a vmx host."""
    tool = images.missing_tool("bochs", "xorriso")
    if tool:
        raise Missing(f"{tool} is not installed")
    for path in BIOS, VGA_BIOS, images.ISOLINUX, images.LDLINUX:
        if not path.exists():
            raise Missing(f"{path} is not installed")


class Vmx:
    """One boot: add jobs and files, then boot() returns a Result for each.

    `seconds` is what it may take; who adds jobs of minutes adds to it.  `boots`
    has the results of other models, for jobs that need them: those boot first.
    """

    name = "vmx"
    muster = "/payload/muster"

    def __init__(self, model=DEFAULT_MODEL, folder=None, boots=None):
        self.model = model
        self.boots = boots
        self.folder = folder or LOGS / f"vmx-{model}"
        self.archive = Archive()
        self.names = []
        self.packed = set()
        self.up_seconds = None
        self.seconds = BOOT_SECONDS

    def path(self, local):
        """Take a file along; where it will be in level 1."""
        name = f"/payload/{Path(local).name}"
        if name not in self.packed:
            self._pack(name, Path(local))
            self.packed.add(name)
        return name

    def _pack(self, name, local):
        """Of a sparse file only the data: reading a CD is slow in Bochs."""
        size = local.stat().st_size
        parts = list(extents(local))
        if sum(len(data) for _, data in parts) == size:
            self.archive.file(name, local.read_bytes())
            return
        self.archive.file(f"{name}.sparse/size", b"%d" % size)
        for page, data in parts:
            self.archive.file(f"{name}.sparse/at-{page}", data)

    def add_shell(self, name, script, stdin=b""):
        assert name not in self.names, name
        self.names.append(name)
        folder = f"jobs/{len(self.names):03}-{name}"
        self.archive.file(f"{folder}/script", script.encode())
        self.archive.file(f"{folder}/stdin", stdin)

    def add(self, name, args, timeout=180, stdin=b""):
        self.add_shell(name, f"exec timeout {timeout} "
                       f"{command(self.muster, args)}\n", stdin)

    def boot(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.path(static_muster())
        iso = images.level1_iso(self.archive.finish(), self.folder)
        serial = self.folder / "serial.log"
        config = self.folder / "bochsrc"
        config.write_text(CONFIG.format(
            model=self.model, ips=images.BOCHS_HZ, memory=MEMORY_MIB, bios=BIOS,
            vga_bios=VGA_BIOS, iso=iso, serial=serial,
            log=self.folder / "bochs.log"))
        self._run_bochs(config, serial)
        iso.unlink()
        return self._results(serial.read_text(errors="replace"))

    def _run_bochs(self, config, serial):
        """Debian's Bochs is the debugger: it wants a terminal and a `c`."""
        master, terminal = pty.openpty()
        bochs = subprocess.Popen(["bochs", "-q", "-f", config], stdin=terminal,
                                 stdout=terminal, stderr=terminal,
                                 env=dict(os.environ, TERM="vt100"))
        os.close(terminal)
        os.write(master, b"c\n")
        begun = time.monotonic()
        try:
            while bochs.poll() is None:
                if select.select([master], [], [], 0.5)[0]:
                    drain(master)
                waited = time.monotonic() - begun
                if not self.up_seconds and serial.exists() and (
                        b"=== ready" in serial.read_bytes()):
                    self.up_seconds = waited
                if waited > self.seconds:
                    raise HostFailed("level 1 did not end in "
                                     f"{self.seconds} s: see {serial}")
        finally:
            bochs.kill()
            bochs.wait()
            os.close(master)

    def _results(self, log):
        frames = {(int(number), name): base64.b64decode(text).decode(
                      errors="replace")
                  for number, name, text in re.findall(
                      r"^=== (\d+)-\S+ (\w+)\n(.*?)^===$",
                      log.replace("\r", ""), re.MULTILINE | re.DOTALL)}
        results = {}
        for number, name in enumerate(self.names, 1):
            if (number, "status") not in frames:
                raise HostFailed(f"no result of {name}: see {self.folder}")
            results[name] = Result(int(frames[number, "status"]),
                                   frames[number, "stdout"],
                                   frames[number, "stderr"])
        return results


class Boots:
    """One boot of each model that tests ask for, with the jobs of all of them.

    `planners` are called with each host before it boots, to add their jobs.
    """

    def __init__(self, planners):
        self.planners = planners
        self.outcomes = {}

    def __call__(self, model=DEFAULT_MODEL):
        """The Results by the names of the jobs."""
        if model not in self.outcomes:
            self.outcomes[model] = self._boot(model)
        outcome = self.outcomes[model]
        if isinstance(outcome, HostFailed):
            raise outcome
        return outcome

    def _boot(self, model):
        host = Vmx(model, boots=self)
        try:
            for plan in self.planners:
                plan(host)
            return host.boot()
        except HostFailed as failure:
            return failure  # and not the same again for each test


def extents(path):
    """(first page, data) of each part of a file that is no hole."""
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        end = 0
        while end < size:
            try:
                start = os.lseek(file.fileno(), end, os.SEEK_DATA)
            except OSError:
                return  # only a hole is left
            end = os.lseek(file.fileno(), start, os.SEEK_HOLE)
            yield start // PAGE, os.pread(file.fileno(), end - start, start)


def drain(descriptor):
    """Bochs draws its screen; nobody looks at it."""
    try:
        os.read(descriptor, 65536)
    except OSError:
        time.sleep(0.1)
