# SPDX-License-Identifier: Apache-2.0
"""test_snapshot_vmx.py - snapshots that go from one Intel generation to another

The newer host takes two: of a VM that was shown the CPU of their fleet, and of one
that was shown its own.  The older host, booted after it, gets the files.
"""

import base64
import gzip
import re

import pytest

import payload
import tally
from host import LOGS
from make_profiles import MODELS
from test_fleet_vmx import template

pytestmark = pytest.mark.needs("vmx")

_, _, _, OLDER, _, NEWER = MODELS
KINDS = "fleet", "host"
FILES = "state", "memory"
STOPPED, TIMED_OUT, BAD_CONFIG, MISFIT = 14, 13, 2, 1
# What Bochs' Skylake-X has and its Ivy Bridge not.
MISSING = {"movbe", "bmi1", "bmi2", "invpcid", "rdseed", "adx", "smap",
           "clflushopt", "clwb", "3dnowprefetch", "pdpe1gb"}
FOLDER = LOGS / "snapshot-vmx"
PAGE = 4096

TAKE = """
rm -f out state memory
m={muster}
$m run {args} --control s >out &
until [ "$(wc -l <out)" -ge 10 ]; do sleep 0.1; done
$m ctl --socket s pause && $m ctl --socket s snapshot --state state --memory memory
kill $!
wait $!
status=$?
for file in out state memory; do
	echo "@ $file"
	gzip -c $file | base64
done
exit $status
"""


def vmx_jobs(host):
    if host.model == NEWER:
        for kind in KINDS:
            host.add_shell(f"snapshot:{kind}", TAKE.format(
                muster=host.muster, args=" ".join(map(str, run_args(host, kind)))))
    if host.model == OLDER:
        for kind in KINDS:
            taken = host.boots(NEWER)[f"snapshot:{kind}"]
            if taken.status != STOPPED:
                continue  # which fails a test of its own
            files = unpack(kind, taken)
            args = [f"--{name}={host.path(path)}" for name, path in files.items()]
            host.add(f"restore:{kind}", ["restore", *args, "--resume",
                                         "--timeout", "3s"])
            host.add(f"check:{kind}", ["snapshot", "check", *args])


def run_args(host, kind):
    cpu = ["--cpu", host.path(template("all")), "--nested", "on"]
    return ["--kernel", host.path(payload.guest("tally")), "--memory", "16M",
            *(cpu if kind == "fleet" else ["--cpu", "host"])]


def unpack(kind, result):
    """{name: path} of the two files, out of what the job printed."""
    made = {}
    for name in FILES:
        made[name] = FOLDER / f"{kind}.{name}"
        FOLDER.mkdir(parents=True, exist_ok=True)
        write_sparse(made[name], printed(result, name))
    return made


def printed(result, name):
    text = re.search(rf"^@ {name}\n([A-Za-z0-9+/=\n]+)", result.console, re.MULTILINE)
    assert text, result
    return gzip.decompress(base64.b64decode(text[1]))


def write_sparse(path, data):
    with open(path, "wb") as file:
        for at in range(0, len(data), PAGE):
            if data[at:at + PAGE].strip(b"\0"):
                file.seek(at)
                file.write(data[at:at + PAGE])
        file.truncate(len(data))


@pytest.fixture
def taken(vmx):
    return {kind: vmx(NEWER)[f"snapshot:{kind}"] for kind in KINDS}


def test_the_newer_host_takes_both(taken):
    for result in taken.values():
        assert result.status == STOPPED, result.stderr


def test_the_fleets_cpu_goes_on_where_it_was(vmx, taken):
    result = vmx(OLDER)["restore:fleet"]
    assert result.status == TIMED_OUT, result
    assert vmx(OLDER)["check:fleet"].status == 0
    before = printed(taken["fleet"], "out").decode().replace("\r", "")
    tally.check([before, result.console], 1)


def test_a_newer_cpu_is_refused_and_each_bit_that_lacks_is_named(vmx):
    refused = vmx(OLDER)["restore:host"]
    assert refused.status == BAD_CONFIG, refused
    assert refused.stdout == ""
    assert refused.stderr.count("\n") == 1
    check = vmx(OLDER)["check:host"]
    assert check.status == MISFIT, check
    for text in refused.stderr, check.console:
        assert "this host cannot show it" in text
        missing = {bit for bit in MISSING if re.search(rf"\b{bit}\b", text)}
        assert missing == MISSING, text
