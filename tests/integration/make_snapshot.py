# SPDX-License-Identifier: Apache-2.0
"""make_snapshot.py - make the golden snapshot: tests/data/snapshot/vm-1.{state,memory}.xz

    python3 tests/integration/make_snapshot.py

It is of format 1, taken on `svm` of a VM that shows the CPU of a fleet of AMD's EPYCs,
with two CPUs, a disk and a random source.  Only the frequency of the TSC is taken out of
the template, or it would ask for a host as fast as the one that made it.  It stays as it
is for ever: a newer format gets a golden snapshot with another number in its name.
"""

import lzma
import re
import sys

import images
import payload
import svm
from host import HostFailed, Missing
from snapshot_pair import parts_of, sealed

SNAPSHOTS = images.ROOT / "tests/data/snapshot"
FILES = "state", "memory"
NAME = "vm-1"
TEMPLATE = images.ROOT / "tests/data/templates/amd.json"
DISK_ID = "golden"


def packed(name, file):
    return SNAPSHOTS / f"{name}.{file}.xz"


def unpack(name, folder):
    """The two files, `state` and `memory`, in `folder`."""
    for file in FILES:
        (folder / file).write_bytes(lzma.decompress(packed(name, file).read_bytes()))


def take(host):
    """On the host, in /scratch, under relative names."""
    guest, template = host.path(payload.guest("ledger")), host.path(TEMPLATE)
    out = host.path(host.folder)
    done = host.shell(f"""
        cd /scratch && truncate -s 1M disk && cp {guest} guest && cp {template} cpu.json
        {host.muster} run --kernel guest --cpu cpu.json --cpus 2 --memory 16M \\
            --disk path=disk,id={DISK_ID} --rng --debug-exit --control vm.sock > out &
        until grep -q entry out; do sleep 0.1; done
        {host.muster} ctl --socket vm.sock snapshot --state state --memory memory &&
        kill $! && cp state memory {out}""")
    if done.status:
        raise HostFailed(done.stderr)


def without_tsc(state):
    """0 is a template's word for any."""
    return sealed(state, [
        (head, re.sub(rb'"tsc_khz": \d+', b'"tsc_khz": 0', payload)
         if head.startswith(b"template\0") else payload)
        for head, payload in parts_of(state)])


def keep(folder):
    for file in FILES:
        data = (folder / file).read_bytes()
        packed(NAME, file).write_bytes(lzma.compress(
            without_tsc(data) if file == "state" else data, preset=9))


def main():
    host = svm.Svm()
    try:
        take(host.start())
        keep(host.folder)
    except (HostFailed, Missing) as error:
        sys.exit(f"make_snapshot: {error}")
    finally:
        host.stop()


if __name__ == "__main__":
    main()
