# SPDX-License-Identifier: Apache-2.0
"""test_disk.py - what a guest writes is on the host's disk, and what not is not

One scenario of two boots, in shell, runs on every host: the first boot writes
and is killed where it stands, the second finds what was synced, and trims.
"""

import hashlib

import pytest

import images
import linux
from vmx import DEFAULT_MODEL

WRITES = """
echo "@queues $(ls /sys/block/vda/mq | wc -l)"
echo "@id $(cat /sys/block/vdb/serial)"
echo "@cache $(cat /sys/block/vda/queue/write_cache)"
echo "@read_only $(cat /sys/block/vdc/ro)"
echo kept >/kept
dd if=/dev/zero of=/big bs=1M count=32 2>/dev/null
while cat /bin/busybox; do :; done 2>/dev/null |
	dd of=/dev/vdb bs=1M count=64 iflag=fullblock conv=fsync 2>/dev/null
sync
echo 3 >/proc/sys/vm/drop_caches
echo "@guest_sum $(md5sum /dev/vdb | cut -c1-32)"
echo "@guest_read $(head -c 8388608 /dev/vdc | md5sum | cut -c1-32)"
echo @synced
sleep 1000
"""

TRIMS = """
echo "@kept $(cat /kept)"
rm /big
sync
fstrim / && echo "@trimmed yes"
blkdiscard /dev/vdb && echo "@discarded yes"
echo "@discarded_sum $(md5sum /dev/vdb | cut -c1-32)"
"""

SCENARIO = """
cp {root} root.ext4
rm -f data first second
truncate -s 64M data
blocks() {{ echo "@$1 $(stat -c %b "$2")"; }}

{first} >first & vm=$!
until grep -q @synced first; do
	kill -0 $vm || break
	sleep 0.2
done
kill -KILL $vm
wait $vm
echo "@host_sum $(md5sum data | cut -c1-32)"
echo "@host_read $(head -c 8388608 {root} | md5sum | cut -c1-32)"
blocks root_before root.ext4
blocks data_before data

{second} >second
echo "@status $?"
blocks root_after root.ext4
blocks data_after data
cat first second
"""

# /scratch is ext4 in one level 1 and tmpfs, without O_DIRECT, in the other.
DIRECT = {"svm": ",direct=on", "vmx": ""}
# The cheapest sum that busybox has: Bochs takes a second for a megabyte of SHA-256.
EMPTY_SUM = hashlib.md5(b"").hexdigest()
ZEROES_SUM = hashlib.md5(bytes(64 << 20)).hexdigest()
VARIANTS = [("svm", "io_uring"), ("svm", "epoll"), ("vmx", "auto")]


def scenario(host, engine):
    root = host.path(images.root_disk())

    def boot(script):
        args = linux.run_args(
            host, "bzimage", script, "--cpus", 2, "--memory", "256M",
            "--disk", "path=root.ext4",
            "--disk", f"path=data,id=data-1{DIRECT[host.name]}",
            "--disk", f"path={root},readonly=on", "--loop-engine", engine,
            cmdline=linux.ROOT_DISK, timeout="400s")
        return f"{host.muster} {linux.quoted(args)}"

    return SCENARIO.format(root=root, first=boot(WRITES), second=boot(TRIMS))


def vmx_jobs(host):
    if host.model == DEFAULT_MODEL:
        host.seconds += 900
        host.add_shell("scenario", scenario(host, "auto"))


@pytest.fixture(scope="module", params=[
    pytest.param(v, id="-".join(v), marks=pytest.mark.needs(v[0]))
    for v in VARIANTS])
def played(request):
    """The facts of one scenario."""
    name, engine = request.param
    host = request.getfixturevalue(name)
    if name == "vmx":
        result = host()["scenario"]
    else:
        result = host.shell(scenario(host, engine), timeout=180)
    assert "kept" in result.facts, f"{result.console}\n{result.stderr}"
    return result.facts


def test_killed_vm_keeps_what_was_synced(played):
    assert played["kept"] == "kept"


def test_host_reads_what_the_guest_wrote(played):
    assert played["guest_sum"] == played["host_sum"] != EMPTY_SUM


def test_guest_reads_what_the_host_wrote(played):
    assert played["guest_read"] == played["host_read"] != EMPTY_SUM


def test_fstrim_makes_the_host_file_sparser(played):
    freed = int(played["root_before"]) - int(played["root_after"])
    assert played.get("trimmed") == "yes"
    assert freed * 512 > 24 << 20


def test_discard_frees_the_host_blocks_and_reads_as_zeroes(played):
    assert played.get("discarded") == "yes"
    assert played["discarded_sum"] == ZEROES_SUM
    assert int(played["data_before"]) * 512 >= 64 << 20
    assert int(played["data_after"]) * 512 < 1 << 20


def test_disk_has_a_queue_for_each_cpu(played):
    assert played["queues"] == "2"


def test_disk_shows_its_id_its_cache_and_read_only(played):
    assert played["id"] == "data-1"
    assert played["cache"] == "write back"
    assert played["read_only"] == "1"


def test_second_boot_ends_with_status_0(played):
    assert played["status"] == "0"


FULL = """
dd if=/dev/zero of=/dev/vda bs=64K count=64 conv=fsync 2>/dev/null ||
	echo "@error seen"
dd if=/dev/vda of=/dev/null bs=64K count=1 2>/dev/null && echo "@reads still"
"""


@pytest.mark.needs("svm")
@pytest.mark.parametrize("engine", ["io_uring", "epoll"])
def test_full_host_disk_is_an_error_in_the_guest_and_in_the_log(svm, engine):
    args = linux.run_args(svm, "bzimage", FULL, "--memory", "256M", "--disk",
                          "path=small/disk", "--loop-engine", engine)
    result = svm.shell(
        "mkdir -p small && mount -t tmpfs -o size=1M small small\n"
        f"truncate -s 16M small/disk\n{svm.muster} {linux.quoted(args)}\n"
        "status=$?; umount small; exit $status\n")
    assert result.facts.get("error") == "seen"
    assert result.facts.get("reads") == "still"
    assert result.status == 0
    assert "small/disk" in result.stderr
    assert "No space left" in result.stderr
