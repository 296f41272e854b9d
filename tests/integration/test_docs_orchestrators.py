# SPDX-License-Identifier: Apache-2.0
"""test_docs_orchestrators.py - the commands of docs/orchestrators.md print what it shows"""

import pytest

from console_page import compare, install, lines
from images import ROOT

PAGE = ROOT / "docs/orchestrators.md"


@pytest.mark.needs("direct")
def test_the_commands_print_what_is_shown(muster, tmp_path):
    install(muster, tmp_path)
    compare(lines(PAGE, "kvm"), tmp_path)
    assert len(lines(PAGE, "kvm")) > 3
