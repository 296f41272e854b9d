# SPDX-License-Identifier: Apache-2.0
"""svm.py - the `svm` host: level 1 under QEMU's TCG, where kvm_amd works

Level 1 sees the source tree at /src through virtiofs, so that a muster that was
just built runs there at once, and has a disk of its own at /scratch.  It takes
jobs over a virtio serial port: see inits/svm.
"""

import contextlib
import functools
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import images
import payload
from host import HostFailed, Job, LOGS, Missing, Numbered, command, static_muster

QEMU = "qemu-system-x86_64"
VIRTIOFSD = Path("/usr/lib/qemu/virtiofsd")
UP_SECONDS = 15
MEMORY_MIB = 2048
WAKE_SECONDS = 0.25
SCRATCH_GIB = 8


def probe():
    """Raises Missing where this machine cannot be an svm host."""
    tool = images.missing_tool(QEMU, "unshare")
    if tool:
        raise Missing(f"{tool} is not installed")
    if not VIRTIOFSD.exists():
        raise Missing(f"{VIRTIOFSD} is not installed")


class SvmJob(Job):
    def __init__(self, host, folder):
        super().__init__(folder)
        self.host = host
        self.name = str(folder.relative_to(images.ROOT))

    def running(self):
        return self.name not in self.host.ended and self.host.alive()

    def wait(self, timeout=60):
        with self.host.news:
            self.host.news.wait_for(lambda: not self.running(), timeout)
        if self.name not in self.host.ended:
            raise HostFailed(f"did not end in {timeout} s:\n{self.described()}")
        return self.result(self.host.ended[self.name])

    def signal(self, name):
        self.host.shell(f"kill -{name} $(cat /src/{self.name}/pid)")


class Svm:
    """One level 1, from start() to stop()."""

    name = "svm"

    def __init__(self, folder=LOGS / "svm", cpu="max"):
        self.folder = folder
        self.cpu = cpu
        self.ended = {}
        self.news = threading.Condition()
        self.speaking = threading.Lock()
        self.processes = []
        self.ready = False
        self.up_seconds = None
        self.agent = None
        self.jobs = Numbered(folder)
        self.sockets = None

    def start(self, append="", console=None):
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        kernel, initrd = images.vmlinux(), images.level1_initrd()
        begun = time.monotonic()
        self.sockets = tempfile.TemporaryDirectory(prefix="muster-svm-")
        self._start_virtiofsd()
        self._start_qemu(kernel, initrd, append, console)
        if not console:
            self._connect(begun)
        return self

    def stop(self):
        for process in reversed(self.processes):
            process.kill()
            process.wait()
        if self.agent:
            self.agent.close()
        if self.sockets:
            self.sockets.cleanup()
        (self.folder / "scratch.ext4").unlink(missing_ok=True)

    @functools.cached_property
    def muster(self):
        return self.path(static_muster())

    def alive(self):
        return self.qemu.poll() is None

    def path(self, local):
        """Where a file of the source tree is in level 1."""
        return f"/src/{Path(local).resolve().relative_to(images.ROOT)}"

    def launch(self, script, stdin=b""):
        job = SvmJob(self, self.jobs.new(script, stdin))
        self._tell(job.name)
        return job

    def shell(self, script, timeout=60, stdin=b""):
        return self.launch(script, stdin).wait(timeout)

    def start_muster(self, args, stdin=b""):
        """`muster ARGS` in the background: signal() reaches it."""
        return self.launch(f"exec {command(self.muster, args)}\n", stdin)

    def run(self, args, timeout=60, stdin=b""):
        return self.start_muster(args, stdin).wait(timeout)

    # ---- bringing it up ----

    def _spawn(self, argv, log, **options):
        with open(self.folder / log, "wb") as out:
            options = {"stdin": subprocess.DEVNULL, "stdout": out, **options}
            process = subprocess.Popen(list(map(str, argv)), stderr=out,
                                       **options)
        self.processes.append(process)
        return process

    def _start_virtiofsd(self):
        path = Path(self.sockets.name) / "fs"
        argv = [VIRTIOFSD, f"--socket-path={path}", "-o",
                f"source={images.ROOT}", "-o", "cache=auto",
                "-o", "sandbox=chroot"]
        if os.geteuid():
            # It wants to be root and to write to /run.
            argv = ["unshare", "-Urm", "sh", "-c",
                    'mount -t tmpfs run /run && exec "$@"', "sh", *argv]
        daemon = self._spawn(argv, "virtiofsd.log")
        while not path.exists():
            if daemon.poll() is not None:
                raise HostFailed(f"virtiofsd ended: see {self.folder}")
            time.sleep(0.01)

    def _start_qemu(self, kernel, initrd, append, console):
        disk = self.folder / "scratch.ext4"
        images.ext4(disk, SCRATCH_GIB << 30)
        sockets = self.sockets.name
        device = "stdio,signal=off" if console else (
            f"file,path={self.folder}/console.log")
        self.qemu = self._spawn([
            QEMU, "-accel", "tcg,thread=multi",
            # TCG runs "rep stosb" byte by byte: kernels use it where it is fast.
            "-cpu", f"{self.cpu},-erms",
            # One CPU: with two, a VM that moves between them now and then ends
            # in a jump to nowhere (about 1 boot of Linux in 50; in most, when
            # one thread of QEMU runs both).
            "-M", "q35,memory-backend=mem", "-smp", 1, "-m", MEMORY_MIB,
            # Sharing a folder needs memory that virtiofsd can map.
            "-object", f"memory-backend-memfd,id=mem,size={MEMORY_MIB}M,share=on",
            "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
            "-kernel", kernel, "-initrd", initrd, "-append",
            f"host=svm console=ttyS0 quiet mitigations=off panic=-1 {append}"
            # Nobody wakes this one: its next tick does.
            + (" nohz=off highres=off" if console else ""),
            "-chardev", f"{device},id=console", "-serial", "chardev:console",
            "-drive", f"if=none,id=disk,file={disk},format=raw,cache=unsafe,"
            "discard=unmap", "-device", "virtio-blk-pci,drive=disk",
            "-chardev", f"socket,id=fs,path={sockets}/fs",
            "-device", "vhost-user-fs-pci,chardev=fs,tag=src",
            "-chardev", f"socket,id=agent,path={sockets}/agent,server=on,wait=off",
            "-device", "virtio-serial-pci",
            "-device", "virtserialport,chardev=agent,name=agent",
            "-device", "virtio-rng-pci",
        ], "qemu.log", **(console or {}))

    def _connect(self, begun):
        agent = socket.socket(socket.AF_UNIX)
        while agent.connect_ex(f"{self.sockets.name}/agent"):
            if not self.alive():
                raise HostFailed(f"QEMU ended: see {self.folder}/qemu.log")
            time.sleep(0.01)
        self.agent = agent
        threading.Thread(target=self._listen, daemon=True).start()
        with self.news:
            self.news.wait_for(lambda: self.ready or not self.alive(),
                               4 * UP_SECONDS)
        if not self.ready:
            raise HostFailed(f"level 1 is not up: see {self.folder}/console.log")
        self.up_seconds = time.monotonic() - begun
        threading.Thread(target=self._keep_awake, daemon=True).start()
        self._keep_a_vm()

    def _tell(self, line):
        with self.speaking:
            self.agent.sendall(f"{line}\n".encode())

    def _keep_awake(self):
        """Now and then level 1 sleeps through its timer, and all VMs with it, until
        some other interrupt comes: seen in 1 of 30 boots of Linux."""
        while self.alive():
            try:
                self._tell("")
            except OSError:
                return
            time.sleep(WAKE_SECONDS)

    def _keep_a_vm(self):
        """A VM that sleeps beside those of the tests.

        Level 1 patches its scheduler for its first VM and back after the last
        (preempt_notifier_key), and now and then QEMU's TCG goes on running the
        breakpoint that was there in between: level 1 then hangs.
        """
        idle = self.path(payload.guest("idle"))
        self.start_muster(["run", "--kernel", idle, "--memory", "64M"]).expect(
            "idle: ok")

    def _listen(self):
        # stop() ends QEMU, and the connection with what we had not read of it.
        with contextlib.suppress(ConnectionResetError):
            for line in self.agent.makefile():
                self._hear(line)
        with self.news:
            self.news.notify_all()

    def _hear(self, line):
        with self.news:
            if line == "ready\n":
                self.ready = True
            else:
                name, status = line.split()
                self.ended[name] = int(status)
            self.news.notify_all()
