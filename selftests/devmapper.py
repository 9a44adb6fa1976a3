# SPDX-License-Identifier: GPL-2.0
"""Device mapper by its ioctls: dmsetup takes longer to start than the work takes."""
import errno
import fcntl
import os
import struct
import time

HEADER = struct.Struct("=III II iI I i I Q 128s 129s 7x")
TARGET = struct.Struct("=QQiI16s")
DEV_CREATE, DEV_REMOVE, DEV_SUSPEND, TABLE_LOAD, TARGET_MSG = 3, 4, 6, 9, 14
# To suspend, without waiting for I/O or for file systems.
SUSPEND = 1 << 1 | 1 << 10 | 1 << 11
_control = None


def _ioctl(command, name, payload=b"", flags=0):
    """Carries out a command for the device of that name; returns the device's number."""
    global _control
    if _control is None:
        _control = os.open("/dev/mapper/control", os.O_RDWR | os.O_CLOEXEC)
    size = HEADER.size + len(payload)
    count = 1 if command == TABLE_LOAD else 0
    header = HEADER.pack(
        4, 0, 0, size, HEADER.size, count, 0, flags, 0, 0, 0, name.encode(), b""
    )
    # The kernel answers in the same memory, at least this much.
    buffer = bytearray((header + payload).ljust(1024, b"\0"))
    struct.pack_into("=I", buffer, 12, len(buffer))
    fcntl.ioctl(_control, 3 << 30 | HEADER.size << 16 | 0xFD << 8 | command, buffer)
    return HEADER.unpack_from(buffer)[10]


def _load(name, sectors, target, arguments):
    """Gives a device a table that it will use when it is resumed."""
    words = arguments.encode() + b"\0"
    words = words.ljust((len(words) + 7) & ~7, b"\0")
    spec = TARGET.pack(0, sectors, 0, TARGET.size + len(words), target.encode())
    _ioctl(TABLE_LOAD, name, spec + words)


def switch(name, sectors, target, arguments):
    """Gives a device another table, as in an instant."""
    _load(name, sectors, target, arguments)
    _ioctl(DEV_SUSPEND, name, flags=SUSPEND)
    # Without the flag to suspend it resumes.
    _ioctl(DEV_SUSPEND, name)


def create(name, sectors, target, arguments):
    """Makes a device of one target; returns the path of its node."""
    number = _ioctl(DEV_CREATE, name)
    try:
        _load(name, sectors, target, arguments)
        _ioctl(DEV_SUSPEND, name)
    except OSError:
        remove(name)
        raise
    return f"/dev/dm-{os.minor(number)}"


def remove(name):
    """Removes a device, once nobody has it open."""
    for _ in range(400):
        try:
            _ioctl(DEV_REMOVE, name)
            return
        except OSError as error:
            if error.errno != errno.EBUSY:
                raise
        time.sleep(0.02)
    raise TimeoutError(f"{name} stays busy")


def message(name, text):
    """Sends a message to the target of a device."""
    payload = struct.pack("=Q", 0) + text.encode() + b"\0"
    _ioctl(TARGET_MSG, name, payload)
