# SPDX-License-Identifier: Apache-2.0
"""test_fleet.py - the commands of `muster fleet`, as a user types them"""

import copy
import itertools
import json
import os
import re
import stat
import subprocess
import time
from html.parser import HTMLParser
from pathlib import Path

import pytest

CORPUS = Path(__file__).resolve().parent.parent / "fuzz/corpus"
INTEL = CORPUS / "profile/intel-vmx"
# What the hosts of INTEL have.
EPT_VPID = 0xf0106734141
LEAF_1_ECX = 0xf7fa3223
FINGERPRINT = CORPUS / "fingerprint/icelake"


@pytest.fixture
def fleet(muster, tmp_path):
    """Run `muster fleet` in an empty folder; the status must be as told."""
    def run(*arguments, status=0, **more):
        done = subprocess.run([muster, "fleet", *map(str, arguments)], text=True,
                              cwd=tmp_path, check=False, timeout=60,
                              capture_output=True, **more)
        assert done.returncode == status, done.stderr
        return done
    return run


@pytest.fixture
def write(tmp_path):
    """Write JSON into the empty folder; its name."""
    def write_json(name, value):
        (tmp_path / name).write_text(json.dumps(value), encoding="utf-8")
        return name
    return write_json


@pytest.fixture
def intel():
    return json.loads(INTEL.read_text(encoding="utf-8"))


def registers(profile):
    """{(leaf, subleaf, register): value} of KVM's CPUID."""
    return {(int(entry["leaf"], 16), int(entry["subleaf"], 16), name):
            int(entry[name], 16)
            for entry in profile["kvm"]["cpuid"]
            for name in ("eax", "ebx", "ecx", "edx") if name in entry}


def one_sentence(done):
    """The sentence, alone on standard error."""
    assert done.stdout == ""
    found = re.fullmatch(r"muster: (.+)\n", done.stderr)
    assert found, done.stderr
    return found[1]


# ---- profile ----

@pytest.mark.needs("direct")
def test_the_profile_of_this_host_names_it_and_its_cpus(fleet):
    profile = json.loads(fleet("profile").stdout)
    online = Path("/sys/devices/system/cpu/online").read_text(encoding="utf-8")
    assert (profile["format"], profile["version"]) == ("muster-profile", 1)
    assert profile["host"] == os.uname().nodename
    assert profile["kernel"] == os.uname().release
    assert profile["groups"][0]["cpus"] in online or len(profile["groups"]) > 1
    assert profile["tsc_khz"] > 0


@pytest.mark.needs("direct")
def test_the_offer_is_for_guests(fleet):
    offer = registers(json.loads(fleet("profile").stdout))
    assert offer[1, 0, "edx"] & 1, "an FPU"
    # Features that every x86-64 guest needs: long mode.
    assert offer[0x80000001, 0, "edx"] >> 29 & 1


@pytest.mark.needs("direct")
def test_two_profiles_of_a_host_are_the_same_file(fleet):
    assert fleet("profile").stdout == fleet("profile").stdout


@pytest.mark.needs("direct")
def test_a_profile_takes_the_name_and_the_place_it_is_given(fleet, tmp_path):
    done = fleet("profile", "--name", "node-7", "-o", "a.json")
    assert done.stdout == ""
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]
    assert json.loads((tmp_path / "a.json").read_text())["host"] == "node-7"


@pytest.mark.needs("direct")
def test_a_file_that_is_no_regular_one_is_written_into(fleet):
    fleet("profile", "-o", "/dev/null")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


@pytest.mark.needs("direct")
def test_a_profile_is_quick(fleet):
    began = time.monotonic()
    fleet("profile", "-o", "a.json")
    assert time.monotonic() - began < 1


def test_output_that_cannot_be_written_is_reported(fleet):
    done = fleet("profile", "--import-firecracker", FINGERPRINT, "-o",
                 "missing/a.json", status=4)
    assert one_sentence(done) == ("missing/a.json: cannot write: "
                                  "No such file or directory")


def test_a_fingerprint_becomes_a_profile(fleet):
    done = fleet("profile", "--import-firecracker", FINGERPRINT, "--name", "ice")
    profile = json.loads(done.stdout)
    assert profile["host"] == "ice"
    assert profile["groups"] == []
    assert profile["kvm"]["msrs"]["0x10a"] == "0xc02a0eb"


def test_a_bad_fingerprint_is_refused_by_name(fleet):
    done = fleet("profile", "--import-firecracker", INTEL, status=2)
    assert "kernel_version: missing" in one_sentence(done)


# ---- show and diff ----

def test_show_decodes_controls_and_features(fleet):
    text = fleet("show", INTEL).stdout
    assert "host skx, kernel 6.1.0-18-cloud-amd64, TSC 2600000 kHz" in text
    assert "CPU 3: microcode 0x2006b06, others 0x2007006" in text
    assert re.search(r"^ +0 +vmx-intr-exit +0 or 1$", text, re.MULTILINE)
    assert re.search(r"^ +7 +vmx-posted-intr +always 0$", text, re.MULTILINE)
    assert max(map(len, text.splitlines())) <= 80


def test_show_gives_json(fleet):
    shown = json.loads(fleet("show", "--json", INTEL).stdout)
    assert (shown["version"], shown["host"]) == (1, "skx")
    basic = next(r for r in shown["registers"]
                 if r["register"] == "IA32_VMX_BASIC")
    assert basic["value"] == "0xd8100011e57ed0"
    assert basic["fields"]["vmx-true-ctls"] == 1


def test_show_reads_standard_input(fleet):
    with open(INTEL, encoding="utf-8") as f:
        assert fleet("show", "-", stdin=f).stdout == fleet("show", INTEL).stdout


def test_show_has_no_silicon_of_a_template(fleet):
    done = fleet("show", "--silicon", CORPUS / "template/intel-vmx", status=2)
    assert one_sentence(done) == ("--silicon: intel-vmx knows no silicon; "
                                  "leave it out")


def test_a_file_does_not_differ_from_itself(fleet):
    assert fleet("diff", INTEL, INTEL).stdout == ""


def test_diff_names_fields_and_both_values(fleet, write, intel):
    intel["host"] = "other"
    intel["kvm"]["msrs"]["0x48c"] = "0xf0106534141"
    name = write("b.json", intel)
    done = fleet("diff", INTEL, name, status=1)
    assert done.stdout == "vmx-eptad (IA32_VMX_EPT_VPID_CAP): skx 1, other 0\n"
    listed = json.loads(fleet("diff", "--json", INTEL, name, status=1).stdout)
    assert [d["a"] for d in listed["differences"]] == ["1"]


# ---- merge and check ----

@pytest.fixture
def three(write, intel):
    """Host a; b has no 1 GiB pages under EPT, c no PCLMULQDQ."""
    names = []
    for host in "abc":
        profile = copy.deepcopy(intel)
        profile["host"] = host
        if host == "b":
            profile["kvm"]["msrs"]["0x48c"] = hex(EPT_VPID & ~(1 << 17))
        if host == "c":
            profile["kvm"]["cpuid"][1]["ecx"] = hex(LEAF_1_ECX & ~2)
        names.append(write(f"{host}.json", profile))
    return names


def test_merging_in_any_order_and_in_steps_gives_the_same_file(fleet, three):
    texts = {fleet("merge", *order).stdout
             for order in itertools.permutations(three)}
    assert len(texts) == 1
    fleet("merge", *three[:2], "-o", "ab.json")
    texts.add(fleet("merge", "ab.json", three[2]).stdout)
    assert len(texts) == 1


def test_the_merged_cpu_lacks_what_one_host_lacks(fleet, three):
    fleet("merge", *three, "-o", "fleet.json")
    shown = fleet("show", "fleet.json").stdout.split()
    assert {"vmx-ept-2mb", "vmx-eptad", "ssse3"} <= set(shown)
    assert not {"vmx-ept-1gb", "pclmulqdq"} & set(shown)


def test_each_host_fits_what_it_was_merged_into(fleet, three):
    fleet("merge", *three, "-o", "fleet.json")
    done = fleet("check", "fleet.json", *three)
    assert done.stdout == "a: fits\nb: fits\nc: fits\n"


def test_check_names_what_a_host_lacks(fleet, three):
    fleet("merge", three[0], "-o", "fleet.json")
    done = fleet("check", "fleet.json", *three[1:], status=1)
    assert done.stdout == (
        "b: does not fit:\n"
        "  vmx-ept-1gb (IA32_VMX_EPT_VPID_CAP): the template has 1, the host 0\n"
        "c: does not fit:\n"
        "  pclmulqdq (CPUID.1:ECX): the template has 1, the host 0\n")
    listed = json.loads(fleet("check", "--json", "fleet.json", *three,
                              status=1).stdout)
    assert [host["fits"] for host in listed["hosts"]] == [True, False, False]
    assert listed["hosts"][2]["misfits"] == [
        {"register": "CPUID.1:ECX", "name": "pclmulqdq", "wanted": "1",
         "offered": "0"}]


def test_check_wants_a_template_first(fleet, three):
    assert one_sentence(fleet("check", *three, status=2)) == (
        "a.json: a profile; the first file is the template that hosts are "
        "checked against")


@pytest.mark.needs("direct")
def test_this_host_fits_its_own_template(fleet):
    fleet("profile", "-o", "here.json")
    fleet("merge", "here.json", "-o", "fleet.json")
    assert fleet("check", "fleet.json").stdout.endswith(": fits\n")


@pytest.mark.needs("direct")
def test_this_host_does_not_fit_a_template_of_more(fleet, tmp_path):
    fleet("profile", "-o", "here.json")
    fleet("merge", "here.json", "-o", "fleet.json")
    template = json.loads((tmp_path / "fleet.json").read_text())
    leaf = next(entry for entry in template["cpuid"]
                if entry["leaf"] == "0x80000008")
    leaf["eax"] = hex((int(leaf["eax"], 16) & ~0xff) | 52)
    (tmp_path / "fleet.json").write_text(json.dumps(template))
    assert "phys_bits" in fleet("check", "fleet.json", status=1).stdout


def test_without_and_require_shape_the_fleet(fleet, three):
    shown = fleet("merge", *three, "--without", "ssse3").stdout
    assert shown != fleet("merge", *three).stdout
    done = fleet("merge", *three, "--require=vmx-ept-1gb", status=2)
    assert one_sentence(done) == "--require vmx-ept-1gb: missing on b"
    done = fleet("merge", *three, "--without", "nonsense", status=2)
    assert one_sentence(done) == ("--without nonsense: no such feature; "
                                  "`muster fleet show` lists the names")


def test_explain_names_hosts_and_what_would_be_regained(fleet, three, tmp_path):
    lines = fleet("merge", *three, "--explain").stdout.splitlines()
    assert any(line.startswith("vmx-ept-1gb (IA32_VMX_EPT_VPID_CAP): missing on "
                               "b: ") for line in lines)
    assert any(line.startswith("pclmulqdq (CPUID.1:ECX): missing on c: ")
               for line in lines)
    assert lines[-2:] == ["Without b the fleet would have: vmx-ept-1gb",
                          "Without c the fleet would have: pclmulqdq"]
    assert not (tmp_path / "fleet.json").exists()
    fleet("merge", *three, "--explain", "-o", "fleet.json")
    assert (tmp_path / "fleet.json").exists()


def test_explain_gives_json(fleet, three):
    told = json.loads(fleet("merge", *three, "--explain", "--json").stdout)
    loss = {loss["name"]: loss for loss in told["losses"]}["pclmulqdq"]
    assert [host["host"] for host in loss["missing_on"]] == ["c"]
    assert {gain["host"]: gain["features"]
            for gain in told["regained_without"]} == {
                "b": ["vmx-ept-1gb"], "c": ["pclmulqdq"]}


def test_explain_sets_numbers_apart_from_features(fleet):
    told = fleet("merge", *INTEL_PROFILES, "--explain").stdout
    features, numbers = told.split("Limits, sizes and identity:\n")
    assert "\nvmx-ept (" in features and "signature" not in features
    assert "max_leaf" not in features
    assert "  max_leaf: lower on lynnfield: silicon" in numbers.splitlines()
    assert "  signature and caches: as on penryn" in numbers.splitlines()
    assert numbers.count("\n") < 10


def test_explain_names_no_host_for_a_brand_string_of_none(fleet, write):
    fingerprints = sorted((CORPUS.parent.parent / "data/fingerprints").glob("intel-*"))
    hosts = [write(path.name, json.loads(fleet(
        "profile", "--import-firecracker", path).stdout)) for path in fingerprints]
    told = fleet("merge", *hosts, "--explain").stdout
    assert told.endswith("  brand string: hosts differ\n")


def test_hosts_that_are_alike_lose_nothing(fleet, three):
    done = fleet("merge", three[0], three[0], "--explain")
    assert done.stdout == "The fleet loses nothing.\n"


def test_vendors_do_not_mix(fleet, three):
    done = fleet("merge", three[0], CORPUS / "profile/amd", status=2)
    assert one_sentence(done) == (
        "a is GenuineIntel and vm is AuthenticAMD: vendors do not mix in one "
        "fleet")


# ---- bad input ----

def without(key):
    return lambda profile: profile.pop(key)


BAD_PROFILES = [
    (without("kvm"), "kvm: missing"),
    (lambda p: p.update(x=1), "x: unknown key"),
    (lambda p: p.update(version=2), "version: is 2, and this muster reads "
     "version 1 of muster-profile; make the file again with this muster"),
    (lambda p: p["kvm"]["cpuid"].append(p["kvm"]["cpuid"][0]),
     "kvm.cpuid[2]: CPUID leaf 0x0 subleaf 0x0: given twice"),
    (lambda p: p["kvm"]["msrs"].update({"0xdead": "0x0"}),
     "kvm: MSR 0xdead: none that this muster knows"),
    (lambda p: p["kvm"]["msrs"].update({"0x48d": "0x7f00000116"}),
     "kvm: IA32_VMX_TRUE_PINBASED_CTLS: bit 8 must be 1 and may not be 1; no "
     "CPU is so"),
    (lambda p: p["groups"][1].update(cpus="2-3"),
     "groups[1]: cpus: one of them is in an earlier group too"),
]


@pytest.mark.parametrize("spoil,sentence", BAD_PROFILES)
def test_a_bad_profile_is_refused_by_file_and_key(fleet, write, intel, spoil,
                                                  sentence):
    spoil(intel)
    done = fleet("show", write("bad.json", intel), status=2)
    assert one_sentence(done) == f"bad.json: {sentence}"


def test_a_truncated_file_is_refused(fleet, tmp_path):
    text = INTEL.read_text(encoding="utf-8")
    for length in (0, 1, len(text) // 2, len(text) - 3):
        (tmp_path / "cut.json").write_text(text[:length], encoding="utf-8")
        assert one_sentence(fleet("show", "cut.json",
                                  status=2)).startswith("cut.json: ")


def test_a_file_that_is_not_there_is_named(fleet):
    done = fleet("diff", "a.json", INTEL, status=2)
    assert one_sentence(done) == "a.json: cannot open: No such file or directory"


# ---- words ----

@pytest.mark.parametrize("words,sentence", [
    ("", "fleet: says nothing to do; `muster help fleet` lists its commands"),
    ("mrege", "fleet mrege: unknown; did you mean merge?"),
    ("xyz", "fleet xyz: unknown; `muster help fleet` lists its commands"),
    ("diff a", "FILE: only one given; give the two that are to be compared"),
    ("show", "FILE: missing; give a profile or a template; - is standard input"),
    ("show a b", "b: one too many; give one FILE"),
    ("profile x", "x: not an option; options begin with --, and `muster help "
                  "fleet profile` lists them"),
    ("merge a --json", "--json: is about the explanation; add --explain"),
    ("merge", "FILE: missing; give profiles of hosts, or templates of other "
              "merges"),
    ("check", "FILE: missing; give a template, and behind it the profiles of "
              "the hosts to be checked; without any, this host"),
])
def test_bad_usage_gives_one_sentence(fleet, words, sentence):
    assert one_sentence(fleet(*words.split(), status=2)) == sentence


@pytest.mark.parametrize("command", ["profile", "merge", "check", "diff", "show"])
def test_each_command_explains_itself(muster, command):
    def output(*words):
        return subprocess.run([muster, *words], capture_output=True, text=True,
                              check=True, timeout=10).stdout
    text = output("help", "fleet", command)
    assert text.startswith(f"usage: muster fleet {command}")
    assert "Examples:\n" in text
    assert max(map(len, text.splitlines())) <= 80
    assert output("fleet", command, "--help") == text
    assert f"\n  {command} " in output("help", "fleet")


# ---- report ----

class Page(HTMLParser):
    """The page's text by row, and that its elements are balanced."""

    VOID = {"meta"}

    def __init__(self, text):
        super().__init__()
        self.open, self.names, self.filled, self.text = [], [], 0, []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        if tag not in self.VOID:
            self.open.append(tag)
        self.filled += ("class", "x") in attrs
        self.names += [value for name, value in attrs if name == "title"]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


PROFILES = sorted((CORPUS.parent.parent / "data/profiles").glob("*.json"))
INTEL_PROFILES = [path for path in PROFILES
                  if path.stem in ("penryn", "lynnfield", "sandy_bridge",
                                   "ivy_bridge", "haswell", "skylake_x")]


def test_a_report_shows_every_loss_and_every_host(fleet, tmp_path):
    fleet("report", *INTEL_PROFILES, "-o", "report.html")
    page = Page((tmp_path / "report.html").read_text())
    told = json.loads(fleet("merge", *INTEL_PROFILES, "--explain", "--json").stdout)
    shown = [loss for loss in told["losses"] if loss["kind"] != "identity"]
    for loss in shown:
        assert loss["name"] in page.text
    assert page.filled == sum(len(loss["missing_on"]) for loss in shown)
    assert any("signature and caches: as on penryn" in text for text in page.text)
    for path in INTEL_PROFILES:
        assert path.stem in page.text


def test_a_report_is_text_without_a_page(fleet):
    words = fleet("report", *INTEL_PROFILES).stdout
    assert words == fleet("merge", *INTEL_PROFILES, "--explain").stdout


def test_a_report_escapes_what_files_say(fleet, write, tmp_path):
    name = "<b>'&\""
    penryn, haswell = (json.loads(path.read_text()) for path in PROFILES
                       if path.stem in ("penryn", "haswell"))
    penryn["host"] = name
    fleet("report", write("p.json", penryn), write("h.json", haswell), "-o", "r.html")
    text = (tmp_path / "r.html").read_text()
    assert name in Page(text).text or name in "".join(Page(text).text)
    assert "<b>" not in text


def test_a_report_of_200_hosts_stays_small(fleet, write, tmp_path):
    penryn, haswell = (json.loads(path.read_text()) for path in PROFILES
                       if path.stem in ("penryn", "haswell"))
    files = [write(f"{i}.json", {**(penryn if i % 2 else haswell), "host": f"host-{i}"})
             for i in range(200)]
    fleet("report", *files, "-o", "report.html")
    assert (tmp_path / "report.html").stat().st_size < 4 << 20
