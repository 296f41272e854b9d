# SPDX-License-Identifier: Apache-2.0
"""test_docs_load.py - the late loads of docs/microcode.md print what it shows

On a host in a folder, with VMs of this machine; the folder's name is taken out of what
is printed.
"""

import pytest

from console_page import compare, lines
from images import ROOT
from microcode_crowd import Site

pytestmark = pytest.mark.needs("direct")

PAGE = ROOT / "docs/microcode.md"

WRAPPER = """\
#!/bin/sh
{muster} "$@" --sysfs-root={folder}/host | sed "s,{folder}/host,,; s,{folder}/vms,/run/vms,"
"""


@pytest.fixture
def site(direct, muster, tmp_path):
    made = Site(tmp_path, direct, muster)
    made.image().rename(tmp_path / "06-8f-08")
    (tmp_path / "bin").mkdir()
    wrapper = tmp_path / "bin/muster"
    wrapper.write_text(WRAPPER.format(muster=muster, folder=tmp_path))
    wrapper.chmod(0o755)
    yield made
    made.stop()


@pytest.mark.parametrize("tag, kind", [("load", "done"), ("vanish", "vanish")])
def test_loads_print_what_is_shown(site, tag, kind):
    steps = [step for step in lines(PAGE, tag) if " load " in step[0]]
    assert steps
    site.kernel(kind)
    compare([[part.replace("--vms /run/vms", f"--vms {site.crowd.folder}")
              for part in step] for step in steps], site.folder)
