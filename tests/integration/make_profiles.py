# SPDX-License-Identifier: Apache-2.0
"""make_profiles.py - make the golden profiles again, host by host

    python3 tests/integration/make_profiles.py [HOST...]

A HOST is a model of Bochs, which takes some two minutes, or of QEMU, or `svm`,
which is QEMU's `max`.  MODEL@6.12 has another kernel than the rest: see
tiny_kernel.py.  The profiles go to tests/data/profiles, whose README.md says what
they are for.
"""

import os
import re
import sys

import images
import svm
import tiny_kernel
import vmx
from host import HostFailed, Missing

PROFILES = images.ROOT / "tests/data/profiles"

# Of Bochs 2.7's models, those on which Debian's kernel loads kvm_intel.
MODELS = ["core2_penryn_t9600", "corei5_lynnfield_750",
          "corei7_sandy_bridge_2600k", "corei7_ivy_bridge_3770k",
          "corei7_haswell_4770", "corei7_skylake_x"]
# Of QEMU's, which names them so, those of AMD.
SVM = "svm"
QEMU_CPUS = {SVM: "max", "epyc": "EPYC", "epyc-rome": "EPYC-Rome",
             "epyc-milan": "EPYC-Milan"}
NEWER = "@6.12"
# The oldest, and two of which the newer kernel offers more.
HOSTS = [*QEMU_CPUS, *MODELS, *(f"{model}{NEWER}" for model in
                         (MODELS[0], MODELS[-2], MODELS[-1]))]


def short_name(host):
    """The generation: "penryn" of core2_penryn_t9600, and its newer kernel."""
    model, newer, version = host.partition("@")
    name = re.sub(r"^core[^_]*_|_[a-z]?\d\w*$", "", model)
    return f"{name}-{version}" if newer else name


def arguments(name):
    return ["fleet", "profile", "--name", name]


def profile_of_model(name):
    newer = name.endswith(NEWER)
    os.environ["LEVEL1_KERNEL"] = str(tiny_kernel.bzimage()) if newer else ""
    host = vmx.Vmx(name.removesuffix(NEWER))
    host.add("profile", arguments(short_name(name)))
    return host.boot()["profile"]


def profile_of_qemu(name):
    host = svm.Svm(cpu=QEMU_CPUS[name])
    try:
        return host.start().run(arguments(name))
    finally:
        host.stop()


def make(host):
    done = (profile_of_qemu if host in QEMU_CPUS else profile_of_model)(host)
    if done.status:
        raise HostFailed(f"{host}: {done.stderr.strip()}")
    path = PROFILES / f"{short_name(host)}.json"
    path.write_text(done.stdout, encoding="utf-8")
    print(path.relative_to(images.ROOT), flush=True)


def main(hosts):
    unknown = set(hosts) - set(HOSTS)
    if unknown:
        sys.exit(f"make_profiles: {', '.join(sorted(unknown))}: no such host; "
                 f"there are {', '.join(HOSTS)}")
    PROFILES.mkdir(parents=True, exist_ok=True)
    try:
        for host in hosts or HOSTS:
            make(host)
    except (HostFailed, Missing, images.ImageError) as failure:
        sys.exit(f"make_profiles: {failure}")


if __name__ == "__main__":
    main(sys.argv[1:])
