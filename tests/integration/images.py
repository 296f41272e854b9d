# SPDX-License-Identifier: Apache-2.0
"""images.py - the kernels, initramfs archives and disks that boot in tests

Everything comes from Debian packages: the cloud kernel is fetched with apt and
unpacked, never installed, and busybox-static is the whole user space.  Output
lies in build/images and is made again only when what it is made of changes.

    python3 tests/integration/images.py [NAME...]     makes, and prints the paths
"""

import hashlib
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

from cpio import Archive

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
OUT = ROOT / "build/images"
ISOLINUX = Path("/usr/lib/ISOLINUX/isolinux.bin")
LDLINUX = Path("/usr/lib/syslinux/modules/bios/ldlinux.c32")

# What each kind of machine loads; what these depend on is found in the modules.
GUEST_MODULES = ["virtio_mmio", "virtio_blk", "virtio_rng", "pvpanic_mmio"]
SVM_MODULES = ["virtio_pci", "virtio_blk", "virtio_console", "virtiofs",
               "virtio_rng", "kvm_amd", "msr"]
VMX_MODULES = ["kvm_intel", "msr"]

# An interpreter and all that it needs.
PYTHON_PACKAGES = ["python3.11-minimal", "libpython3.11-minimal",
                   "libpython3.11-stdlib", "libc6", "libexpat1", "libgcc-s1",
                   "zlib1g"]

# mke2fs is not on the PATH of ordinary users.
SEARCH = os.environ["PATH"] + ":/usr/sbin:/sbin"
DISK_MIB = 128
BOCHS_HZ = 500_000_000


class ImageError(Exception):
    """One sentence for the user."""


def missing_tool(*more):
    """The first tool that is not installed, of those that images need."""
    for tool in "apt-get", "dpkg", "lz4", "mke2fs", *more:
        if not shutil.which(tool, path=SEARCH):
            return tool
    return None


def say(text):
    if sys.stderr.isatty():
        print(f"images: {text}", file=sys.stderr)


def call(*argv, stdin=b"", **options):
    """Run a tool of the build host; its output is shown only when it fails."""
    try:
        done = subprocess.run(argv, input=stdin, check=False,
                              capture_output=True, **options)
    except FileNotFoundError:
        raise ImageError(f"{argv[0]} is not installed: "
                         "tests/packages lists what to install") from None
    if done.returncode:
        raise ImageError(f"{' '.join(map(str, argv))}: exit status "
                         f"{done.returncode}: {done.stderr.decode().strip()}")
    return done.stdout


def made(path, build, *inputs):
    """`path`, by build(path) unless made from exactly these inputs before."""
    key = hashlib.sha256()
    for item in inputs:
        data = item.read_bytes() if isinstance(item, Path) else item
        key.update(struct.pack("<Q", len(data)) + data)
    stamp = path.with_name(path.name + ".made-of")
    digest = key.hexdigest()
    if path.exists() and stamp.exists() and stamp.read_text() == digest:
        return path
    say(f"making {path.relative_to(ROOT)}")
    path.parent.mkdir(parents=True, exist_ok=True)
    # An interrupted build leaves nothing that looks finished.
    new = path.with_name(path.name + ".new")
    build(new)
    new.rename(path)
    stamp.write_text(digest)
    return path


# ---- packages ----


def unpacked(folder, find_packages, part="."):
    """The files of packages, or a part; once fetched they stay until make clean."""
    tree = OUT / folder
    if tree.exists():
        return tree
    packages = find_packages()
    say(f"fetching {' '.join(packages)}")
    OUT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=OUT) as new:
        # As root, apt would drop to a user who cannot write to this folder.
        call("apt-get", "-o", "APT::Sandbox::User=root", "download", *packages,
             cwd=new)
        Path(new, "tree").mkdir()
        for package in Path(new).glob("*.deb"):
            call("sh", "-c", 'dpkg --fsys-tarfile "$1" | tar -x -C tree "$2"',
                 "sh", package, part, cwd=new)
        Path(new, "tree").rename(tree)
    return tree


def kernel_package(name):
    """The versioned package that `name` stands for, in a list."""
    listed = call("apt-cache", "depends", name).decode()
    found = re.search(r"Depends: (linux-image-[0-9]\S+)", listed)
    if not found:
        raise ImageError(f"apt knows no {name}: run apt-get update")
    return [found[1]]


def kernel_tree():
    return unpacked("kernel", lambda: kernel_package("linux-image-cloud-amd64"))


def busybox():
    return unpacked("busybox", lambda: ["busybox-static"]) / "bin/busybox"


def python():
    """The files of Debian's Python, to be run where there are no others."""
    return unpacked("python", lambda: PYTHON_PACKAGES)


def python_command(tree):
    """The words that run it, if its files are at `tree`."""
    libraries = f"{tree}/lib/x86_64-linux-gnu:{tree}/usr/lib/x86_64-linux-gnu"
    return ["env", f"PYTHONHOME={tree}/usr",
            f"{tree}/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
            "--library-path", libraries, f"{tree}/usr/bin/python3.11", "-sS"]


# ---- the kernel ----


def bzimage():
    return next((kernel_tree() / "boot").glob("vmlinuz-*"))


def level1_bzimage():
    """Level 1's under Bochs: another than Debian's where LEVEL1_KERNEL says so."""
    return Path(os.environ.get("LEVEL1_KERNEL") or bzimage())


def generic():
    """Debian's kernel for all machines: it has what the cloud's leaves out."""
    tree = unpacked("generic", lambda: kernel_package("linux-image-amd64"),
                    "./boot")
    return next((tree / "boot").glob("vmlinuz-*"))


def vmlinux():
    """The ELF inside the bzImage (Documentation/arch/x86/boot.rst)."""
    image = bzimage()

    def build(path):
        data = image.read_bytes()
        setup_sectors = data[0x1F1] or 4
        offset, length = struct.unpack_from("<II", data, 0x248)
        start = (setup_sectors + 1) * 512 + offset
        # The last four bytes are the unpacked size, not part of the stream.
        packed = data[start:start + length - 4]
        if packed[:4] != b"\x02\x21\x4c\x18":
            raise ImageError(f"{image}: the kernel is not packed with LZ4")
        elf = call("lz4", "-dc", stdin=packed)
        if not elf.startswith(b"\x7fELF"):
            raise ImageError(f"{image}: holds no ELF kernel")
        path.write_bytes(elf)

    return made(OUT / "vmlinux", build, image, Path(__file__))


def modules(wanted):
    """(name, contents) of these modules and what they need, in load order."""
    files = {p.stem.replace("-", "_"): p
             for p in (kernel_tree() / "lib/modules").rglob("*.ko")}
    order = {}

    def add(name):
        if name in order:
            return
        if name not in files:
            raise ImageError(f"the kernel package has no module {name}")
        data = files[name].read_bytes()
        needs = re.search(rb"\0depends=([^\0]*)\0", data)
        for need in needs[1].decode().split(",") if needs and needs[1] else ():
            add(need.replace("-", "_"))
        order[name] = data

    for name in wanted:
        add(name)
    return list(order.items())


# ---- initramfs archives ----


def applets():
    names = call(busybox(), "--list").decode().split()
    return [name for name in names if name != "busybox"]


def base_archive(init):
    archive = Archive()
    for folder in "proc", "sys", "dev", "root", "run", "tmp":
        archive.directory(folder)
    archive.character_device("dev/console", 5, 1)
    archive.file("init", (HERE / "inits" / init).read_bytes())
    archive.file("bin/busybox", busybox().read_bytes())
    for name in applets():
        archive.link(f"bin/{name}", "busybox")
    return archive


def add_modules(archive, lists):
    """`lists`: list name -> module names; init reads /lib/modules/NAME."""
    packed = set()
    for name, wanted in lists.items():
        loads = modules(wanted)
        archive.file(f"lib/modules/{name}",
                     "".join(f"{m}\n" for m, _ in loads).encode(), 0o644)
        for module, data in loads:
            if module not in packed:
                archive.file(f"lib/modules/{module}.ko", data, 0o644)
            packed.add(module)


def inputs():
    """What every archive depends on."""
    code = [HERE / "images.py", HERE / "cpio.py", busybox()]
    return code + sorted((HERE / "inits").iterdir()) + [bzimage()]


def guest_initrd():
    def build(path):
        archive = base_archive("guest")
        add_modules(archive, {"list": GUEST_MODULES})
        path.write_bytes(archive.finish())

    return made(OUT / "guest.cpio", build, *inputs())


def script_archive(text, load_modules=True):
    """To append to the guest's initramfs: `text` runs in the guest as /script."""
    archive = Archive()
    if not load_modules:
        archive.file("lib/modules/list", b"", 0o644)
    archive.file("script", text.encode())
    return archive.finish()


def level1_initrd():
    def build(path):
        archive = base_archive("level1")
        add_modules(archive, {"svm": SVM_MODULES, "vmx": VMX_MODULES})
        for folder in "src", "scratch":
            archive.directory(folder)
        for host in "svm", "vmx":
            archive.file(f"lib/host/{host}",
                         (HERE / "inits" / host).read_bytes())
        path.write_bytes(archive.finish())

    return made(OUT / "level1.cpio", build, *inputs())


# ---- disks ----


def ext4(path, size_bytes, *options):
    """An ext4 file system in a new sparse file."""
    with open(path, "wb") as image:
        image.truncate(size_bytes)
    environment = dict(os.environ, PATH=SEARCH)
    call("mke2fs", "-q", "-F", "-t", "ext4", "-E", "root_owner=0:0", *options,
         path, env=environment)


def root_disk():
    def build(path):
        tree = OUT / "root"
        shutil.rmtree(tree, ignore_errors=True)
        for folder in "bin", "sbin", "proc", "sys", "dev", "run", "tmp", "root":
            (tree / folder).mkdir(parents=True)
        (tree / "bin/busybox").write_bytes(busybox().read_bytes())
        (tree / "bin/busybox").chmod(0o755)
        for name in applets():
            (tree / "bin" / name).symlink_to("busybox")
        (tree / "sbin/init").write_bytes((HERE / "inits/disk").read_bytes())
        (tree / "sbin/init").chmod(0o755)
        ext4(path, DISK_MIB << 20, "-J", "size=4", "-d", tree)
        shutil.rmtree(tree)

    return made(OUT / "root.ext4", build, *inputs())


def level1_iso(extra, folder):
    """A CD for Bochs; `extra` is an archive with the jobs and their input."""
    tree = folder / "iso"
    tree.mkdir(parents=True, exist_ok=True)
    for source in ISOLINUX, LDLINUX:
        (tree / source.name).write_bytes(source.read_bytes())
    (tree / "vmlinuz").write_bytes(level1_bzimage().read_bytes())
    (tree / "initrd").write_bytes(level1_initrd().read_bytes() + extra)
    # no_timer_check: in emulated time the timer test sees too few ticks.
    # tsc_early_khz: the TSC counts instructions, CPUID speaks of 3.5 GHz, and
    # every sleep would take that many.
    (tree / "isolinux.cfg").write_text(
        "default linux\nprompt 0\nlabel linux\n kernel vmlinuz\n append "
        "initrd=initrd host=vmx console=ttyS0,115200 quiet mitigations=off "
        "panic=-1 random.trust_cpu=1 no_timer_check "
        f"tsc_early_khz={BOCHS_HZ // 1000}\n")
    path = folder / "level1.iso"
    call("xorriso", "-as", "mkisofs", "-quiet", "-o", path, "-b",
         "isolinux.bin", "-c", "boot.cat", "-no-emul-boot", "-boot-load-size",
         "4", "-boot-info-table", tree)
    return path


IMAGES = {"bzimage": bzimage, "vmlinux": vmlinux, "initrd": guest_initrd,
          "root": root_disk, "level1": level1_initrd, "generic": generic}


def main(names):
    try:
        for name in names or IMAGES:
            if name not in IMAGES:
                raise ImageError(f"{name}: no such image; "
                                 f"there are {', '.join(IMAGES)}")
            print(IMAGES[name]())
    except ImageError as error:
        sys.exit(f"images: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])
