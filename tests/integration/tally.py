# SPDX-License-Identifier: Apache-2.0
"""tally.py - what the payload of this name prints, over all its snapshots"""

import itertools


def expected(cpus, length):
    """The first characters of the only text that it can print."""
    text = ""
    for number in itertools.count(1):
        if len(text) >= length:
            return text[:length]
        text += "".join(f"{cpu} {number}\n" for cpu in range(cpus))


def check(consoles, cpus, more=40):
    """Of a VM and those that went on from it: no byte is lost or comes twice."""
    text = "".join(consoles)
    assert text == expected(cpus, len(text))
    assert all(len(console) > more for console in consoles), consoles
