# SPDX-License-Identifier: Apache-2.0
"""linux_guest.py - a Debian guest that writes to its disk and is told what to do

It runs each line that comes to its console, until it is told to finish.  What it
writes it sums up before, in memory.
"""

import re
import shlex
import subprocess
import time

import images
import linux
from host import HostFailed, command

DISK_ID = "data"
DISK_BYTES = 16 << 20
FILES = 10
STOPPED = 14

# Complaints come three times as early as they would: a pause of 24 s is for the
# guest's watchdogs what one of more than 60 s is for others'.
IMPATIENT = "watchdog_thresh=4 rcupdate.rcu_cpu_stall_timeout=4"

SCRIPT = f"""
mkdir /mnt /run/w
mount -t ext4 /dev/vda /mnt || echo "@mount failed"
uptime() {{ cut -d' ' -f1 /proc/uptime; }}

keep() {{ dd of=$1 bs=64k conv=fsync 2>/dev/null; }}

# Files whose sums are made of what was to be written, over and over.
write() {{
	n=0
	until [ -e /run/w/stop ]; do
		n=$((n + 1)) i=$((n % {FILES}))
		head -c $((RANDOM * 4)) /dev/urandom >/run/w/data
		rm -f /mnt/$i.md5
		keep /mnt/$i </run/w/data
		md5sum </run/w/data | keep /mnt/$i.md5
		echo $n >/run/w/new
		mv /run/w/new /run/w/written # never seen empty
	done
}}

report() {{
	echo "@clocks $(uptime) $(date +%s) $(cat /run/w/written)"
}}

# nap SECONDS: a timer that is armed now
nap() {{
	(begun=$(uptime); sleep $1; echo "@nap $1 $begun $(uptime)") &
}}

finish() {{
	touch /run/w/stop
	wait $writer
	sync
	echo 3 >/proc/sys/vm/drop_caches
	for sum in /mnt/*.md5; do
		[ "$(md5sum <${{sum%.md5}})" = "$(cat $sum)" ] || echo "@damaged $sum"
	done
	echo "@files $(ls /mnt/*.md5 | wc -l)"
	umount /mnt
	{linux.SHOW_WARNINGS}
	echo "@finished"
	finished=1
}}

write &
writer=$!
until [ -e /run/w/written ]; do sleep 0.1; done
echo "@ready"
while [ -z "$finished" ] && read -r line; do
	eval "$line"
done
"""


class Guest:
    """A VM in level 1: run, or restored."""

    def __init__(self, host, name, args, disk=None):
        self.host = host
        self.name = name
        self.disk = disk
        args = [*args, "--control", f"{name}.sock"]
        host.shell(f"mkfifo {name}.in")
        self.job = host.launch(f"exec {command(host.muster, args)} <>{name}.in\n")

    def ctl(self, *words):
        """A command for a script in level 1."""
        return command(self.host.muster, ["ctl", "--socket", f"{self.name}.sock",
                                          *words])

    def do(self, *commands):
        result = self.host.shell(" && ".join(commands))
        assert result.status == 0, result

    def pause(self):
        self.do(self.ctl("pause"))

    def resume(self):
        self.do(self.ctl("resume"))

    def type(self, line):
        self.do(f"echo {shlex.quote(line)} >{self.name}.in")

    def ask(self, line, answer):
        """What it answered: the words behind its last "@ANSWER"."""
        count = len(self.answers(answer))
        self.type(line)
        return self.heard(answer, count + 1)

    def heard(self, answer, count=1, timeout=60):
        deadline = time.monotonic() + timeout
        while len(self.answers(answer)) < count:
            if not self.job.running() or time.monotonic() > deadline:
                raise HostFailed(f"no @{answer}:\n{self.job.described()}")
            time.sleep(0.05)
        return self.answers(answer)[-1].split()

    def answers(self, name):
        return re.findall(rf"^@{name}\b *(.*)\n", self.console(), re.MULTILINE)

    def console(self):
        return self.job.output().replace("\r", "")

    def clocks(self):
        """Uptime, date, and how many files were written."""
        uptime, date, written = self.ask("report", "clocks")
        return float(uptime), int(date), int(written)

    def finish(self):
        self.ask("finish", "finished")
        result = self.job.wait(60)
        assert result.status == 0, result
        return result

    def kill(self):
        self.job.signal("KILL")
        self.job.wait()


def boot(host, name, cmdline=""):
    """A guest that has begun to write."""
    disk = f"{name}.img"
    made = host.folder / disk
    images.ext4(made, DISK_BYTES)
    host.shell(f"cp {host.path(made)} {disk}")
    args = linux.run_args(
        host, "bzimage", SCRIPT, "--cpus", 2, "--memory", "128M", "--disk",
        f"path={disk},id={DISK_ID}",
        cmdline=f"{linux.CONSOLE} {IMPATIENT} {cmdline}", timeout="300s")
    guest = Guest(host, name, args, disk)
    guest.heard("ready")
    return guest


def check(guest, allowed=None):
    """It ends with all its data, and had nothing else to complain about."""
    result = guest.finish()
    assert [line for line in linux.complaints(result.console)
            if not allowed or allowed not in line] == []
    assert guest.answers("damaged") == []
    check_disk(guest)


def check_disk(guest):
    """The same, as this machine sees its disk."""
    local = guest.host.folder / f"{guest.name}.disk"
    guest.host.shell(f"cp {guest.disk} {guest.host.path(local.parent)}/{local.name}")
    tree = guest.host.folder / f"{guest.name}.tree"
    tree.mkdir(exist_ok=True)
    images.call("e2fsck", "-fn", local, env={"PATH": images.SEARCH})
    images.call("debugfs", "-R", f"rdump / {tree}", local,
                env={"PATH": images.SEARCH})
    sums = sorted(tree.glob("*.md5"))
    assert len(sums) == int(guest.answers("files")[0]) > 0
    for path in sums:
        told = subprocess.run(["md5sum"], input=path.with_suffix("").read_bytes(),
                              capture_output=True, check=True).stdout
        assert told == path.read_bytes(), path
