# SPDX-License-Identifier: GPL-2.0
"""The log of dm-log-writes: what became of a disk's content, in order.

The target logs a write when it can no longer be lost: with the first flush that begins after the
write is done, or by itself if it is FUA. Hence of what comes before a mark all is stable that the
disk was told to make so before the mark was set, and nothing that was still on its way.

Its format is documented in the kernel, admin-guide/device-mapper/log-writes.rst: a sector with the
superblock, and then for each entry a sector with its header and its data. There are no data for a
discard; those of a mark are in its header.
"""
import fcntl
import mmap
import os
import struct

import devmapper

MAGIC = 0x6A736677736872
FLUSH, FUA, DISCARD, MARK = 1, 2, 4, 8
BLKFLSBUF = 0x1261


def mark(name, *words):
    """Makes a mark in the log of a device, named as in /dev/mapper."""
    text = ":".join(str(word) for word in words)
    devmapper.message(name, f"mark {text}")


class Entry:
    """One entry: offset and length in bytes, and where its data are in the log."""

    __slots__ = ("flags", "offset", "length", "position", "text")

    def __init__(self, flags, offset, length, position, text):
        self.flags = flags
        self.offset = offset
        self.length = length
        self.position = position
        self.text = text

    @property
    def words(self):
        """Of a mark."""
        return self.text.split(":")

    @property
    def is_stable(self):
        """Is it on the disk as soon as it is in the log?"""
        return bool(self.flags & FUA)

    @property
    def is_flush(self):
        """Is all before it on the disk?"""
        return bool(self.flags & FLUSH)

    @property
    def changes(self):
        """Does it change the disk?"""
        return self.length > 0 and not self.flags & MARK

    def __repr__(self):
        names = [
            name
            for bit, name in ((FLUSH, "flush"), (FUA, "FUA"), (DISCARD, "discard"))
            if self.flags & bit
        ]
        if self.flags & MARK:
            return f"mark '{self.text}'"
        return f"{' '.join(names) or 'write'} {self.offset}+{self.length}"


class Log:
    """A log that is complete: the device it is of is no more."""

    def __init__(self, path):
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        size = os.lseek(fd, 0, os.SEEK_END)
        # Whoever has read the device before did so through the page cache.
        fcntl.ioctl(fd, BLKFLSBUF)
        self.bytes = memoryview(mmap.mmap(fd, size, prot=mmap.PROT_READ))
        os.close(fd)
        magic, version, count, sector = struct.unpack_from("<QQQI", self.bytes)
        if magic != MAGIC or version != 1:
            raise ValueError(f"{path} is no log of dm-log-writes")
        self.entries = []
        position = sector
        for _ in range(count):
            where, sectors, flags, length = struct.unpack_from("<QQQQ", self.bytes, position)
            text = ""
            if flags & MARK:
                start = position + 32
                text = bytes(self.bytes[start : start + length]).decode()
            position += sector
            entry = Entry(flags, where * sector, sectors * sector, position, text)
            self.entries.append(entry)
            if entry.changes and not flags & DISCARD:
                position += entry.length

    def data(self, entry):
        """What an entry writes; None: zeroes."""
        if entry.flags & DISCARD:
            return None
        return self.bytes[entry.position : entry.position + entry.length]
