# SPDX-License-Identifier: GPL-2.0
"""contract: all short sequences of operations, and the power fails anywhere.

  contract.py DEVICE LOGGED LOG [LENGTH]

DEVICE's backing file is LOGGED, a device-mapper device whose writes go to LOG. Carries out every
sequence of up to LENGTH (3) of the operations write, FUA write, discard, write zeroes, on ranges
that are equal, overlap or are apart, and flush; after each comes a mark in the log. Then DEVICE is
detached, LOGGED removed, and at every point of the log each sector may have, on a disk that loses
any part of its volatile cache there,

  - what the last write before the last flush that was over has written,
  - what a FUA write that was over has written,
  - what any later write that was over or under way has written,

and nothing else. Prints the numbers of sequences, of points, and of points where it has.
"""
import errno
import fcntl
import itertools
import mmap
import os
import struct
import subprocess
import sys

import aio
import devmapper
import writelog

SECTOR = 512
# In sectors: equal to itself, overlapping another, and apart from both; none has only whole pages.
RANGES = {"A": (0, 8), "O": (4, 8), "S": (17, 6)}
REGION = 24
CHANGES = ("write", "fua", "discard", "zero")
BLKDISCARD, BLKZEROOUT = 0x1277, 0x127F
TAG = struct.Struct("<8sIII")
MAGIC = b"contract"
ZERO = (0, 0)
GARBAGE = (-1, -1)


def value(sequence, step, sector):
    """The content of a sector."""
    return (TAG.pack(MAGIC, sequence, step, sector) + bytes([step])).ljust(SECTOR, b"\xa5")


def read_value(data, sector):
    """Which (sequence, step) a sector's content is of."""
    if not any(data):
        return ZERO
    magic, sequence, step, where = TAG.unpack_from(data)
    if magic != MAGIC or where != sector or bytes(data) != value(sequence, step, sector):
        return GARBAGE
    return sequence, step


def operations(changes):
    """All of them: (kind, first sector, sectors)."""
    return [("flush", 0, 0)] + [
        (kind, *sectors) for kind in changes for sectors in RANGES.values()
    ]


def is_blurred(chosen):
    """Whether a FUA write comes after a change of the same sectors with no flush between.

    dm-log-writes logs the FUA write first: the log does not tell which one is the later.
    """
    changed = set()
    for kind, first, count in chosen:
        sectors = set(range(first, first + count))
        if kind == "flush":
            changed.clear()
        elif kind == "fua" and sectors & changed:
            return True
        else:
            changed |= sectors
    return False


def clears(chosen):
    """Whether there is a discard or a zeroing among them."""
    return any(kind in ("discard", "zero") for kind, _, _ in chosen)


class Runner:
    """Carries out operations; `done` has what took effect, in order."""

    def __init__(self, device, logged, stride=0):
        self.fd = os.open(device, os.O_RDWR | os.O_DIRECT)
        self.memory = mmap.mmap(-1, REGION * SECTOR)
        self.queue = aio.Queue(1, REGION * SECTOR)
        self.logged = logged
        # From the place of a sequence to that of the next one, in bytes.
        self.stride = stride
        self.place = 0
        self.done = []
        self.content = [ZERO] * REGION

    def changes(self):
        """The operations that the device can do. One on a disk that cannot zero cannot discard."""
        try:
            fcntl.ioctl(self.fd, BLKDISCARD, struct.pack("<QQ", 0, REGION * SECTOR))
        except OSError as error:
            if error.errno != errno.EOPNOTSUPP:
                raise
            return [kind for kind in CHANGES if kind != "discard"]
        return CHANGES

    def read(self):
        """What the device says is in each sector."""
        if os.preadv(self.fd, [self.memory], self.place) != len(self.memory):
            sys.exit("short read")
        return [
            read_value(self.memory[i * SECTOR : (i + 1) * SECTOR], i) for i in range(REGION)
        ]

    def step(self, sequence, step, kind, first, count):
        """Carries out one operation, to its end."""
        start, length = self.place + first * SECTOR, count * SECTOR
        if kind == "flush":
            os.fdatasync(self.fd)
        elif kind == "write" or kind == "fua":
            data = b"".join(value(sequence, step, i) for i in range(first, first + count))
            # With io_submit() no flush follows a write that is to be stable.
            self.queue.write(self.fd, start, data, kind == "fua")
            self.queue.reap(1)
            if self.queue.errors:
                sys.exit(f"{kind}: {self.queue.errors}")
        else:
            ioctl = BLKDISCARD if kind == "discard" else BLKZEROOUT
            fcntl.ioctl(self.fd, ioctl, struct.pack("<QQ", start, length))
        effect = {}
        if count:
            written = ZERO if kind in ("discard", "zero") else (sequence, step)
            effect = dict.fromkeys(range(first, first + count), written)
        if kind == "discard":
            # It may leave what it likes as it was.
            now = self.read()
            if any(now[i] not in (ZERO, self.content[i]) for i in range(REGION)):
                sys.exit(f"after a discard: read {now}, before {self.content}")
            effect = {i: now[i] for i in effect if now[i] != self.content[i]}
        for i, new in effect.items():
            self.content[i] = new
        self.done.append((sequence, step, kind, effect))
        writelog.mark(self.logged, "contract", len(self.done))

    def sequences(self, length):
        """All of up to that length."""
        every = operations(self.changes())
        for n in range(1, length + 1):
            yield from itertools.product(every, repeat=n)

    def run(self, sequences):
        """Carries them out; returns how many."""
        count = 0
        for chosen in sequences:
            self.place = count * self.stride
            if self.stride:
                self.content = [ZERO] * REGION
            count += 1
            self.step(count, 1, "write", 0, REGION)
            self.step(count, 2, "flush", 0, 0)
            for step, operation in enumerate(chosen, 3):
                self.step(count, step, *operation)
            if self.read() != self.content:
                sys.exit(f"sequence {chosen}: read {self.read()}, not {self.content}")
        self.step(count + 1, 1, "flush", 0, 0)
        self.queue.close()
        os.close(self.fd)
        return count


class Sector:
    """What one sector may have after a power failure, by the contract and by the log."""

    def __init__(self):
        self.allowed = {ZERO}
        self.latest = ZERO
        self.possible = {ZERO}
        self.logged = ZERO
        # What is over but not in the log yet, in order: (number of the operation, value).
        self.unlogged = []
        # The number of the operation of the last FUA write in the log.
        self.floor = 0

    def begin(self, new):
        """An operation that writes it is under way."""
        self.allowed.add(new)

    def end(self, number, new, stable):
        """It is over."""
        self.latest = new
        if stable:
            self.allowed = {new}
        self.unlogged.append((number, new))

    def flushed(self):
        """A flush is over."""
        self.allowed = {self.latest}

    def log(self, new, stable, number):
        """The log has a write of it, while operation `number` was under way."""
        for i, (earlier, wanted) in enumerate(self.unlogged):
            if wanted == new:
                del self.unlogged[: i + 1]
                # dm-log-writes logs a FUA write before a write that was over before it.
                if earlier < self.floor:
                    return
                break
        self.logged = new
        if stable:
            self.floor = number
            self.possible = {new}
        else:
            self.possible.add(new)

    def log_flush(self):
        """The log has a flush."""
        self.possible = {self.logged}

    @property
    def wrong(self):
        """What it must not have."""
        return self.possible - self.allowed


def judge(log, done, quiet=False):
    """Goes through the log; returns the numbers of points, and of bad ones."""
    sectors = [Sector() for _ in range(REGION)]
    points = bad = number = 0

    def begin():
        if number < len(done):
            for i, new in done[number][3].items():
                sectors[i].begin(new)

    begin()
    for entry in log.entries:
        if entry.is_flush:
            for sector in sectors:
                sector.log_flush()
        if entry.flags & writelog.MARK:
            if entry.words[0] != "contract":
                continue
            _, _, kind, effect = done[number]
            number += 1
            for i, new in effect.items():
                sectors[i].end(number, new, kind == "fua")
            if kind == "flush":
                for sector in sectors:
                    sector.flushed()
            begin()
        elif entry.changes:
            data = log.data(entry)
            for at in range(0, entry.length, SECTOR):
                i = (entry.offset + at) // SECTOR
                if i < REGION:
                    new = ZERO if data is None else read_value(data[at : at + SECTOR], i)
                    sectors[i].log(new, entry.is_stable, number + 1)
        points += 1
        wrong = {i: sector.wrong for i, sector in enumerate(sectors) if sector.wrong}
        if wrong:
            bad += 1
            if bad <= 4 and not quiet:
                last = done[max(0, number - 4) : number + 1]
                steps = [(step, kind, sorted(effect)[:1]) for _, step, kind, effect in last]
                some = dict(list(wrong.items())[:3])
                print(f"after {entry!r}, operations {steps}: {some}", file=sys.stderr)
    if number != len(done):
        sys.exit(f"{number} marks in the log of {len(done)} operations")
    return points, bad


def main(device, logged, path, length=3):
    """Runs, and judges."""
    runner = Runner(device, logged)
    count = runner.run(runner.sequences(int(length)))
    subprocess.run(["losetup", "-d", device], check=True)
    devmapper.remove(logged)
    print(count, *judge(writelog.Log(path), runner.done))


if __name__ == "__main__":
    if len(sys.argv) not in (4, 5):
        sys.exit(__doc__)
    main(*sys.argv[1:])
