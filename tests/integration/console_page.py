# SPDX-License-Identifier: Apache-2.0
"""console_page.py - pages whose console blocks are run, and print what they show

    ```console kvm
    $ muster version
    muster ...
    ```

The words behind `console` say what a block needs.  A command that shows nothing must
print nothing; `...` stands for anything.
"""

import os
import re
import subprocess

BLOCK = re.compile(r"^```console( [a-z ]+)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page):
    """(what it needs, its commands and what each prints) of each block."""
    for tags, text in BLOCK.findall(page.read_text(encoding="utf-8")):
        parts = re.split(r"^\$ (.*)\n", text, flags=re.MULTILINE)[1:]
        yield set(tags.split()), list(zip(parts[::2], parts[1::2]))


def lines(page, *tags):
    """The commands of the blocks that need no more than `tags`, in order."""
    return [step for needs, steps in blocks(page) if needs <= set(tags)
            for step in steps]


def install(muster, folder):
    """Put muster where printed() finds it."""
    (folder / "bin").mkdir()
    (folder / "bin/muster").symlink_to(muster)
    return folder


def printed(command, folder):
    """Standard output and errors, as on a terminal."""
    path = f"{folder / 'bin'}:{os.environ['PATH']}"
    done = subprocess.run(["sh", "-c", command], cwd=folder, check=False,
                          text=True, timeout=60, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env={**os.environ, "PATH": path, "LC_ALL": "C"})
    # What is shown has no blanks at the ends of lines.
    return re.sub(r" +$", "", done.stdout, flags=re.MULTILINE)


def compare(steps, folder):
    for command, shown in steps:
        wanted = re.escape(shown).replace(re.escape("..."), ".*")
        got = printed(command, folder)
        assert re.fullmatch(wanted, got), f"$ {command}\n{got}"
