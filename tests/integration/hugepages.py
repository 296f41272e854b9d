# SPDX-License-Identifier: Apache-2.0
"""hugepages.py - pages of 2 MiB that this machine reserves for a while"""

import contextlib
from pathlib import Path

from host import Missing

POOL = Path("/sys/kernel/mm/hugepages/hugepages-2048kB")
PAGES = 40


def count(name):
    return int((POOL / name).read_text())


@contextlib.contextmanager
def reserved():
    """PAGES more than there are, which are given back; or Missing."""
    try:
        before, free = count("nr_hugepages"), count("free_hugepages")
        (POOL / "nr_hugepages").write_text(str(before + PAGES))
    except OSError as error:
        raise Missing(f"huge pages cannot be reserved: {error.strerror}") from None
    try:
        if count("free_hugepages") < free + PAGES:
            raise Missing("memory is in pieces too small for huge pages")
        yield
    finally:
        (POOL / "nr_hugepages").write_text(str(before))


def probe():
    """Raises Missing where they cannot be had."""
    with reserved():
        pass
