# SPDX-License-Identifier: Apache-2.0
"""iucode.py - iucode-tool, by which muster's view of Intel's files is judged"""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from host import Missing
from images import OUT, call

TOOL = "/usr/sbin/iucode_tool"
RELEASE = "bookworm"
KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"


def probe():
    """Raises Missing where the tool is not installed."""
    if not Path(TOOL).exists():
        raise Missing("iucode-tool is not installed")


def run(*arguments):
    return subprocess.run([TOOL, *map(str, arguments)], check=False, text=True,
                          capture_output=True, timeout=60)


def parse(line):
    """(signature, flags, date, revision) and the size, or None of a signature."""
    found = re.search(r"sig (0x\w+), pf_mask (0x\w+), ([\d-]+), rev (0x\w+)"
                      r"(?:, size (\d+))?", line)
    signature, flags, date, revision, size = found.groups()
    return ((int(signature, 16), int(flags, 16), date, int(revision, 16)),
            int(size) if size else None)


def listed(*paths):
    """{file: [(size, its signatures)]} as `iucode_tool -L` prints it."""
    files = {}
    for line in run("-tr", "-L", *paths).stdout.splitlines():
        bundle = re.match(r"microcode bundle \d+: (.*)", line)
        if bundle:
            updates = files.setdefault(bundle[1], [])
            continue
        what, size = parse(line)
        if size is not None:
            updates.append((size, [what]))
        else:
            updates[-1][1].append(what)
    return files


def selected(folder, signature, platforms):
    """The newest that the tool gives to such a processor: its four facts."""
    done = run("-q", "-l", f"-s{signature:#x},{platforms:#x}", folder)
    return max((parse(line)[0] for line in done.stdout.splitlines()
                if re.search(r"\d/\d", line)), key=lambda facts: facts[3])


# ---- Debian's packages of microcode, which are in non-free-firmware ----

def mirror():
    """Where this machine has Debian from."""
    listed = call("apt-get", "indextargets", "--format", "$(REPO_URI)",
                  "Created-By: Packages", "Component: main", f"Codename: {RELEASE}")
    if not listed:
        raise Missing(f"apt has no list of {RELEASE}: run apt-get update")
    return listed.decode().split()[0]


def fetch(package, tree):
    """Unpack it, by lists of our own: the machine's are left as they are."""
    with tempfile.TemporaryDirectory(dir=OUT) as new:
        new = Path(new)
        (new / "sources.list").write_text(
            f"deb [signed-by={KEYS}] {mirror()} {RELEASE} non-free-firmware\n")
        for folder in "lists/partial", "cache/archives/partial":
            (new / folder).mkdir(parents=True)
        apt = ["apt-get", "-qq", "-o", f"Dir::Etc::sourcelist={new}/sources.list",
               "-o", "Dir::Etc::sourceparts=-", "-o", f"Dir::State::lists={new}/lists",
               "-o", f"Dir::Cache={new}/cache", "-o", "APT::Sandbox::User=root"]
        call(*apt, "update")
        call(*apt, "download", package, cwd=new)
        call("dpkg", "-x", next(new.glob("*.deb")), new / "tree")
        (new / "tree").rename(tree)


def packaged(package):
    """The folder of a package's firmware; once fetched it stays until make clean."""
    tree = OUT / package
    if not tree.exists():
        OUT.mkdir(parents=True, exist_ok=True)
        fetch(package, tree)
    return tree / "lib/firmware"


def probe_packages():
    """Raises Missing where the component cannot be reached."""
    if not shutil.which("apt-get"):
        raise Missing("there is no apt-get")
    try:
        packaged("intel-microcode")
        packaged("amd64-microcode")
    except Exception as error:
        raise Missing(f"non-free-firmware is not reachable: {error}") from None
