# SPDX-License-Identifier: Apache-2.0
"""linux.py - boots of Debian's cloud kernel: guest scripts and their arguments"""

import hashlib
import re
import shlex

import images

CONSOLE = "console=ttyS0 quiet panic=-1"
ROOT_DISK = f"{CONSOLE} root=/dev/vda"

# Kernel messages at level warning and above that muster does not cause.
ALLOWED = {
    r"PCI: Fatal: No config space access function found":
        "there is no PCI bus, by design",
    r"PCI: System does not support PCI": "the same",
    r"Unstable clock detected|trace_clock=local|on the kernel command line"
    r"|If you want to keep using the local clock":
        "an emulated level 1 marks its TSC unstable, and the guest's with it",
    r"TSC_DEADLINE disabled due to Errata": "no microcode revision in Bochs",
    r"RETBleed: WARNING: Spectre v2 mitigation leaves CPU vulnerable":
        "true of the CPU that Bochs shows",
}


def initrd(script, load_modules=True):
    """The guest's initramfs with this script in it; made once for each."""
    archive = images.script_archive(script, load_modules)
    name = hashlib.sha256(archive).hexdigest()[:16]
    path = images.OUT / "scripts" / f"{name}.cpio"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(images.guest_initrd().read_bytes() + archive)
    return path


def run_args(host, kernel, script, *extra, cmdline=CONSOLE, timeout="120s"):
    """`muster run` of a kernel (of images.IMAGES) for a script."""
    modules_fit = kernel != "generic"
    return ["run", "--kernel", host.path(images.IMAGES[kernel]()),
            "--initrd", host.path(initrd(script, modules_fit)), "--cmdline",
            cmdline, "--timeout", timeout, *extra]


def quoted(args):
    """For a script that runs muster by itself."""
    return shlex.join(map(str, args))


# In a guest, the log's version line and what is a warning or worse.
SHOW_WARNINGS = "dmesg -r | sed -n '/Linux version/p; /^<[0-4]>/p'\n"

# In a guest, the I/O APIC pin of the Generic Event Device, as "23-edge".
EVENT_INTERRUPT = (r"$(sed -n 's/.*IO-APIC *\([^ ]*\) *ACPI:Ged$/\1/p' "
                   "/proc/interrupts)")

# QEMU's TCG does not intercept XSETBV, so that KVM there does not know the
# guest's XCR0 and reports the size of another XSAVE area; Bochs reports a wrong
# one by itself, in level 1 too.  Linux dumps CPUID leaf 0DH at that.
XSAVE_DUMP = re.compile(
    r"^<4>[^\n]*-\[ cut here \]-+\n<4>[^\n]*XSAVE consistency problem.*"
    r"CPUID\[0d, \w+\][^\n]*\n", re.MULTILINE | re.DOTALL)


def complaints(log):
    """The lines of `dmesg -r` that are warnings or worse, and not allowed."""
    log = XSAVE_DUMP.sub("", log)
    warnings = re.findall(r"^<[0-4]>(.*)$", log, re.MULTILINE)
    return [line for line in warnings
            if not any(re.search(allowed, line) for allowed in ALLOWED)]
