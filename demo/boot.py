# SPDX-License-Identifier: Apache-2.0
"""boot.py - boot a Debian kernel to a shell on a root disk, here or emulated

Whether the /dev/kvm of this machine can run Linux is found out by booting.
Where it cannot, the same microVM runs in level 1 of the test host `svm`, which
emulates a machine that can.
"""

import os
import select
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/integration"))

import images  # noqa: E402
import svm  # noqa: E402
from host import HostFailed, command, static_muster  # noqa: E402

FOLDER = ROOT / "build/demo"
MUSTER = ROOT / "build/muster"
BOOTS_IN_SECONDS = 10
STOPPED = 14  # by the escape key: as good an end of a demo as any
PROMPT = b"# "


def say(text):
    print(f"demo: {text}", flush=True)


def arguments(path, initrd, extra):
    """A microVM; `path` says where a file is for the muster that runs it."""
    return ["run", "--kernel", path(images.bzimage()), "--initrd", path(initrd),
            "--cpus", "2", "--memory", "512M", *extra]


def why_not_here():
    """None where /dev/kvm runs Linux, else the reason in words."""
    try:
        os.close(os.open("/dev/kvm", os.O_RDWR))
    except OSError as error:
        return f"/dev/kvm: {error.strerror}"
    initrd = FOLDER / "probe.cpio"
    initrd.write_bytes(images.guest_initrd().read_bytes() +
                       images.script_archive("echo linux runs\n"))
    probe = subprocess.run(
        [MUSTER, *arguments(str, initrd, [
            "--cmdline", "console=ttyS0 loglevel=3 panic=-1",
            "--timeout", f"{BOOTS_IN_SECONDS}s"])],
        stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if b"linux runs" in probe.stdout:
        return None
    return "the KVM of this machine did not boot a Debian kernel"


def root_disk():
    """The user's own copy, which keeps what is written to it."""
    disk = FOLDER / "root.ext4"
    if not disk.exists():
        # cp keeps the holes.
        subprocess.run(["cp", images.root_disk(), disk], check=True)
    return disk


def shell_arguments(path):
    return arguments(path, images.guest_initrd(), [
        "--cmdline", "console=ttyS0 loglevel=3 panic=-1 root=/dev/vda",
        "--disk", f"path={path(root_disk())}", "--rng"])


def converse(start):
    """Run start(stdin, stdout) until it ends; returns its exit status.

    What is sent before the guest listens would be lost, so that input which is
    not a terminal waits for the prompt.  Its end ends the shell.
    """
    if os.isatty(0):
        return start(None, None).wait()
    process = start(subprocess.PIPE, subprocess.PIPE)
    seen = b""
    sources = [process.stdout]
    while process.stdout in sources:
        ready = select.select(sources, [], [])[0]
        if process.stdout in ready:
            data = os.read(process.stdout.fileno(), 65536)
            os.write(1, data)
            if not data:
                sources.remove(process.stdout)
            if PROMPT not in seen and PROMPT in seen + data:
                sources.append(0)
            seen += data
        if 0 in ready:
            data = os.read(0, 4096)
            if not data:
                sources.remove(0)
            type_in(process, data or b"exit\n")
    return process.wait()


def type_in(process, data):
    try:
        process.stdin.write(data)
        process.stdin.flush()
    except BrokenPipeError:
        pass  # it has ended, and its output will say so


def boot_here():
    say("/dev/kvm runs Linux: booting on it")
    return converse(lambda stdin, stdout: subprocess.Popen(
        [MUSTER, *shell_arguments(str)], stdin=stdin, stdout=stdout))


def boot_emulated():
    subprocess.run([ROOT / "tests/install-packages", "svm"], check=True)
    host = svm.Svm(FOLDER / "svm")
    job = FOLDER / "job"
    shutil.rmtree(job, ignore_errors=True)
    job.mkdir()
    muster = host.path(static_muster())
    (job / "script").write_text(
        f"exec {command(muster, shell_arguments(host.path))}\n")

    def start(stdin, stdout):
        host.start(append=f"loglevel=1 interactive={job.relative_to(ROOT)}",
                   console={"stdin": stdin, "stdout": stdout})
        return host.qemu

    try:
        converse(start)
        return int((job / "status").read_text())
    finally:
        host.stop()


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    reason = why_not_here()
    if not reason:
        return boot_here()
    say(f"{reason}; booting inside an emulated host, which is slower")
    return boot_emulated()


if __name__ == "__main__":
    try:
        status = main()
    except (images.ImageError, HostFailed) as error:
        sys.exit(f"demo: {error}")
    say(f"muster ended with status {status}")
    sys.exit(0 if status == STOPPED else status)
