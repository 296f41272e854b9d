# SPDX-License-Identifier: Apache-2.0
"""test_microcode_images.py - microcode images, beside iucode-tool"""

import json
import random
import struct
import subprocess

import pytest

import iucode
from images import ROOT
from microcode_host import AMD, Cpu, MicrocodeHost, shown
from microcode_image import amd, archive, intel, minus, sum32

DATA = ROOT / "tests/data/microcode"
FOLDER = DATA / "intel-ucode"
FILES = sorted(FOLDER.iterdir())
REFUSED = 1


@pytest.fixture
def microcode(muster):
    def run(*arguments, status=0):
        done = subprocess.run([muster, "microcode", *map(str, arguments)],
                              check=False, text=True, timeout=60,
                              stdin=subprocess.DEVNULL, capture_output=True)
        assert done.returncode == status, done.stdout + done.stderr
        return done
    return run


@pytest.fixture
def show(microcode):
    return lambda *paths: json.loads(
        microcode("show", "--json", *paths).stdout)["files"]


def facts(update):
    return [(int(sig["signature"], 16), int(sig["platforms"], 16),
             update["date"], int(update["revision"], 16))
            for sig in update["signatures"]]


def as_iucode(files):
    return {file["file"]: [(update["size_bytes"], facts(update))
                           for update in file["updates"]] for file in files}


# ---- listed identically ----

@pytest.mark.needs("iucode")
def test_published_files_are_listed_as_by_iucode_tool(show):
    files = show(FOLDER)
    assert len(files) == len(FILES) and all(file["valid"] for file in files)
    assert as_iucode(files) == iucode.listed(FOLDER)


@pytest.mark.needs("iucode", "packages")
def test_all_that_debian_packages_is_listed_as_by_iucode_tool(show, microcode):
    folder = iucode.packaged("intel-microcode") / "intel-ucode"
    files = show(folder)
    assert as_iucode(files) == iucode.listed(folder)
    assert sum(len(update["signatures"]) > 1 for file in files
               for update in file["updates"]) > 10
    assert "all valid" in microcode("verify", folder).stdout


@pytest.mark.needs("packages")
def test_all_that_debian_packages_of_amd_is_valid(show):
    files = show(iucode.packaged("amd64-microcode"))
    assert len(files) >= 5
    for file in files:
        for update in file["updates"]:
            assert update["valid"] and update["signatures"]
            # The family of a revision, from 15h on, is that of its processors.
            for sig in update["signatures"]:
                family = shown(int(sig["signature"], 16))[0]
                assert family in range(0x10, 0x20)


# ---- damaged ----

FIELDS = ["version", "revision", "date", "signature", "checksum", "loader",
          "platforms", "data size", "total size", "metadata size",
          "minimum revision", "reserved"]


def verdicts(muster, path):
    ours = subprocess.run([muster, "microcode", "verify", path], check=False,
                          capture_output=True, timeout=60)
    assert ours.returncode in (0, REFUSED)
    return ours.returncode == 0, iucode.run("-q", "-L", path).returncode == 0


@pytest.mark.needs("iucode")
@pytest.mark.parametrize("field", FIELDS)
def test_a_damaged_field_is_refused_by_both(muster, tmp_path, field):
    image = bytearray((FOLDER / "06-17-0a").read_bytes())
    image[8192 + 4 * FIELDS.index(field)] ^= 0x40
    path = tmp_path / "06-17-0a"
    path.write_bytes(image)
    assert verdicts(muster, path) == (False, False)


def seal(image, at, begin, end):
    image[at:at + 4] = bytes(4)
    image[at:at + 4] = struct.pack("<I", minus(sum32(image[begin:end])))


def sealed(**fields):
    """An update with fields that are wrong under a checksum that is right."""
    image = bytearray(intel(7, 0x806f8, 0x87))
    for field, value in fields.items():
        at = 4 * FIELDS.index(field.replace("_", " "))
        image[at:at + 4] = struct.pack("<I", value)
    seal(image, 16, 0, len(image))
    return bytes(image)


WRONG = [{"version": 2}, {"revision": 0}, {"date": 0}, {"date": 0x13062023},
         {"date": 0x0306202a}, {"data_size": 0xfffffff0}, {"total_size": 0},
         {"data_size": 975}, {"total_size": 1028}, {"total_size": 2048}]


@pytest.mark.needs("iucode")
@pytest.mark.parametrize("fields", WRONG, ids=str)
def test_a_wrong_field_is_refused_by_both(muster, tmp_path, fields):
    path = tmp_path / "update"
    path.write_bytes(sealed(**fields))
    assert verdicts(muster, path) == (False, False)


@pytest.mark.needs("iucode")
@pytest.mark.parametrize("name", ["plain", "table", "debug"])
def test_an_update_of_ours_is_accepted_by_both(muster, tmp_path, name):
    path = tmp_path / "update"
    path.write_bytes({
        "plain": intel(7, 0x806f8, 0x87, minimum=3),
        "table": intel(7, 0x806f8, 0x87, more=[(0x806f7, 0x87), (0x806f6, 0x10)]),
        "debug": intel(0x80000007, 0x806f8)}[name])
    assert verdicts(muster, path) == (True, True)


TABLE_AT = 1024 - 20 - 2 * 12


@pytest.mark.needs("iucode")
@pytest.mark.parametrize("word", range(11))
def test_a_damaged_table_of_signatures_is_refused_by_both(muster, tmp_path, word):
    image = bytearray(intel(7, 0x806f8, 0x87,
                            more=[(0x806f7, 0x87), (0x806f6, 0x10)]))
    image[TABLE_AT + 4 * word] ^= 1
    path = tmp_path / "update"
    path.write_bytes(image)
    assert verdicts(muster, path) == (False, False)


@pytest.mark.needs("iucode")
def test_a_cut_file_is_refused_by_both_unless_between_updates(muster, tmp_path):
    image = (FOLDER / "06-17-0a").read_bytes()
    path = tmp_path / "06-17-0a"
    for size in 1, 47, 48, 8191, 8192, 8193, 8192 + 48, 16384, len(image) - 1:
        path.write_bytes(image[:size])
        assert verdicts(muster, path) == (size % 8192 == 0,) * 2, size


WORDS = [0, 1, 2, 12, 20, 44, 47, 48, 976, 1020, 1024, 1028, 2000, 2048, 3072,
         0x01012020, 0x02302019, 0x99999999, 0x80000000, 0xfffffffc, 0xffffffff]
# What iucode-tool does not look at, or cannot be right below the checksum.
UNBENT = {FIELDS.index("loader"), FIELDS.index("checksum")}


def bent(dice):
    """An update with a few wrong words, most of them below right checksums."""
    more = [(dice.getrandbits(20), dice.getrandbits(8))
            for _ in range(dice.choice([0, 0, 1, 5]))]
    image = bytearray(intel(7, dice.getrandbits(20), 0x87, more=more, total=2048))
    table = len(image) - 20 - 12 * len(more)
    for _ in range(dice.choice([0, 1, 1, 2])):
        word = dice.choice(sorted(set(range(len(FIELDS))) - UNBENT))
        image[4 * word:4 * word + 4] = struct.pack("<I", dice.choice(WORDS))
    if more and dice.random() < .4:
        at = table + 4 * dice.randrange(5 + 3 * len(more))
        image[at:at + 4] = struct.pack("<I", dice.choice(WORDS))
        seal(image, table + 4, table, len(image))
    size = struct.unpack("<I", image[28:32])[0] or 2000
    if size % 4 == 0 and 48 + size <= len(image):
        seal(image, 16, 0, 48 + size)
    return bytes(image) + bytes(dice.choice([0, 0, 0, 0, 1, 48, 1024]))


@pytest.mark.needs("iucode")
def test_what_is_bent_at_random_is_judged_alike(muster, tmp_path):
    dice = random.Random(6)
    path = tmp_path / "update"
    seen = set()
    for number in range(100):
        path.write_bytes(bent(dice))
        ours, theirs = verdicts(muster, path)
        assert ours == theirs, f"{number}: {path}"
        seen.add(ours)
    assert seen == {True, False}


def test_verify_says_what_is_wrong_and_fails(microcode, tmp_path):
    (tmp_path / "06-8f-08").write_bytes(intel(7, 0x806f8)[:-1])
    (tmp_path / "06-8f-07").write_bytes(intel(7, 0x806f7))
    (tmp_path / "LICENSE").write_text("not an image")
    assert microcode("verify", tmp_path, status=REFUSED).stdout == (
        f"{tmp_path}/06-8f-08: update 1, at 0x0: total size 1024: only 1023 bytes "
        "are left: cut short\n2 files, 2 updates: 1 file refused\n")


def test_show_lists_what_is_wrong(microcode, tmp_path):
    image = bytearray(intel(7, 0x806f8, 0x87) + intel(8, 0x806f7, 0x87))
    image[100] ^= 1
    path = tmp_path / "update"
    path.write_bytes(image)
    text = microcode("show", path).stdout
    assert "BAD: checksum: header and data sum up to 0x00000001" in text
    assert "BAD: refused with its image: another update of it is bad" in text
    assert f"refused: {path}: update 1, at 0x0" in text


def test_names_that_are_no_text_are_listed(muster, tmp_path):
    path = bytes(tmp_path) + b"/\xff\x01"
    with open(path, "wb") as file:
        file.write(intel(7, 0x806f8) + b"x")
    done = subprocess.run([muster, "microcode", "show", "--json", path],
                          check=True, capture_output=True, timeout=30)
    [file] = json.loads(done.stdout)["files"]
    assert file["file"].endswith("/?\x01") and len(file["updates"]) == 2
    assert not file["valid"] and "cut short" in file["fault"]


def test_a_terminal_obeys_no_name(microcode, tmp_path):
    (tmp_path / "\x1b[2J").write_bytes(intel(7, 0x1067a, 0x40))
    host = MicrocodeHost(tmp_path / "host", [Cpu(0x1067a, 1, 0x40)])
    assert f"{tmp_path}/?[2J\n" in microcode("show", tmp_path).stdout
    chosen = microcode("select", tmp_path, host.option).stdout
    assert f"({tmp_path}/?[2J, " in chosen


@pytest.mark.parametrize("what, sentence", [
    ("none", "none: cannot open: No such file or directory"),
    (".", ".: holds no microcode image")])
def test_what_is_not_there_is_said(muster, tmp_path, what, sentence):
    done = subprocess.run([muster, "microcode", "show", what], cwd=tmp_path,
                          check=False, text=True, capture_output=True, timeout=30)
    assert (done.returncode, done.stderr) == (2, f"muster: {sentence}\n")


# ---- chosen identically ----

def platforms_of(files):
    """A CPU for each signature and set of platforms that is spoken of."""
    found = {(sig, flags & -flags) for file in files for update in file["updates"]
             for sig, flags, *_ in facts(update)}
    # /proc/cpuinfo does not tell the type of a processor.
    return sorted(pair for pair in found if not pair[0] >> 12 & 0xf)


def check_selection(microcode, folder, host, step=1):
    """Each CPU, or each step-th, gets the update that iucode-tool selects for it."""
    files = json.loads(microcode("show", "--json", folder).stdout)["files"]
    pairs = platforms_of(files)[::step]
    host = MicrocodeHost(host, [Cpu(*pair[:1], platforms=pair[1]) for pair in pairs])
    kinds = json.loads(microcode("select", folder, "--json", host.option).stdout)["cpus"]
    assert len(kinds) == len(pairs)
    for kind, pair in zip(kinds, pairs):
        wanted = iucode.selected(folder, *pair)
        update = kind["choice"]["update"]
        assert (int(kind["signature"], 16), int(kind["platforms"], 16)) == pair
        assert (int(update["revision"], 16), update["date"]) == (wanted[3], wanted[2])


@pytest.mark.needs("iucode")
def test_each_processor_gets_what_iucode_tool_selects(microcode, tmp_path):
    check_selection(microcode, FOLDER, tmp_path)


@pytest.mark.needs("iucode", "packages")
def test_of_debians_updates_too(microcode, tmp_path):
    check_selection(microcode, iucode.packaged("intel-microcode") / "intel-ucode",
                    tmp_path, step=4)


# ---- early load ----

@pytest.mark.needs("iucode")
def test_an_image_has_what_was_put_in(microcode, tmp_path):
    early = tmp_path / "early.cpio"
    microcode("image", DATA, "-o", early)
    [updates] = iucode.listed(early).values()
    wanted = [update for file in iucode.listed(FOLDER).values() for update in file]
    assert sorted(updates) == sorted(wanted)


def test_an_image_unpacks(microcode, tmp_path):
    early, folder = tmp_path / "early.cpio", tmp_path / "folder"
    (tmp_path / "amd.bin").write_bytes(amd(0x0a0011d5, [0x00a00f11], 0xa011))
    microcode("image", FOLDER / "06-17-0a", tmp_path / "amd.bin", "-o", early)
    folder.mkdir()
    subprocess.run(["busybox", "cpio", "-id"], cwd=folder, check=True,
                   stdin=early.open("rb"), stderr=subprocess.DEVNULL)
    members = folder / "kernel/x86/microcode"
    assert (members / "GenuineIntel.bin").read_bytes() == (
        FOLDER / "06-17-0a").read_bytes()
    assert (members / "AuthenticAMD.bin").read_bytes() == (
        tmp_path / "amd.bin").read_bytes()


def test_an_image_in_front_of_an_initrd_is_an_image(microcode, show, tmp_path):
    early, both = tmp_path / "early.cpio", tmp_path / "both.img"
    microcode("image", FOLDER / "06-2a-07", "-o", early)
    both.write_bytes(early.read_bytes() + b"\x1f\x8b the initrd")
    [file] = show(both)
    assert file["updates"][0]["revision"] == "0x0000002f"
    assert file["updates"][0]["offset"] % 16 == 0


def test_an_image_for_a_host_has_its_updates_only(microcode, show, tmp_path):
    host = MicrocodeHost(tmp_path / "host", [Cpu(0x1067a, 0xa07, 0x40)])
    early = tmp_path / "early.cpio"
    microcode("image", FOLDER, "--host", "-o", early, host.option)
    [file] = show(early)
    assert [update["signatures"] for update in file["updates"]] == [
        [{"signature": "0x0001067a", "platforms": "0x00000044"}]]


def test_an_image_has_what_firmware_can_begin_with(microcode, show, tmp_path):
    """The newest may follow what runs now, but not what the next boot begins at."""
    folder = tmp_path / "folder"
    folder.mkdir()
    for revision, minimum in (0x0a0011d5, 0), (0x0a0011d3, 0), (0x0a0011de, 0x0a0011d9):
        (folder / f"{revision:x}").write_bytes(
            amd(revision, [0xa00f11], 0xa011, minimum=minimum))
    host = MicrocodeHost(tmp_path / "host", [Cpu(0xa00f11, 0x0a0011da, vendor=AMD)])
    early = tmp_path / "early.cpio"
    microcode("image", folder, "--host", "-o", early, host.option)
    [file] = show(early)
    assert [update["revision"] for update in file["updates"]] == [
        "0x0a0011d5", "0x0a0011de"]


def test_no_image_is_made_of_a_folder_with_a_bad_one(microcode, tmp_path):
    folder, early = tmp_path / "folder", tmp_path / "early.cpio"
    folder.mkdir()
    (folder / "06-8f-08").write_bytes(intel(7, 0x806f8)[:-4])
    done = microcode("image", FOLDER, folder, "-o", early, status=REFUSED)
    assert "cut short" in done.stderr and not early.exists()


def test_no_image_is_made_for_a_host_that_has_nothing(microcode, tmp_path):
    host = MicrocodeHost(tmp_path / "host", [Cpu(0x806f8)])
    early = tmp_path / "early.cpio"
    done = microcode("image", FOLDER, "--host", "-o", early, host.option,
                     status=REFUSED)
    assert "nothing there for these CPUs" in done.stderr and not early.exists()


def test_what_is_inside_an_initrd_is_chosen_from(microcode, tmp_path):
    image = tmp_path / "initrd"
    image.write_bytes(archive(AuthenticAMD=amd(0x0a0011de, [0xa00f11], 0xa011,
                                               minimum=0x0a0011d9)))
    host = MicrocodeHost(tmp_path / "host", [Cpu(0xa00f11, 0x0a0011d1, vendor=AMD)])
    assert microcode("select", image, host.option).stdout.splitlines()[1] == (
        "  at boot: 0x0a0011de wants 0x0a0011d9 to run before it, not 0x0a0011d1 "
        f"({image}, 2023-03-06)")
