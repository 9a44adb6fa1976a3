# SPDX-License-Identifier: GPL-2.0
"""What lies on a disk here: a file system, in it an image, on that a loop device, and on that
perhaps a file system. Mounted and attached without a program for each, as that takes longer."""
import ctypes
import errno
import fcntl
import os
import struct
import subprocess
import time

_libc = ctypes.CDLL(None, use_errno=True)
LOOP_CLR_FD, LOOP_CONFIGURE = 0x4C01, 0x4C0A
DIRECT_IO = 16
BTRFS_IOC_FORGET_DEV = 1 << 30 | 4096 << 16 | 0x94 << 8 | 5


def run(*command):
    """Runs a program; its output is told if it fails."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        text = done.stdout.decode(errors="replace")[-2000:]
        raise RuntimeError(f"{' '.join(command)}: status {done.returncode}: {text}")


def _check(result, what):
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")


def patiently(action):
    """Does it as soon as nothing is busy."""
    for _ in range(400):
        try:
            return action()
        except OSError as error:
            if error.errno != errno.EBUSY:
                raise
        time.sleep(0.02)
    return action()


def mount(node, directory, kind):
    """Mounts a file system."""
    if kind == "btrfs":
        # It remembers disks that it has seen, and takes an earlier state for a mistake.
        control = os.open("/dev/btrfs-control", os.O_RDWR)
        fcntl.ioctl(control, BTRFS_IOC_FORGET_DEV, bytearray(4096))
        os.close(control)
    arguments = node.encode(), directory.encode(), kind.encode(), ctypes.c_ulong(0), None
    _check(_libc.mount(*arguments), f"mount {kind} {node}")


def unmount(directory):
    """Unmounts it."""
    patiently(lambda: _check(_libc.umount2(directory.encode(), 0), f"umount {directory}"))


def make(kind, node):
    """Makes a file system."""
    options = {
        "ext4": ["-q", "-F", "-E", "nodiscard,lazy_itable_init=0"],
        "xfs": ["-q", "-f", "-K"],
        "btrfs": ["-q", "-f", "-K"],
    }
    run(f"mkfs.{kind}", *options[kind], node)


def verify(kind, node):
    """Fails if a file system that has been unmounted is not in order."""
    if kind == "ext4":
        run("e2fsck", "-f", "-n", node)
    elif kind == "xfs":
        run("xfs_repair", "-n", "-P", node)


class Stack:
    """`inner` may be None: the workload uses the loop device itself."""

    def __init__(self, device, direct, outer, inner, size, directory):
        self.device = device
        self.direct = direct
        self.outer = outer
        self.inner = inner
        self.size = size
        self.below = f"{directory}/outer"
        self.files = f"{directory}/inner"
        self.image = f"{self.below}/image"
        for path in (self.below, self.files):
            os.makedirs(path, exist_ok=True)
        # What is to be undone, in order.
        self.undo = []

    def _attach(self):
        image = os.open(self.image, os.O_RDWR | os.O_CLOEXEC)
        node = os.open(self.device, os.O_RDWR | os.O_CLOEXEC)
        config = bytearray(304)
        struct.pack_into("<II", config, 0, image, 0)
        struct.pack_into("<I", config, 60, DIRECT_IO if self.direct else 0)
        try:
            patiently(lambda: fcntl.ioctl(node, LOOP_CONFIGURE, config))
        finally:
            os.close(image)
            os.close(node)
        self.undo.append(self._detach)
        with open(f"/sys/block/{self.device[5:]}/loop/dio", encoding="ascii") as file:
            if file.read().strip() != str(int(self.direct)):
                raise RuntimeError(f"direct I/O of {self.device} is not {self.direct}")

    def _detach(self):
        node = os.open(self.device, os.O_RDONLY | os.O_CLOEXEC)
        patiently(lambda: fcntl.ioctl(node, LOOP_CLR_FD, 0))
        os.close(node)
        for _ in range(400):
            if not os.path.exists(f"/sys/block/{self.device[5:]}/loop/backing_file"):
                return
            time.sleep(0.02)
        raise TimeoutError(f"{self.device} stays attached")

    def create(self, node):
        """Makes all of it; leaves it down."""
        make(self.outer, node)
        mount(node, self.below, self.outer)
        self.undo.append(lambda: unmount(self.below))
        with open(self.image, "wb") as file:
            file.truncate(self.size)
        if self.inner:
            self._attach()
            make(self.inner, self.device)
        self.down()

    def up(self, node):
        """Mounts and attaches."""
        mount(node, self.below, self.outer)
        self.undo.append(lambda: unmount(self.below))
        self._attach()
        if self.inner:
            mount(self.device, self.files, self.inner)
            self.undo.append(self.leave)

    def leave(self):
        """Unmounts the inner file system."""
        unmount(self.files)

    def down(self):
        """Detaches and unmounts, as far as it was done."""
        while self.undo:
            self.undo.pop()()

    def close_files(self):
        """Unmounts the inner file system only, and verifies it."""
        if self.inner:
            self.undo.pop()()
            verify(self.inner, self.device)
