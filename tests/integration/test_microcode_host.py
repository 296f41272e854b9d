# SPDX-License-Identifier: Apache-2.0
"""test_microcode_host.py - what a host runs, could run, and shows to its guests"""

import json
import subprocess

import pytest

from images import ROOT
from instance import Instance
from microcode_host import AMD, Cpu, MicrocodeHost, RELEASE
from microcode_image import amd, intel

FOLDER = ROOT / "tests/data/microcode/intel-ucode"
SKYLAKE = 0x50654
SAPPHIRE = 0x806f8
NEW, MINIMUM = 0x02007006, 0x02006b06  # of the file 06-55-04


@pytest.fixture
def microcode(muster):
    def run(*arguments):
        done = subprocess.run([muster, "microcode", *map(str, arguments)],
                              check=False, text=True, timeout=60,
                              stdin=subprocess.DEVNULL, capture_output=True)
        assert done.returncode == 0, done.stderr
        return done.stdout
    return run


@pytest.fixture
def status(microcode):
    return lambda host, *more: json.loads(
        microcode("status", "--json", host.option, *more))


def skylake(folder, revision=MINIMUM):
    """A host that has the file of its CPUs where the kernel looks."""
    host = MicrocodeHost(folder, [Cpu(SKYLAKE, revision, 0x80)] * 4)
    host.write("lib/firmware/intel-ucode/06-55-04",
               (FOLDER / "06-55-04").read_bytes())
    return host


# ---- select ----

def sapphire_file(path):
    """Two updates with one signature: the platforms tell them apart."""
    path.write_bytes(
        intel(0x2c000410, SAPPHIRE, 0x10, minimum=0x2c0001d0,
              more=[(SAPPHIRE, 0x10), (0x806f6, 0x10)])
        + intel(0x2b000650, SAPPHIRE, 0x87, minimum=0x2b000161,
                more=[(SAPPHIRE, 0x87), (0x806f7, 0x87), (0x806f6, 0x87)]))
    return path


def test_every_cpu_of_a_host_gets_its_own_update(microcode, tmp_path):
    host = MicrocodeHost(tmp_path / "host", [
        Cpu(SAPPHIRE, 0x2b000603, 0x80), Cpu(SAPPHIRE, 0x2c000300, 0x10),
        Cpu(0x806f6, 0x2b000650, 0x01), Cpu(0x806f7, 0x2c000300, 0x10),
        Cpu(SAPPHIRE, 0x2b000603, 0x80)])
    path = sapphire_file(tmp_path / "06-8f-08")
    text = microcode("select", path, host.option)
    assert text.replace(f"{path}, ", "") == (
        "CPUs 0,4, signature 0x000806f8, platform 0x80, revision 0x2b000603\n"
        "  at boot: 0x2b000650 is newer than 0x2b000603 (2023-03-06)\n"
        "CPU 1, signature 0x000806f8, platform 0x10, revision 0x2c000300\n"
        "  at boot: 0x2c000410 is newer than 0x2c000300 (2023-03-06)\n"
        "CPU 2, signature 0x000806f6, platform 0x01, revision 0x2b000650\n"
        "  at boot: 0x2b000650 runs already (2023-03-06)\n"
        "CPU 3, signature 0x000806f7, platform 0x10, revision 0x2c000300\n"
        "  at boot: 0x2b000650 is for other platforms (2023-03-06)\n")


@pytest.mark.parametrize("late, verdict", [([], "newer"), (["--late"], "too-far")])
def test_a_minimum_revision_binds_late_loads(microcode, tmp_path, late, verdict):
    host = skylake(tmp_path, MINIMUM - 1)
    kinds = json.loads(microcode("select", FOLDER, "--json", host.option, *late))
    assert kinds["cpus"][0]["choice"]["verdict"] == verdict


def test_the_highest_that_amd_allows_is_chosen(microcode, tmp_path):
    host = MicrocodeHost(tmp_path / "host", [Cpu(0xa00f11, 0x0a0011d1, vendor=AMD)])
    path = tmp_path / "amd.bin"
    path.write_bytes(amd(0x0a0011de, [0xa00f11], 0xa011, minimum=0x0a0011d9)
                     + amd(0x0a0011d5, [0xa00f11], 0xa011))
    assert ("0x0a0011d5 is newer than 0x0a0011d1; 0x0a0011de wants 0x0a0011d9 to "
            "run before it") in microcode("select", path, host.option)


def test_bad_images_are_passed_over_aloud(muster, tmp_path):
    host = MicrocodeHost(tmp_path / "host", [Cpu(SAPPHIRE)])
    good, bad = tmp_path / "a", tmp_path / "b"
    good.write_bytes(intel(7, SAPPHIRE))
    bad.write_bytes(intel(8, SAPPHIRE) + b"\0")
    done = subprocess.run([muster, "microcode", "select", good, bad, host.option],
                          check=True, text=True, capture_output=True, timeout=30)
    assert "0x00000007 is newer than 0x00000001" in done.stdout
    assert done.stderr.startswith(f"muster: {bad}: update 2, at 0x400: ")
    assert done.stderr.endswith("; passed over\n")


def test_a_profile_stands_for_its_host(microcode, tmp_path):
    path = tmp_path / "amd.bin"
    path.write_bytes(amd(0x0a0011d5, [0xa00f11], 0xa011))
    profile = ROOT / "tests/data/profiles/epyc-milan.json"
    groups = json.loads(profile.read_text())["groups"]
    [kind] = json.loads(microcode("select", path, "--profile", profile,
                                  "--json"))["cpus"]
    assert kind["vendor"] == "AMD" and kind["cpus"] == groups[0]["cpus"]
    assert int(kind["revision"], 16) == int(groups[0]["microcode"], 16)


# ---- status ----

def test_status_says_what_runs_and_what_is_newer_on_disk(microcode, tmp_path):
    host = skylake(tmp_path, MINIMUM - 1)
    host.can_load_late()
    file = f"({tmp_path}/lib/firmware/intel-ucode/06-55-04, 2023-03-06)"
    assert microcode("status", host.option) == (
        "CPUs 0-3, signature 0x00050654, platform 0x80, revision 0x02006b05\n"
        f"  at boot: 0x02007006 is newer than 0x02006b05 {file}\n"
        "  late: 0x02007006 wants 0x02006b06 to run before it, not 0x02006b05 "
        f"{file}\n"
        f"kernel {RELEASE}: loads late, whatever minimum revision an update has\n")


def test_status_of_a_host_without_firmware(status, microcode, tmp_path):
    host = MicrocodeHost(tmp_path, [Cpu(SKYLAKE, 7, 0x80)])
    choice = status(host)["at_boot"][0]["choice"]
    assert choice == {"verdict": "no-match",
                      "why": "nothing for signature 0x00050654"}
    assert "nothing on disk: no image in /lib/firmware/intel-ucode" in microcode(
        "status", host.option)


def test_status_tells_cpus_of_two_revisions_apart(status, tmp_path):
    host = skylake(tmp_path)
    host.revise(2, NEW)
    kinds = status(host)["at_boot"]
    assert [(kind["cpus"], kind["choice"]["verdict"]) for kind in kinds] == [
        ("0-1,3", "newer"), ("2", "same")]


KERNELS = {
    "Debian's own": (
        lambda host: host.write(f"boot/config-{RELEASE}",
                                "# CONFIG_MICROCODE_LATE_LOADING is not set\n"),
        {"late": False, "CONFIG_MICROCODE_LATE_LOADING": False},
        "it is built without CONFIG_MICROCODE_LATE_LOADING"),
    "loads late": (
        lambda host: host.can_load_late(),
        {"late": True, "CONFIG_MICROCODE_LATE_LOADING": True, "force_minrev": False},
        None),
    "minimum revisions, built in": (
        lambda host: host.can_load_late("CONFIG_MICROCODE_LATE_LOADING=y\n"
                                        "CONFIG_MICROCODE_LATE_FORCE_MINREV=y\n"),
        {"late": True, "force_minrev": True}, None),
    "minimum revisions, by its command line": (
        lambda host: (host.can_load_late(),
                      host.write("proc/cmdline", "ro microcode=force_minrev\n")),
        {"late": True, "force_minrev": True}, None),
    "switched off": (
        lambda host: host.write("proc/cmdline", "dis_ucode_ldr ro\n"),
        {"late": False, "loader": False},
        "its loader is off, as in guests of a hypervisor and with dis_ucode_ldr"),
    "unknown": (
        lambda host: host.write("proc/cmdline", "ro\n"),
        {"late": False, "CONFIG_MICROCODE_LATE_LOADING": None, "force_minrev": None},
        "it is built without CONFIG_MICROCODE_LATE_LOADING"),
}


@pytest.mark.parametrize("name", KERNELS)
def test_status_says_by_which_rules_the_kernel_loads(status, tmp_path, name):
    prepare, wanted, why = KERNELS[name]
    host = skylake(tmp_path)
    prepare(host)
    kernel = status(host)["kernel"]
    assert kernel["release"] == RELEASE and wanted.items() <= kernel.items()
    assert kernel.get("why") == why


def test_the_trees_of_tests_are_in_no_help(muster):
    for verb in "select", "image", "status":
        text = subprocess.run([muster, "help", "microcode", verb], check=True,
                              text=True, capture_output=True).stdout
        assert "sysfs-root" not in text and "--" in text


# ---- the VMs of a host ----

@pytest.mark.needs("direct")
def test_status_asks_every_vm(direct, status, microcode, tmp_path):
    host = skylake(tmp_path / "host")
    first, second = (Instance(direct, folder) for folder in folders(tmp_path))
    first.boot("spin")
    first.start()
    vms = tmp_path / "vms"
    vms.mkdir()
    for number, vm in enumerate((first, second)):
        (vms / f"{number}.sock").symlink_to(vm.path)
    (vms / "log").write_text("no socket")
    shown = first.ask("GET", "/cpu").body["microcode"]
    found = status(host, "--vms", vms)["vms"]
    assert found[0] == {"socket": f"{vms}/0.sock", "revision": shown}
    assert found[1]["socket"] == f"{vms}/1.sock" and found[1]["fault"]
    second.stop()
    text = microcode("status", host.option, "--vms", first.path, "--vms", vms)
    assert f"VM {first.path}: its guest sees {shown}\n" in text
    first.stop()


def folders(tmp_path):
    for name in "first", "second":
        (tmp_path / name).mkdir()
        yield tmp_path / name


def test_what_is_no_socket_is_refused(muster, tmp_path):
    host = skylake(tmp_path)
    done = subprocess.run([muster, "microcode", "status", host.option, "--vms",
                           tmp_path / "proc/cpuinfo"], check=False, text=True,
                          capture_output=True, timeout=30)
    assert done.returncode == 2
    assert "give the socket of a VM, or the folder" in done.stderr
