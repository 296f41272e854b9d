# SPDX-License-Identifier: Apache-2.0
"""test_guest_ucode.py - what becomes of microcode that a guest loads itself"""

import dataclasses
import json
import re
import struct
import subprocess
from pathlib import Path

import pytest

import payload
import ucode_image
from events import Events
from instance import Instance

pytestmark = pytest.mark.needs("direct")

SIGNATURE, INTEL = ucode_image.host_cpu()
IMAGE = ucode_image.intel if INTEL else ucode_image.amd
LOADERS = [ucode_image.INTEL_LOADER, ucode_image.AMD_LOADER]
LOADER, OTHER = LOADERS if INTEL else LOADERS[::-1]
# What is written is the address of the data, or of the header.
TO_DATA = {ucode_image.INTEL_LOADER: ucode_image.INTEL_HEADER,
           ucode_image.AMD_LOADER: 0}
SHIFT = 32 if INTEL else 0
NEW, NEWER = 0x7F000010, 0x7F000020
BAD_CONFIG = 2


@dataclasses.dataclass
class Load:
    """One write of the loader's register: of an image's address, or any other."""
    what: object
    shows: int = 0  # the revision from then on; 0: as before
    loader: int = LOADER


def initrd(loads, path):
    """The RAM disk of tests/guests/ucode.c."""
    at = 8 + 24 * len(loads)
    table, images = struct.pack("<Q", len(loads)), b""
    for load in loads:
        if isinstance(load.what, int):
            table += struct.pack("<QQQ", load.loader, 0, load.what)
            continue
        images += bytes(-(at + len(images)) % 16)
        address = at + len(images) + TO_DATA[load.loader]
        table += struct.pack("<QQQ", load.loader, 1, address)
        images += load.what
    path.write_bytes(table + images)
    return path


def run(host, tmp_path, loads, *more):
    """What each write did: [(went, revision)], the revision at first in front."""
    result = host.run(payload.args("ucode", "--initrd",
                                   initrd(loads, tmp_path / "loads"), *more))
    payload.check(result, "ucode")
    said = re.findall(r"^(at first|load \d+): (?:(went|#GP), )?([0-9a-f]+)$",
                      result.console, re.M)
    assert len(said) == 1 + len(loads), result.console
    return [(went, int(value, 16) >> SHIFT & 0xFFFFFFFF)
            for _, went, value in said], result


def new_folder(path):
    path.mkdir()
    return path


def changed(image, at, *values):
    """With other bytes in its header, and a checksum that is wrong by that much."""
    data = bytearray(image)
    struct.pack_into(f"<{len(values)}I", data, at, *values)
    return bytes(data)


def hostile():
    """Writes of which nothing may follow."""
    good = IMAGE(SIGNATURE, NEWER)
    loads = [Load(address) for address in
             (0, 0xFFFFFFFF, 0xD0000000, 1 << 40, 1 << 63, (1 << 64) - 8)]
    loads += [Load(IMAGE(SIGNATURE ^ 0x10, NEWER)), Load(IMAGE(SIGNATURE, 1)),
              Load(good, loader=OTHER)]
    if INTEL:
        for size in 0, 4, 47, 2048, 4 << 20, 0x7FFFFFFF, 0xFFFFFFFF:
            loads += [Load(changed(good, 28, size)), Load(changed(good, 32, size))]
        loads += [Load(changed(good, at, 0x12345678)) for at in range(0, 48, 4)]
        loads.append(Load(ucode_image.intel(SIGNATURE, NEWER, platforms=0x80)))
    return loads


def test_a_guest_sees_the_update_that_it_loads(direct, tmp_path):
    loads = [Load(IMAGE(SIGNATURE, NEW), NEW), Load(IMAGE(SIGNATURE, NEW), NEW),
             Load(IMAGE(SIGNATURE, NEWER), NEWER), Load(IMAGE(SIGNATURE, NEW))]
    said, _ = run(direct, tmp_path, loads, "--guest-microcode", "emulate")
    assert said[0][1] not in (NEW, NEWER)
    assert said[1:] == [("went", NEW), ("went", NEW), ("went", NEWER),
                        ("went", NEWER)]


def test_nothing_follows_from_what_is_no_update_for_it(direct, tmp_path):
    loads = hostile() + [Load(IMAGE(SIGNATURE, NEWER), NEWER)]
    said, _ = run(direct, tmp_path, loads, "--guest-microcode", "emulate")
    first = said[0][1]
    assert said[1:-1] == [("went", first)] * (len(loads) - 1)
    assert said[-1] == ("went", NEWER)


@pytest.mark.parametrize("msr", ["default", "strict"])
@pytest.mark.parametrize("policy, word", [("ignore", "went"), ("refuse", "#GP")])
def test_a_policy_is_what_the_guest_meets(direct, tmp_path, policy, word, msr):
    # With --msr strict a guest has the register of its own vendor only.
    loads = [Load(IMAGE(SIGNATURE, NEWER), loader=loader)
             for loader in ([LOADER] if msr == "strict" else LOADERS)]
    said, _ = run(direct, tmp_path, loads,
                  "--guest-microcode", policy, "--msr", msr)
    assert said[1:] == [(word, said[0][1])] * len(loads)


def test_a_designated_guest_hands_its_update_over(direct, tmp_path):
    spool = tmp_path / "spool"
    spool.mkdir()
    image = IMAGE(SIGNATURE, NEWER)
    said, _ = run(direct, tmp_path, hostile() + [Load(image)],
                  "--guest-microcode", "stage", "--microcode-spool", spool)
    assert {shown for _, shown in said} == {said[0][1]}
    staged = list(spool.iterdir())
    assert [f.name for f in staged] == [f"{SIGNATURE:08x}_{NEWER:08x}.ucode"]
    assert staged[0].read_bytes().startswith(image)


def test_others_hand_nothing_over(direct, tmp_path):
    said, result = run(direct, tmp_path, [Load(IMAGE(SIGNATURE, NEWER))],
                       "--guest-microcode", "stage", "--log-level", "info")
    assert said[1] == ("went", said[0][1])
    assert "--microcode-spool" in result.stderr


def test_a_spool_must_be_of_use(direct, tmp_path):
    for options, words in [
            (["--guest-microcode", "stage", "--microcode-spool", "/nowhere"],
             "/nowhere"),
            (["--microcode-spool", tmp_path], "--guest-microcode stage")]:
        result = direct.run(payload.args("ucode", *options))
        assert result.status == BAD_CONFIG
        assert words in result.stderr


def template(muster, tmp_path, revision):
    """Of this host, but for its microcode."""
    profile, path = tmp_path / "profile", tmp_path / "template"
    for command in ["profile", "-o", profile], ["merge", profile, "-o", path]:
        subprocess.run([muster, "fleet", *command], check=True, timeout=60,
                       stderr=subprocess.DEVNULL)
    wanted = json.loads(path.read_text())
    wanted["msrs"]["0x8b"] = hex(revision << SHIFT)
    path.write_text(json.dumps(wanted))
    return path


def test_a_guest_shows_the_revision_of_its_template(direct, muster, tmp_path):
    cpu = template(muster, tmp_path, 7)
    said, _ = run(direct, tmp_path, [Load(IMAGE(SIGNATURE, NEWER))], "--cpu", cpu)
    assert said == [("", 7), ("went", 7)]


def policy(**more):
    return {"guest": "stage", "hypervisor": "shown", "misfit": "resume", **more}


def told(instance):
    return instance.ask("GET", "/vm/config").body["microcode"]


def test_clients_say_the_policy_and_hear_of_updates(direct, tmp_path):
    instance = Instance(direct, tmp_path)
    assert "microcode" not in instance.ask("GET", "/vm/config").body
    fault = instance.ask("PUT", "/microcode", policy(spool_path="/nowhere")).fault
    assert "/nowhere" in fault
    fault = instance.ask("PUT", "/microcode",
                         policy(guest="emulate", spool_path=str(tmp_path))).fault
    assert "guest must be stage" in fault
    wanted = policy(spool_path=str(tmp_path))
    instance.put("/microcode", wanted)
    assert told(instance) == wanted
    loads = initrd([Load(IMAGE(SIGNATURE, NEWER))], tmp_path / "loads")
    instance.boot("ucode", initrd_path=str(loads))
    heard = Events(instance.path)
    instance.start()
    staged, _ = heard.until("microcode_staged")
    heard.close()
    assert staged["revision"] == NEWER
    assert Path(staged["path"]).read_bytes().startswith(IMAGE(SIGNATURE, NEWER))
    instance.stop()


def watched(direct, tmp_path, settings, load):
    """A guest that loads, and then says over and over what it sees."""
    instance = Instance(direct, new_folder(tmp_path / "first"))
    instance.put("/microcode", settings)
    loads = initrd([load], tmp_path / "loads")
    instance.boot("ucode", initrd_path=str(loads), boot_args="watch=1")
    instance.start()
    return instance


def moved(direct, tmp_path, first):
    """The same guest in another process, by a snapshot."""
    first.ask("PATCH", "/vm", {"state": "Paused"})
    files = {"snapshot_path": str(tmp_path / "s")}
    first.put("/snapshot/create", files | {"mem_file_path": str(tmp_path / "m")})
    first.stop()
    second = Instance(direct, new_folder(tmp_path / "second"))
    second.put("/snapshot/load", files | {"resume_vm": True, "mem_backend": {
        "backend_type": "File", "backend_path": str(tmp_path / "m")}})
    return second


def test_a_snapshot_keeps_policy_and_revision(direct, tmp_path):
    seen = f"sees: {NEWER << SHIFT:x}"
    first = watched(direct, tmp_path, {"guest": "emulate"},
                    Load(IMAGE(SIGNATURE, NEWER)))
    first.wait_until_it_says(seen)
    before = told(first)
    second = moved(direct, tmp_path, first)
    second.wait_until_it_says(seen)
    assert told(second) == before
    second.stop()


def test_a_snapshot_designates_nobody(direct, tmp_path):
    spool = new_folder(tmp_path / "spool")
    first = watched(direct, tmp_path, policy(spool_path=str(spool)),
                    Load(IMAGE(SIGNATURE, NEWER)))
    assert told(first) == policy(spool_path=str(spool))
    second = moved(direct, tmp_path, first)
    assert told(second) == policy(spool_path=None)
    second.stop()
