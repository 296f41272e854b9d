# SPDX-License-Identifier: Apache-2.0
"""conftest.py - the test hosts as fixtures, and what a test may ask for

    @pytest.mark.needs("svm")    a capability: direct, svm, vmx, root, strace,
                                 openapi, what judges documents, iucode, which
                                 judges microcode, packages, Debian's of it,
                                 hugepages, of 2 MiB, and dynamic, a muster
                                 that takes LD_PRELOAD

A test whose capability this machine lacks is skipped by naming it; those that
MUSTER_REQUIRE lists (MUSTER_REQUIRE=direct,svm,vmx) make it fail instead.

`direct` and `svm` are hosts that are up: run(), start_muster(), shell().
`vmx` boots each Bochs model once: a test module that wants jobs done there has
a vmx_jobs(host), which adds them, and vmx(model) gives the results of all jobs.
"""

import functools
import os
import shutil
import subprocess
from pathlib import Path

import pytest

import direct as direct_host
import hugepages
import iucode
import openapi
import svm as svm_host
import vmx as vmx_host
from host import Missing
from images import ROOT
from instance import Instance


def probe_root():
    if os.geteuid():
        raise Missing("the tests do not run as root")


def probe_strace():
    if not shutil.which("strace"):
        raise Missing("strace is not installed")


def muster_path():
    """The muster under test: $MUSTER, or the one in build/."""
    return Path(os.environ.get("MUSTER", ROOT / "build/muster"))


def probe_dynamic():
    headers = subprocess.run(["readelf", "-l", muster_path()], check=True,
                             text=True, stdout=subprocess.PIPE).stdout
    if "INTERP" not in headers:
        raise Missing("muster is linked statically")


PROBES = {"direct": direct_host.probe, "svm": svm_host.probe,
          "vmx": vmx_host.probe, "root": probe_root,
          "strace": probe_strace, "dynamic": probe_dynamic,
          "openapi": openapi.probe, "iucode": iucode.probe,
          "packages": iucode.probe_packages, "hugepages": hugepages.probe}
REQUIRED = set(os.environ.get("MUSTER_REQUIRE", "").replace(",", " ").split())


@functools.cache
def lacking(capability):
    """What is missing, or None."""
    try:
        PROBES[capability]()
    except Missing as missing:
        return f"needs {capability}: {missing}"
    return None


def pytest_configure(config):
    config.addinivalue_line("markers", "needs(capability, ...): where it runs")
    unknown = REQUIRED - set(PROBES)
    if unknown:
        raise pytest.UsageError(f"MUSTER_REQUIRE={','.join(unknown)}: no such "
                                f"capability; there are {', '.join(PROBES)}")


def pytest_runtest_setup(item):
    for mark in item.iter_markers("needs"):
        for capability in mark.args:
            reason = lacking(capability)
            if reason and capability in REQUIRED:
                pytest.fail(reason, pytrace=False)
            if reason:
                pytest.skip(reason)


@pytest.fixture(scope="session")
def muster():
    path = muster_path()
    if not path.exists():
        pytest.fail(f"{path} does not exist: run make", pytrace=False)
    return path.resolve()


@pytest.fixture(scope="session")
def direct(muster):
    return direct_host.Direct(muster)


@pytest.fixture
def instance(direct, tmp_path):
    """A process of `muster api` whose VM is the test's to make."""
    made = Instance(direct, tmp_path)
    yield made
    made.stop()


@pytest.fixture(scope="session")
def svm():
    host = svm_host.Svm()
    try:
        yield host.start()
    finally:
        host.stop()


@pytest.fixture(scope="session")
def vmx(request):
    modules = dict.fromkeys(item.module for item in request.session.items)
    return vmx_host.Boots([module.vmx_jobs for module in modules
                           if hasattr(module, "vmx_jobs")])


def pytest_terminal_summary(terminalreporter):
    """The line that tests/check counts."""
    count = {kind: len(terminalreporter.stats.get(kind, []))
             for kind in ("passed", "failed", "error", "skipped")}
    terminalreporter.write_line(
        f"integration: {count['passed']} passed, "
        f"{count['failed'] + count['error']} failed, "
        f"{count['skipped']} skipped")
