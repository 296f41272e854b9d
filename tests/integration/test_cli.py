# SPDX-License-Identifier: Apache-2.0
"""test_cli.py - what a user sees of muster before and around a VM"""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = ["muster", "muster-run", "muster-ctl", "muster-doctor", "muster-fleet", "muster-snapshot",
         "muster-microcode"]


@pytest.fixture
def run(muster, tmp_path):
    """Run muster in an empty folder, and see that it stays empty."""
    def run_in_empty_folder(*arguments, **more):
        done = subprocess.run([muster, *arguments], cwd=tmp_path, check=False,
                              stdin=subprocess.DEVNULL, text=True, timeout=30,
                              **{"stdout": subprocess.PIPE,
                                 "stderr": subprocess.PIPE, **more})
        assert not list(tmp_path.iterdir())
        return done
    return run_in_empty_folder


@pytest.fixture
def help_run(run):
    return run("help", "run").stdout


def options_of(text):
    found = re.findall(r"^  --([a-z-]+)", text, re.MULTILINE)
    assert len(found) > 5
    return found


def statuses_of(text):
    """{status: explanation} of the last table of `muster help run`."""
    table = text.split("Exit status:\n")[1]
    return dict(re.findall(r"^  (\d+|N) +(.*)$", table, re.MULTILINE))


@pytest.mark.parametrize("words", [["--help"], ["-h"], ["help"]])
def test_the_overview_fits_a_screen(run, words):
    done = run(*words)
    lines = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (0, "")
    assert len(lines) <= 24 and max(map(len, lines)) <= 80
    assert {"run", "doctor", "help", "version"} <= {
        line.split()[0] for line in lines if line.startswith("  ")}


@pytest.mark.parametrize("verb", ["run", "doctor", "help", "version"])
def test_a_verb_explains_itself(run, verb):
    done = run("help", verb)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"usage: muster {verb}")
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert run(verb, "--help").stdout == done.stdout


def test_help_runs_name_range_default_and_examples(help_run):
    words = " ".join(help_run.split())
    assert "(1 to 254; default 1)" in words
    assert "(2M to 64T, a multiple of 4K; default 512M)" in words
    assert words.count("muster run --kernel vmlinu") >= 2


@pytest.mark.parametrize("words", [["--version"], ["version"]])
def test_version_is_that_of_the_tree(run, words):
    version = (ROOT / "VERSION").read_text().strip()
    assert run(*words).stdout == f"muster {version}\n"


def test_without_a_command_the_overview_is_an_error(run):
    done = run()
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == run("help").stdout


BAD_USAGE = [
    ("rnu", "rnu: unknown command; did you mean run?"),
    ("frobnicate", "frobnicate: unknown command; `muster help` lists them"),
    ("--cpus 2", "--cpus: unknown command; `muster help` lists them"),
    ("help run extra", "extra: unexpected; `muster help help` says what help takes"),
    ("version 1", "1: unexpected; `muster help version` says what version takes"),
    ("doctor --xml", "--xml: unknown option; `muster help doctor` lists the options"),
    ("doctor --json=1", "--json 1: neither on nor off; give on or off"),
    ("run", "--kernel: missing; give --kernel FILE, the kernel to boot: a "
            "bzImage or an ELF vmlinux"),
    ("run --kernel", "--kernel: has no value; write --kernel FILE"),
    ("run --kernle k", "--kernle: unknown option; did you mean --kernel?"),
    ("run --kernel k --disk pth=a",
     "--disk pth: unknown key; the keys are path, readonly, direct, id, "
     "bandwidth, ops"),
    ("run --kernel k --disk path=a --disk path=a",
     "--disk path=a: given for two disks; attach each file once"),
    ("run --kernel k --disk path=a,id=x --disk path=b,id=x",
     "--disk id=x: given to two disks; give each its own"),
    ("run --kernel k" + "".join(f" --disk path=d{n}" for n in range(17)),
     "--disk path=d16: one too many; give at most 16"),
    ("run --kernel k --cpus 0",
     "--cpus 0: out of range; give a number from 1 to 254"),
    ("run --kernel k --cpus 255",
     "--cpus 255: out of range; give a number from 1 to 254"),
    ("run --kernel k --cpus two",
     "--cpus two: not a number; give a number from 1 to 254"),
    ("run --kernel k --cpus 1 --cpus 1",
     "--cpus 1: given twice; give --cpus once"),
    ("run --kernel k --memory 0",
     "--memory 0: out of range; give bytes, or a number with K, M, G or T, "
     "from 2M to 64T, a multiple of 4K"),
    ("run --kernel k --memory 1000000001",
     "--memory 1000000001: not a multiple; give bytes, or a number with K, M, "
     "G or T, from 2M to 64T, a multiple of 4K"),
    ("run --kernel k --memory 1000000T",
     "--memory 1000000T: out of range; give bytes, or a number with K, M, G or "
     "T, from 2M to 64T, a multiple of 4K"),
    ("run --kernel k --console file=",
     "--console file=\"\": empty; give serial, file=FILE or none"),
    ("run --kernel k --metrics m.json --timeout 1y",
     "--timeout 1y: not a length of time; give a number with ms, s, m or h, "
     "from 1ms to 8760h"),
]


@pytest.mark.parametrize("words,sentence", BAD_USAGE)
def test_bad_usage_gives_one_sentence_and_no_file(run, words, sentence):
    done = run(*words.split())
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"muster: {sentence}\n"


def test_control_characters_do_not_reach_the_terminal(run):
    done = run("run", "--kernel=k", "--cpus=\x1b[2J\n1")
    assert done.stderr.startswith("muster: --cpus ?[2J?1: not a number")


def test_a_full_standard_output_is_reported(run):
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = run("help", stdout=full)
    assert done.returncode == 4
    assert done.stderr == ("muster: cannot write standard output: "
                           "No space left on device\n")


def test_doctor_gives_a_line_for_each_check(run):
    done = run("doctor")
    *checks, verdict = done.stdout.splitlines()
    assert done.stderr == ""
    states = [re.fullmatch(r"(ok|warn|missing) +[\w-]+: .+", c)[1] for c in checks]
    assert done.returncode == (3 if "missing" in states else 0)
    assert verdict.startswith("No VM" if "missing" in states else "A VM")


def test_doctor_speaks_json(run):
    done = run("doctor", "--json")
    report = json.loads(done.stdout)
    assert (report["version"], done.stderr) == (1, "")
    assert report["can_run"] is (done.returncode == 0)
    lines = [f"{c['state']:8} {c['name']}: {c['text']}" for c in report["checks"]]
    assert lines == run("doctor").stdout.splitlines()[:-1]


@pytest.mark.needs("root")  # to hide /dev/kvm below a mount
def test_doctor_names_an_absent_kvm(muster):
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c",
         f"mount -t tmpfs none /dev && exec {muster} doctor"],
        capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert re.search(r"^missing  kvm: /dev/kvm: absent; ", done.stdout, re.MULTILINE)
    assert done.stdout.endswith("No VM can run on this host.\n")


@pytest.mark.parametrize("page", PAGES)
def test_man_pages_render_without_warnings(muster, page):
    assert shutil.which("man"), "apt-get install man-db"
    done = subprocess.run(
        ["man", "--warnings", "-l", muster.parent / f"man/{page}.1"],
        env={**os.environ, "LC_ALL": "C.UTF-8", "MANWIDTH": "100", "PAGER": "cat"},
        capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert page.upper() in done.stdout


@pytest.mark.parametrize("document", ["man", "README"])
def test_every_option_and_exit_status_is_documented(muster, help_run, document):
    path = {"man": muster.parent / "man/muster-run.1", "README": ROOT / "README.md"}
    text = path[document].read_text().replace("\\-", "-")
    for option in options_of(help_run):
        assert f"--{option}" in text
    for status, explanation in statuses_of(help_run).items():
        assert re.search(rf"^(\.B \"|\| ){status}\b", text, re.MULTILINE), status
        assert explanation[1:] in text


def test_the_keys_of_a_disk_are_documented(help_run):
    readme = (ROOT / "README.md").read_text()
    for key in re.findall(r"^      ([a-z]+)=", help_run, re.MULTILINE):
        assert f"{key}=" in readme
