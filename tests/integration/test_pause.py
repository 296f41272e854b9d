# SPDX-License-Identifier: Apache-2.0
"""test_pause.py - Linux, held for longer than its watchdogs allow, does not notice"""

import time

import pytest

import linux_guest

pytestmark = pytest.mark.needs("svm")

HOLD_SECONDS = 24
NAP_SECONDS = 4


@pytest.fixture(scope="module")
def held(svm):
    """The guest; how long it was up before and after, and how long that took."""
    guest = linux_guest.boot(svm, "pause")
    guest.type(f"nap {NAP_SECONDS}")
    before, begun = guest.clocks(), time.monotonic()
    guest.pause()
    held, printed = time.monotonic(), guest.console()
    time.sleep(HOLD_SECONDS)
    assert guest.console() == printed
    away = time.monotonic() - held
    guest.resume()
    after, ended = guest.clocks(), time.monotonic()
    guest.heard("nap")
    return {"guest": guest, "before": before, "after": after,
            "ran": ended - begun - away}


def test_uptime_and_date_go_on_from_where_they_stopped(held):
    uptime, date, _ = (after - before for before, after in
                       zip(held["before"], held["after"]))
    assert 0 < uptime < held["ran"] + 1
    assert 0 <= date < held["ran"] + 2


def test_a_timer_that_was_armed_before_fires_when_its_time_has_come(held):
    (_, begun, ended), = (text.split() for text in held["guest"].answers("nap"))
    slept = float(ended) - float(begun)
    assert NAP_SECONDS <= slept < NAP_SECONDS + 2


def test_it_has_its_data_and_no_complaint(held):
    linux_guest.check(held["guest"])
