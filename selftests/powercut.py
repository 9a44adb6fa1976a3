# SPDX-License-Identifier: GPL-2.0
"""powercut: the power fails at many points of a workload; is all there that was acknowledged?

  powercut.py WORKLOAD SIZE MODE OUTER INNER POINTS SEED DEVICE DIRECTORY DISK LOG REPLAY COW

Makes the file system OUTER on DISK, an image in it, the loop device DEVICE on that (MODE: direct
or buffered), and perhaps the file system INNER (or none) there. Runs the WORKLOAD while DISK's writes
go to LOG. Then replays them on REPLAY up to POINTS points, in order: flushes and FUA writes, and
points in between, where any part of what was not flushed may be missing. Each time all is mounted
and attached as after a power failure, in a snapshot whose changes go to COW, and checked.

Prints the number of points, of those in between, and of those with losses.
"""
import fcntl
import itertools
import mmap
import os
import random
import sqlite3
import struct
import sys

import devmapper
import stack as stacks
import workloads
import writelog

BLKZEROOUT = 0x127F
CHUNK = 1 << 20


def copy(source, target):
    """Copies a disk to one that is all zeroes."""
    memory = mmap.mmap(-1, CHUNK)
    zero = bytes(CHUNK)
    reader = os.open(source, os.O_RDONLY | os.O_DIRECT)
    writer = os.open(target, os.O_WRONLY | os.O_DIRECT)
    at = 0
    while count := os.preadv(reader, [memory], at):
        if memory[:count] != zero[:count]:
            os.pwritev(writer, [memoryview(memory)[:count]], at)
        at += count
    os.close(reader)
    os.close(writer)


def apply(log, entries, node):
    """Writes what the entries say."""
    fd = os.open(node, os.O_WRONLY | os.O_DIRECT)
    for entry in entries:
        if not entry.changes:
            continue
        data = log.data(entry)
        if data is None:
            fcntl.ioctl(fd, BLKZEROOUT, struct.pack("<QQ", entry.offset, entry.length))
        elif os.pwritev(fd, [data], entry.offset) != entry.length:
            raise RuntimeError(f"short write of {entry!r}")
    os.close(fd)


def choose(log, first, last, points, chance):
    """Where to cut: lengths of the log, in order; and which are just after a flush. Of the others
    two thirds are just after something was acknowledged, by turns of each kind."""
    sharp = [
        i + 1
        for i in range(first, last)
        if log.entries[i].is_flush or log.entries[i].is_stable
    ]
    between = sorted(set(range(first + 1, last + 1)) - set(sharp))
    half = min(len(between), points // 2)
    marks = {}
    for end in between:
        entry = log.entries[end - 1]
        if entry.flags & writelog.MARK and entry.words[0] not in ("begin", "end"):
            marks.setdefault(entry.words[0], []).append(end)
    kinds = sorted(marks)
    chance.shuffle(kinds)
    turns = itertools.zip_longest(*(chance.sample(marks[kind], len(marks[kind])) for kind in kinds))
    some = [end for turn in turns for end in turn if end][: half * 2 // 3]
    some += chance.sample(sorted(set(between) - set(some)), half - len(some))
    return sorted(chance.sample(sharp, min(len(sharp), points - half)) + some), set(sharp)


class Replay:
    """The disk as it was at some point, which only moves on."""

    def __init__(self, log, disk, cow, name, chance):
        self.log = log
        self.disk = disk
        self.cow = cow
        self.name = name
        self.chance = chance
        self.at = 0
        self.marks = {}
        fd = os.open(disk, os.O_RDONLY)
        self.sectors = os.lseek(fd, 0, os.SEEK_END) // 512
        os.close(fd)

    def cut(self, end):
        """The power fails when the log has `end` entries; returns the node of what is left."""
        entries = self.log.entries
        flush = max((i + 1 for i in range(self.at, end) if entries[i].is_flush), default=self.at)
        apply(self.log, entries[self.at : flush], self.disk)
        for entry in entries[self.at : flush]:
            self._note(entry, self.marks)
        self.at = flush
        # Marks after the flush tell what is acknowledged, too.
        now = dict(self.marks)
        for entry in entries[flush:end]:
            self._note(entry, now)
        some = self.chance.choice((0, 50, 100))
        if end > flush and entries[end - 1].flags & writelog.MARK:
            # What was acknowledged has to be there whatever was not flushed.
            some = 0
        rest = [
            entry
            for entry in entries[flush:end]
            if entry.is_stable or self.chance.randrange(100) < some
        ]
        table = f"{self.disk} {self.cow} N 16"
        node = devmapper.create(self.name, self.sectors, "snapshot", table)
        apply(self.log, rest, node)
        return node, now

    @staticmethod
    def _note(entry, marks):
        if entry.flags & writelog.MARK and entry.text != "dm-log-writes-end":
            kind, number = entry.words
            marks[kind] = int(number)


def record(workload, stack, disk, log, name):
    """Runs the workload with all writes logged."""
    fd = os.open(disk, os.O_RDONLY)
    sectors = os.lseek(fd, 0, os.SEEK_END) // 512
    os.close(fd)
    node = devmapper.create(name, sectors, "log-writes", f"{disk} {log}")
    try:
        stack.up(node)
        writelog.mark(name, "begin", 0)
        workload.run(stack)
        writelog.mark(name, "end", 0)
    finally:
        try:
            stack.down()
        finally:
            devmapper.remove(name)
    return writelog.Log(log)


def main(kind, size, mode, outer, inner, points, seed, device, directory, disk, path, target, cow):
    """All of it."""
    chance = random.Random(int(seed))
    name = os.path.basename(directory) + "-logged"
    inner = None if inner == "none" else inner
    big = inner == "xfs"
    stack = stacks.Stack(
        device, mode == "direct", outer, inner, (304 if big else 16) << 20, directory
    )
    try:
        stack.create(disk)
    finally:
        stack.down()
    copy(disk, target)
    workload = workloads.ALL[kind](int(seed), int(size), name)
    log = record(workload, stack, disk, path, name)

    marks = {entry.text: i for i, entry in enumerate(log.entries) if entry.flags & writelog.MARK}
    first, last = marks["begin:0"], marks["end:0"] + 1
    chosen, sharp = choose(log, first, last, int(points), chance)
    replay = Replay(log, target, cow, os.path.basename(directory) + "-snapshot", chance)
    bad = 0
    for end in chosen:
        node, now = replay.cut(end)
        try:
            try:
                stack.up(node)
                losses = workload.check(stack, now)
                stack.close_files()
            except (OSError, RuntimeError, sqlite3.Error) as error:
                losses = [str(error)]
        finally:
            try:
                stack.down()
            finally:
                devmapper.remove(replay.name)
        if losses:
            bad += 1
            if bad <= 4:
                what = f"after entry {end} of {len(log.entries)}, {log.entries[end - 1]!r}, {now}"
                print(f"{what}: " + "; ".join(losses[:6]), file=sys.stderr)
    print(len(chosen), len([end for end in chosen if end not in sharp]), bad, len(log.entries))


if __name__ == "__main__":
    if len(sys.argv) != 14:
        sys.exit(__doc__)
    main(*sys.argv[1:])
