# SPDX-License-Identifier: Apache-2.0
"""test_badinput.py - what muster refuses: one sentence, its status, no trace

Each sentence names the option, the value and, after a semicolon, the remedy.
"""

import fcntl
import os
import struct
import subprocess
import time

import pytest

import images

BAD_CONFIG, HOST_LACKS = 2, 3

pytestmark = pytest.mark.needs("direct")

# Neither root's right to read everything, nor a way to get it back.
UNPRIVILEGED = ["setpriv", "--inh-caps=-all",
                "--bounding-set=-dac_override,-dac_read_search"]


@pytest.fixture(scope="module")
def kernel():
    return images.bzimage()


@pytest.fixture
def here(tmp_path, kernel):
    """A folder of good and bad files; the run must not change it."""
    good = kernel.read_bytes()
    (tmp_path / "empty").touch()
    (tmp_path / "cut-bz").write_bytes(good[:300_000])
    (tmp_path / "cut-elf").write_bytes(images.vmlinux().read_bytes()[:300_000])
    (tmp_path / "folder").mkdir()
    (tmp_path / "text").write_text("not a kernel\n" * 1000)
    (tmp_path / "disk").write_bytes(bytes(1 << 20))
    (tmp_path / "kernel").symlink_to(kernel)
    with open(tmp_path / "huge", "wb") as huge:
        huge.truncate(1 << 30)
    return tmp_path


def listing(folder):
    """Everything that a run could change."""
    return sorted((str(p), p.stat().st_size, p.stat().st_mtime_ns,
                   p.stat().st_mode) for p in folder.rglob("*"))


def refused(muster, args, here, before=()):
    return subprocess.run([*before, muster, "run", *args], cwd=here,
                          stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=30, check=False)


def check_refusal(result, status, words):
    assert result.returncode == status, result
    assert result.stdout == ""
    assert len(result.stderr.strip().splitlines()) == 1, result.stderr
    for word in [*words, ";"]:
        assert word in result.stderr


GOOD = ["--kernel", "kernel", "--timeout", "5s"]

CASES = {
    "kernel-not-given": ([], ["--kernel"]),
    "kernel-absent": (["--kernel", "none"], ["--kernel none"]),
    "kernel-empty": (["--kernel", "empty"], ["--kernel empty", "empty"]),
    "kernel-truncated": (["--kernel", "cut-bz"], ["--kernel cut-bz"]),
    "elf-truncated": (["--kernel", "cut-elf"], ["--kernel cut-elf"]),
    "kernel-directory": (["--kernel", "folder"],
                         ["--kernel folder", "directory"]),
    "kernel-text": (["--kernel", "text"], ["--kernel text", "bzImage"]),
    "kernel-beyond-memory": (["--kernel", "kernel", "--memory", "8M"],
                             ["--kernel kernel", "memory"]),
    "initrd-absent": ([*GOOD, "--initrd", "none"], ["--initrd none"]),
    "initrd-directory": ([*GOOD, "--initrd", "folder"],
                         ["--initrd folder", "directory"]),
    "initrd-beyond-memory": ([*GOOD, "--initrd", "huge"],
                             ["--initrd huge", "--memory"]),
    "memory-0": ([*GOOD, "--memory", "0"], ["--memory 0"]),
    "memory-no-multiple": ([*GOOD, "--memory", "536870913"],
                           ["--memory 536870913", "multiple"]),
    "memory-out-of-range": ([*GOOD, "--memory", "65T"], ["--memory 65T"]),
    "memory-no-number": ([*GOOD, "--memory", "much"], ["--memory much"]),
    "cpus-0": ([*GOOD, "--cpus", "0"], ["--cpus 0"]),
    "cpus-too-many": ([*GOOD, "--cpus", "255"], ["--cpus 255", "254"]),
    "cpus-negative": ([*GOOD, "--cpus", "-1"], ["--cpus -1"]),
    "disk-absent": ([*GOOD, "--disk", "path=none"], ["--disk path=none"]),
    "disk-directory": ([*GOOD, "--disk", "path=folder"],
                       ["--disk path=folder", "directory"]),
    "disk-without-path": ([*GOOD, "--disk", "readonly=on"],
                          ["--disk", "path"]),
    "disk-given-for-two": ([*GOOD, "--disk", "path=disk",
                            "--disk", "path=./disk"], ["--disk path=./disk"]),
    "unknown-option": ([*GOOD, "--memroy", "1G"], ["--memroy", "unknown"]),
    "unknown-key": ([*GOOD, "--disk", "path=disk,cache=on"],
                    ["--disk cache", "unknown"]),
    "unknown-choice": ([*GOOD, "--loop-engine", "magic"],
                       ["--loop-engine magic", "epoll"]),
    "out-of-range": ([*GOOD, "--timeout", "0s"], ["--timeout 0s"]),
    "given-twice": ([*GOOD, "--cpus", "1", "--cpus", "2"],
                    ["--cpus 2", "twice"]),
    "key-given-twice": ([*GOOD, "--disk", "path=disk,direct=on,direct=off"],
                        ["--disk direct=off", "twice"]),
    "value-missing": ([*GOOD, "--cpus"], ["--cpus"]),
}


@pytest.mark.parametrize("name", CASES)
def test_refuses(muster, here, name):
    args, words = CASES[name]
    before = listing(here)
    result = refused(muster, args, here)
    check_refusal(result, BAD_CONFIG, words)
    assert listing(here) == before


def test_refuses_more_memory_than_the_host_gives(muster, here):
    result = refused(muster, [*GOOD, "--memory", "16G"], here,
                     ["sh", "-c", 'ulimit -v 4000000; exec "$@"', "sh"])
    check_refusal(result, BAD_CONFIG, ["--memory"])


def wait_until_locked(path):
    """Until somebody holds an open file description lock (fcntl(2))."""
    deadline = time.monotonic() + 10
    with open(path, "rb+") as file:
        while time.monotonic() < deadline:
            asked = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
            found = fcntl.fcntl(file, fcntl.F_OFD_GETLK, asked)
            if struct.unpack_from("h", found)[0] != fcntl.F_UNLCK:
                return
            time.sleep(0.01)
    raise AssertionError(f"{path} was not locked")


def test_refuses_a_disk_that_another_vm_has(muster, here):
    args = [*GOOD, "--disk", "path=disk", "--console", "none"]
    with subprocess.Popen([muster, "run", *args], cwd=here) as other:
        try:
            wait_until_locked(here / "disk")
            result = refused(muster, args, here)
        finally:
            other.kill()
    check_refusal(result, BAD_CONFIG, ["--disk path=disk", "in use"])


@pytest.mark.needs("root")
def test_refuses_a_disk_that_it_may_not_read(muster, here):
    (here / "disk").chmod(0)
    result = refused(muster, [*GOOD, "--disk", "path=disk"], here,
                     UNPRIVILEGED)
    check_refusal(result, BAD_CONFIG, ["--disk path=disk", "permission"])


@pytest.mark.needs("root")
def test_refuses_a_kernel_that_it_may_not_read(muster, here):
    (here / "text").chmod(0)
    result = refused(muster, ["--kernel", "text"], here, UNPRIVILEGED)
    check_refusal(result, BAD_CONFIG, ["--kernel text", "ermission"])


def with_dev(script):
    """Runs a command with a /dev of its own, which `script` fills."""
    return ["unshare", "-m", "sh", "-c",
            f'mount -t tmpfs dev /dev && {script} && exec "$@"', "sh"]


@pytest.mark.needs("root")
def test_says_that_kvm_is_absent(muster, here):
    result = refused(muster, GOOD, here, with_dev("mknod /dev/null c 1 3"))
    check_refusal(result, HOST_LACKS, ["/dev/kvm", "absent"])


@pytest.mark.needs("root")
def test_says_that_kvm_is_forbidden(muster, here):
    result = refused(muster, GOOD, here,
                     [*with_dev("mknod -m 0 /dev/kvm c 10 232"),
                      *UNPRIVILEGED])
    check_refusal(result, HOST_LACKS, ["/dev/kvm", "permission"])


@pytest.mark.needs("root")
def test_says_that_kvm_is_no_kvm(muster, here):
    result = refused(muster, GOOD, here, with_dev("mknod /dev/kvm c 1 3"))
    check_refusal(result, HOST_LACKS, ["/dev/kvm", "not a KVM"])


OLD_KVM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <linux/kvm.h>
#include <stdarg.h>

int ioctl(int fd, unsigned long request, ...)
{
	int (*real)(int, unsigned long, void *) = dlsym(RTLD_NEXT, "ioctl");
	va_list ap;
	void *arg;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (request == KVM_GET_API_VERSION)
		return API_VERSION;
	if (request == KVM_CHECK_EXTENSION && arg == (void *)LACKS)
		return 0;
	return real(fd, request, arg);
}
"""


def old_kvm(folder, version, lacks):
    """LD_PRELOAD that shows another KVM: the one fake that no host gives."""
    source = folder / "old_kvm.c"
    source.write_text(OLD_KVM)
    subprocess.run([os.environ.get("CC", "cc"), "-shared", "-fPIC", "-o",
                    folder / "old_kvm.so", source, f"-DAPI_VERSION={version}",
                    f"-DLACKS={lacks}", "-ldl"], check=True)
    return ["env", f"LD_PRELOAD={folder}/old_kvm.so"]


@pytest.mark.needs("dynamic")
@pytest.mark.parametrize("version, lacks, words", [
    (11, -1, ["API version 11", "12"]),
    (12, "KVM_CAP_IRQFD", ["KVM_CAP_IRQFD", "since Linux"]),
], ids=["old-api", "capability-lacks"])
def test_says_that_kvm_is_too_old(muster, here, tmp_path_factory, version,
                                  lacks, words):
    shim = old_kvm(tmp_path_factory.mktemp("shim"), version, lacks)
    check_refusal(refused(muster, GOOD, here, shim), HOST_LACKS, words)


def test_help_and_version_need_no_host(muster):
    for verb in "help", "version":
        done = subprocess.run([muster, verb], capture_output=True, text=True,
                              check=False)
        assert (done.returncode, done.stderr) == (0, "")
        assert "muster" in done.stdout
