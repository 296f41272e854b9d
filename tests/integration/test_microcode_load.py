# SPDX-License-Identifier: Apache-2.0
"""test_microcode_load.py - late loads on a host in a folder, with this machine's VMs"""

import subprocess
import time

import pytest

import ucode_image
from control import raw
from host_tree import CPUS, NEW, OLD, PLATFORM, SIGNATURE
from instance import Instance
from microcode_crowd import Site, check_held_together, vms

pytestmark = pytest.mark.needs("direct")


@pytest.fixture
def site(direct, muster, tmp_path, request):
    made = Site(tmp_path, direct, muster, *getattr(request, "param", [2]))
    yield made
    made.stop()


def never_asked(site, report, *words):
    """Nothing was loaded or placed, nothing is held, and the reason is told."""
    assert report["outcome"] == "not loaded" and not report["kernel"]["asked"]
    assert all(word in report["fault"] for word in words), report["fault"]
    assert site.tree.revisions() == [OLD] * CPUS
    assert not site.tree.firmware.exists()
    site.crowd.check_running()


# ---- the kernel's part ----

@pytest.mark.parametrize("site", [[1], [5], [50]], indirect=True)
def test_all_vms_stand_still_while_the_kernel_loads(site):
    site.kernel("done")
    report = site.load(site.image())
    assert (report["outcome"], report["fault"]) == ("loaded", None)
    check_held_together(report, site.tree.kernel_said())
    assert site.tree.revisions() == [NEW] * CPUS
    assert {vm["state"] for vm in report["vms"]} == {"runs"}
    assert report["longest_hold_ns"] >= 100_000_000
    assert report["kernel"]["log"] == ["microcode: this load is of the kind done"]
    site.crowd.check_running()
    time.sleep(0.2)
    site.crowd.check_count()


def test_guests_of_this_host_s_cpu_see_the_new_revision(site):
    site.kernel("done")
    report = site.load(site.image())
    assert {vm["revision"] for vm in report["vms"]} == {f"{NEW:#010x}"}
    assert site.crowd.revision() == NEW


@pytest.mark.parametrize("kind, outcome, after", [
    ("one", "partly loaded", [NEW, OLD, OLD, OLD]),
    ("partial", "partly loaded", [NEW, NEW, OLD, OLD]),
    ("refuse", "refused by the kernel", [OLD] * CPUS)])
def test_what_the_cpus_run_decides_and_not_what_the_kernel_says(
        site, kind, outcome, after):
    site.kernel(kind)
    before = site.crowd.revision()
    report = site.load(site.image(), status=1)
    assert report["outcome"] == outcome
    check_held_together(report, site.tree.kernel_said())
    assert site.tree.revisions() == after
    told = {c["cpus"]: int(c["after"], 16) for c in report["cpus"]}
    assert set(told.values()) == set(after)
    assert report["kernel"]["error"] == {
        "one": None, "partial": "not every CPU has taken it",
        "refuse": "it found nothing newer for CPU 0 that it may load"}[kind]
    site.crowd.check_running()
    assert site.crowd.revision() == (before if OLD not in after or
                                     kind == "refuse" else max(before, OLD))


def test_a_kernel_that_hangs_is_given_up_and_keeps_the_lock(site):
    site.kernel("hang")
    report = site.load("--kernel-deadline", "3s", "--lease", "2s",
                       site.image(), status=1)
    assert report["outcome"] == "no answer from the kernel"
    assert report["kernel"]["asked"] and not report["kernel"]["answered"]
    assert all(vm["fault"] is None for vm in report["vms"]), "leases were renewed"
    site.crowd.check_running()
    again = site.load(site.image(), status=1)
    assert "another load is at work" in again["fault"]


def test_what_cannot_be_read_again_is_not_called_a_failure(site):
    site.kernel("blind")
    report = site.load(site.image(), status=1)
    assert report["outcome"] == "not known" and "cpuinfo" in report["fault"]
    assert site.tree.firmware.exists()
    site.crowd.check_running()


# ---- what has changed ----

@pytest.mark.parametrize("site", [[2], [2, "--microcode-misfit", "pause"]],
                         indirect=True)
def test_a_bit_that_vanishes_is_told_and_vms_that_were_shown_it(site, request):
    pauses = len(request.node.callspec.params["site"]) > 1
    site.kernel("vanish")
    report = site.load(site.image(), status=1)
    change, = report["changes"]
    assert (change["kind"], change["name"]) == ("gone", "adx")
    assert change["kvm_differs"] and change["cpus"] == f"0-{CPUS - 1}"
    for vm in report["vms"]:
        assert not vm["fits"]
        assert [misfit["name"] for misfit in vm["misfits"]] == ["adx"]
        assert vm["state"] == ("paused" if pauses else "runs")
    assert site.crowd.held_by(0) == (["user"] if pauses else [])


# ---- the image ----

def test_the_old_file_is_kept_beside_the_new_one(site):
    site.tree.firmware.write_bytes(b"old")
    site.kernel("done")
    report = site.load(site.image())
    assert report["placed"] == str(site.tree.firmware) and report["kept_old"]
    assert site.tree.firmware.read_bytes() == site.image().read_bytes()
    old = site.tree.firmware.with_suffix(".old")
    assert old.read_bytes() == b"old"


def test_the_old_file_comes_back_if_nothing_was_loaded(site):
    site.tree.firmware.write_bytes(b"old")
    site.kernel("refuse")
    report = site.load(site.image(), status=1)
    assert report["placed"] is None
    assert site.tree.firmware.read_bytes() == b"old"
    assert list(site.tree.firmware.parent.iterdir()) == [site.tree.firmware]


def test_the_host_s_own_file_is_loaded_if_none_is_named(site):
    site.tree.firmware.write_bytes(site.image().read_bytes())
    site.kernel("done")
    report = site.load()
    assert (report["outcome"], report["placed"]) == ("loaded", None)


def test_all_updates_for_the_signature_are_handed_on(site):
    others = [ucode_image.intel(SIGNATURE, NEW + 7, 0x87),
              ucode_image.intel(0x50654, 7, PLATFORM)]
    image = site.image()
    mine = image.read_bytes()
    image.write_bytes(mine + b"".join(others))
    site.kernel("done")
    site.load(image)
    assert site.tree.firmware.read_bytes() == mine + others[0]


def test_an_older_revision_needs_leave(site):
    image = site.image(OLD - 1)
    never_asked(site, site.load(image, status=1), "is older than",
                "--allow-downgrade")
    site.kernel("done")
    before = site.crowd.revision()
    assert site.load("--allow-downgrade", image)["outcome"] == "loaded"
    assert site.crowd.revision() == max(before, OLD - 1)


def test_a_minimum_revision_is_obeyed(site):
    image = site.image(NEW, min_revision=OLD + 1)
    never_asked(site, site.load(image, status=1), f"wants {OLD + 1:#010x}")


@pytest.mark.parametrize("signature, revision", [(SIGNATURE, OLD), (0x50654, NEW)])
def test_there_may_be_nothing_to_load(site, signature, revision):
    image = site.image()
    image.write_bytes(ucode_image.intel(signature, revision, PLATFORM))
    report = site.load(image)
    assert report["outcome"] == "nothing to load" and not report["kernel"]["asked"]
    assert not any(vm["held"] for vm in report["vms"])


def test_a_bad_image_is_refused(site):
    image = site.image()
    data = bytearray(image.read_bytes())
    data[-1] ^= 1
    image.write_bytes(data)
    never_asked(site, site.load(image, status=1), "checksum")


def test_a_file_that_the_kernel_would_prefer_is_named(site):
    other = site.tree.root / "lib/firmware/updates/intel-ucode/06-8f-08"
    other.parent.mkdir(parents=True)
    other.write_bytes(b"")
    never_asked(site, site.load(site.image(), status=1), str(other))


def test_a_kernel_without_a_trigger_is_told(site):
    site.tree.trigger.unlink()
    never_asked(site, site.load(site.image(), status=1), "cannot load late")


def test_a_dry_run_holds_but_changes_nothing(site):
    report = site.load("--dry-run", site.image())
    assert report["outcome"] == "dry run"
    assert all(vm["held"] and vm["released_ns"] for vm in report["vms"])
    assert [c["wanted"] for c in report["cpus"]] == [f"{NEW:#010x}"]
    assert site.tree.revisions() == [OLD] * CPUS
    assert not site.tree.firmware.exists()
    site.crowd.check_running()


# ---- the VMs ----

def test_what_is_no_running_vm_does_not_matter(site, direct):
    raw_path = site.crowd.folder / "stale.sock"
    (site.crowd.folder / "notes").write_text("no socket")
    subprocess.run(["python3", "-c", "import socket, sys; "
                    "socket.socket(socket.AF_UNIX).bind(sys.argv[1])", raw_path],
                   check=True)
    instance = Instance(direct, site.crowd.folder)
    site.kernel("done")
    report = site.load(site.image())
    states = {name: vm["state"] for name, vm in vms(report).items()}
    assert states == {"vm0.sock": "runs", "vm1.sock": "runs",
                      "api.sock": "not started", "stale.sock": "stale"}
    instance.stop()


def test_listeners_of_a_vm_hear_of_the_load(site):
    with raw(site.crowd.path(0)) as stream:
        stream.sendall(b"GET /events HTTP/1.1\r\n\r\n")
        stream.recv(4096)
        site.kernel("done")
        site.load(site.image())
        heard = b""
        while b'"action":"released"' not in heard:
            heard += stream.recv(4096)
    assert b'"event":"microcode","action":"held"' in heard


def test_people_are_told_in_words(site):
    site.kernel("vanish")
    done = subprocess.run(site.command(site.image()), text=True, timeout=60,
                          stdout=subprocess.PIPE, check=False)
    for line in (f"CPUs 0-3 (0x806f8): {OLD:#x} -> {NEW:#x}",
                 "CPUs 0-3: adx (CPUID.7.0:EBX) 1 -> 0; KVM offers it still",
                 "no longer fits this host: adx", "longest hold: "):
        assert line in done.stdout
    assert done.stdout.endswith("loaded\n")
