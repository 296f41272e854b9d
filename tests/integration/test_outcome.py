# SPDX-License-Identifier: Apache-2.0
"""test_outcome.py - how a VM ends: one exit status and one line for each way"""

import os
import pty
import select
import subprocess
import time

import pytest

import images
import linux

REBOOT, TRIPLE_FAULT, PANIC, TIMEOUT, STOPPED = 10, 11, 12, 13, 14
SPIN = "echo @up\nwhile :; do sleep 1; done\n"


def check_end(result, status, words):
    assert result.status == status, f"{result.console}\n{result.stderr}"
    lines = result.stderr.strip().splitlines()
    assert lines and words in lines[-1].lower()


@pytest.mark.needs("svm")
@pytest.mark.parametrize("script, cmdline, status, words", [
    ("reboot -f", "", REBOOT, "reboot"),
    ("reboot -f", "reboot=k", REBOOT, "reboot"),
    ("reboot -f", "reboot=t", TRIPLE_FAULT, "triple fault"),
    ("echo c >/proc/sysrq-trigger", "panic=0", PANIC, "panic"),
    (SPIN, "", TIMEOUT, "timeout"),
], ids=["reboot", "reboot-by-keyboard", "triple-fault", "panic", "timeout"])
def test_guest_ends(svm, script, cmdline, status, words):
    limit = "8s" if status == TIMEOUT else "60s"
    args = linux.run_args(svm, "bzimage", script, timeout=limit,
                          cmdline=f"{linux.CONSOLE} {cmdline}")
    check_end(svm.run(args), status, words)


@pytest.mark.needs("svm")
@pytest.mark.parametrize("signal", ["TERM", "HUP"])
def test_signal_stops_a_running_guest(svm, signal):
    job = svm.start_muster(linux.run_args(svm, "bzimage", SPIN))
    job.expect("@up")
    job.signal(signal)
    check_end(job.wait(10), STOPPED, f"sig{signal.lower()}")


@pytest.mark.needs("svm")
def test_guest_without_acpi_boots_and_reboots(svm):
    args = linux.run_args(svm, "bzimage", "echo @online $(nproc)\nreboot -f",
                          cmdline=f"{linux.CONSOLE} acpi=off")
    result = svm.run(args)
    # Debian's cloud kernel has no MP table parser: it finds one CPU.
    assert result.facts.get("online") == "1", result
    assert result.status == REBOOT


@pytest.mark.needs("svm")
def test_console_that_nobody_reads_does_not_hold_the_guest(svm):
    script = "for i in $(seq 3000); do echo 'a line that nobody reads'; done"
    args = linux.run_args(svm, "bzimage", script)
    result = svm.shell("rm -f silent; mkfifo silent; sleep 1000 <silent &\n"
                       f"{svm.muster} {linux.quoted(args)} >silent\n"
                       "status=$?; kill $!; exit $status\n", timeout=60)
    assert result.status == 0


@pytest.mark.needs("svm")
def test_console_file_gets_the_console(svm):
    args = linux.run_args(svm, "bzimage", "echo @in file",
                          "--console", "file=console")
    result = svm.run(args)
    assert result.status == 0
    assert "@in" not in result.stdout
    assert "@in file" in svm.shell("cat console").stdout


@pytest.mark.needs("svm")
def test_without_console_the_guest_still_runs(svm):
    args = linux.run_args(svm, "bzimage", "echo unheard", "--console", "none")
    result = svm.run(args)
    assert (result.status, result.stdout) == (0, "")


@pytest.mark.needs("direct")
def test_escape_key_ends_the_vm_and_restores_the_terminal(muster):
    """Any guest will do: the key is muster's own."""
    master, terminal = pty.openpty()
    before = subprocess.check_output(["stty", "-g"], stdin=terminal)
    vm = subprocess.Popen([muster, "run", "--kernel", images.bzimage(),
                           "--timeout", "60s"],
                          stdin=terminal, stdout=terminal, stderr=terminal)
    shown = read_until(master, b"Ctrl-]")
    time.sleep(0.5)
    os.write(master, b"\x1d")
    status = vm.wait(10)
    after = subprocess.check_output(["stty", "-g"], stdin=terminal)
    os.close(terminal)
    os.close(master)
    assert b"Ctrl-]" in shown
    assert status == STOPPED
    assert before == after


def read_until(descriptor, wanted, timeout=20):
    seen = b""
    deadline = time.monotonic() + timeout
    while wanted not in seen and time.monotonic() < deadline:
        if select.select([descriptor], [], [], 0.2)[0]:
            seen += os.read(descriptor, 4096)
    return seen
