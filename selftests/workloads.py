# SPDX-License-Identifier: GPL-2.0
"""Workloads that tell the log what they were told is stable, and know what has to be there when
the power fails after some of these marks."""
import contextlib
import mmap
import os
import random
import sqlite3
import struct
import zlib

import aio
import contract
import writelog

BLOCK = 4096
SECTOR = 512


class Workload:
    """What they have in common. `marks`: of the log so far, the last number of each kind."""

    inner = False

    def __init__(self, seed, size, logged):
        self.seed = seed
        self.size = size
        self.logged = logged

    def mark(self, kind, number):
        """Tells the log."""
        writelog.mark(self.logged, kind, number)


class Journal(Workload):
    """A write A, of which nobody waits for the end; a flush; a write B that says that A is there; a
    flush. A is some blocks in places that are used again and again, B a block of a ring."""

    TAG = struct.Struct("<8sIII")
    MAGIC = b"journal\0"
    PLACES, RING = 64, 32

    def __init__(self, seed, size, logged):
        super().__init__(seed, size, logged)
        chance = random.Random(seed)
        # Transaction 0 is none.
        self.plan = [[]] + [
            chance.sample(range(self.PLACES), chance.randint(1, 6)) for _ in range(size)
        ]

    def block(self, number, place):
        """The content of a block."""
        parts = []
        for i in range(BLOCK // SECTOR):
            head = self.TAG.pack(self.MAGIC, number, place, i)
            parts.append((head + struct.pack("<I", zlib.crc32(head))).ljust(SECTOR, b"j"))
        return b"".join(parts)

    def numbers(self, data, place):
        """Of which transactions the sectors of a block are; -1: of none, and not zero."""
        found = set()
        for i in range(BLOCK // SECTOR):
            part = bytes(data[i * SECTOR : (i + 1) * SECTOR])
            if not any(part):
                found.add(0)
                continue
            magic, number, where, index = self.TAG.unpack_from(part)
            whole = self.block(number, place)[i * SECTOR : (i + 1) * SECTOR]
            good = magic == self.MAGIC and (where, index) == (place, i) and part == whole
            found.add(number if good else -1)
        return found

    def run(self, stack):
        """All transactions."""
        fd = os.open(stack.device, os.O_RDWR | os.O_DIRECT)
        queue = aio.Queue(32, BLOCK)
        for number in range(1, len(self.plan)):
            for place in self.plan[number]:
                queue.write(fd, place * BLOCK, self.block(number, place))
            os.fdatasync(fd)
            self.mark("a", number)
            place = self.PLACES + number % self.RING
            queue.write(fd, place * BLOCK, self.block(number, place))
            os.fdatasync(fd)
            self.mark("b", number)
        queue.close()
        os.close(fd)
        if queue.errors:
            raise RuntimeError(f"writes fail: {queue.errors[:4]}")

    def check(self, stack, marks):
        """What is lost or wrong."""
        losses = []
        stable, committed = marks.get("a", 0), marks.get("b", 0)
        memory = mmap.mmap(-1, (self.PLACES + self.RING) * BLOCK)
        fd = os.open(stack.device, os.O_RDONLY | os.O_DIRECT)
        os.preadv(fd, [memory], 0)
        os.close(fd)
        found = [
            self.numbers(memory[at * BLOCK : (at + 1) * BLOCK], at)
            for at in range(self.PLACES + self.RING)
        ]
        # What transaction may be under way.
        last = min(committed + 1, len(self.plan) - 1)
        for place in range(self.PLACES):
            writers = [n for n in range(1, last + 1) if place in self.plan[n]]
            least = max((n for n in writers if n <= stable), default=0)
            allowed = {n for n in writers if n >= least} | {least}
            if not found[place] <= allowed:
                losses.append(f"A in place {place}: {found[place]}, not {allowed}")
        for number in range(max(1, last - self.RING + 1), last + 1):
            here = found[self.PLACES + number % self.RING]
            allowed = {number}
            if number > committed:
                allowed.add(max(0, number - self.RING))
            if not here <= allowed:
                losses.append(f"B {number} is {here}")
            if number in here:
                for place in self.plan[number]:
                    if min(found[place]) < number:
                        losses.append(f"B {number} without A in {place}: {found[place]}")
        return losses


class Sequences(Workload):
    """The short sequences of operations of contract.py, each in a place of its own."""

    STRIDE = 16384

    def __init__(self, seed, size, logged):
        super().__init__(seed, size, logged)
        self.done = []

    def choose(self, runner):
        """All of up to that length; but what replays the log, the file system's recovery, cannot know
        what `judge()' does."""
        every = runner.sequences(self.size)
        return [chosen for chosen in every if not contract.is_blurred(chosen)]

    def run(self, stack):
        """All of them."""
        runner = contract.Runner(stack.device, self.logged, self.STRIDE)
        runner.run(self.choose(runner))
        self.done = runner.done

    def check(self, stack, marks):
        """What is lost or wrong."""
        number = marks.get("contract", 0)
        sequence = self.done[min(number, len(self.done) - 1)][0]
        losses = []
        # One flush later they are as they stay.
        for which in range(max(1, sequence - 3), sequence + 1):
            allowed = [contract.Sector() for _ in range(contract.REGION)]
            for i, (of, _, kind, effect) in enumerate(self.done[: number + 1]):
                if kind == "flush" and i < number and of >= which:
                    for sector in allowed:
                        sector.flushed()
                elif of == which:
                    for at, new in effect.items():
                        allowed[at].begin(new)
                        if i < number:
                            allowed[at].end(i, new, kind == "fua")
            reader = contract.Runner(stack.device, None)
            reader.place = (which - 1) * self.STRIDE
            for at, got in enumerate(reader.read()):
                if got not in allowed[at].allowed:
                    losses.append(
                        f"sequence {which}, sector {at}: {got}, not {allowed[at].allowed}"
                    )
            os.close(reader.fd)
            reader.queue.close()
        return losses


class Clearing(Sequences):
    """So many of the sequences of three operations that have a discard or a zeroing among them. Each
    seed takes the next ones: after as many as it takes all have been chosen."""

    LENGTH = 3

    def choose(self, runner):
        """Some of them, in a random order that is always the same."""
        every = [
            chosen
            for chosen in runner.sequences(self.LENGTH)
            if len(chosen) == self.LENGTH
            and contract.clears(chosen)
            and not contract.is_blurred(chosen)
        ]
        if not any(kind == "discard" for chosen in every for kind, _, _ in chosen):
            raise RuntimeError("the device cannot discard")
        random.Random(0).shuffle(every)
        first = self.seed * self.size
        return [every[i % len(every)] for i in range(first, first + min(self.size, len(every)))]


class Files(Workload):
    """A log that is appended to, files that are replaced, two SQLite databases, and a record that is
    overwritten: then there is nothing to be journalled, and only a flush makes it stable."""

    inner = True
    NAMES = 5
    OVERWRITES = 6

    def record(self, number, least=16, most=5000):
        """A record with its length, number and checksum; so many bytes as chance will have."""
        chance = random.Random(self.seed * 100003 + number)
        body = chance.randbytes(chance.randint(least, most))
        head = struct.pack("<II", number, len(body))
        return head + struct.pack("<I", zlib.crc32(head + body)) + body

    @staticmethod
    def parse(data):
        """Numbers of the records, up to the first that is not whole."""
        at = 0
        while at + 12 <= len(data):
            number, length, check = struct.unpack_from("<III", data, at)
            body = data[at + 12 : at + 12 + length]
            if len(body) != length or check != zlib.crc32(data[at : at + 8] + body):
                return
            yield number
            at += 12 + length

    @staticmethod
    def connect(path, journal):
        """Opens a database."""
        base = sqlite3.connect(path, isolation_level=None)
        base.execute(f"PRAGMA journal_mode={journal}")
        # With `FULL' a transaction may be undone if the power fails just after it: the journal's
        # removal is not synced. In WAL mode that is the same as this.
        base.execute("PRAGMA synchronous=EXTRA")
        return base

    def bases(self, stack):
        """Both databases, with how they journal."""
        return [(kind, f"{stack.files}/{kind}.db") for kind in ("delete", "wal")]

    def run(self, stack):
        """All of it."""
        directory = os.open(stack.files, os.O_RDONLY | os.O_DIRECTORY)
        journal = os.open(f"{stack.files}/log", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        bases = [(kind, self.connect(path, kind)) for kind, path in self.bases(stack)]
        for _, base in bases:
            base.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, data BLOB)")
        place = os.open(f"{stack.files}/place", os.O_WRONLY | os.O_CREAT)
        os.pwrite(place, self.record(0, 16, 16), 0)
        os.fsync(place)
        os.fsync(directory)
        for number in range(1, self.size + 1):
            os.write(journal, self.record(number))
            os.fdatasync(journal)
            self.mark("log", number)
            name = f"{stack.files}/file{number % self.NAMES}"
            with open(f"{name}.new", "wb", buffering=0) as file:
                file.write(self.record(number, 5000, 20000))
                os.fsync(file.fileno())
            os.rename(f"{name}.new", name)
            os.fsync(directory)
            self.mark("file", number)
            kind, base = bases[number % 2]
            data = self.record(number, 100, 9000)
            base.execute("INSERT INTO t VALUES (?, ?)", (number, data))
            self.mark(kind, number)
            for i in range(number * self.OVERWRITES, (number + 1) * self.OVERWRITES):
                os.pwrite(place, self.record(i, 16, 16), 0)
                os.fdatasync(place)
                self.mark("place", i)
        for _, base in bases:
            base.close()
        os.close(place)
        os.close(journal)
        os.close(directory)

    def check(self, stack, marks):
        """What is lost or wrong."""
        losses = []
        stable = marks.get("log", 0)
        if stable:
            with open(f"{stack.files}/log", "rb") as file:
                numbers = list(self.parse(file.read()))
            if numbers != list(range(1, len(numbers) + 1)) or len(numbers) < stable:
                losses.append(f"log: records up to {numbers[-1:]}, not {stable}")
        stable = marks.get("place", 0)
        if stable:
            with open(f"{stack.files}/place", "rb") as file:
                numbers = list(self.parse(file.read()))
            if not numbers or numbers[0] < stable:
                losses.append(f"place has {numbers}, not {stable}")
        for slot in range(self.NAMES):
            path = f"{stack.files}/file{slot}"
            least = max(
                (n for n in range(1, marks.get("file", 0) + 1) if n % self.NAMES == slot),
                default=0,
            )
            numbers = []
            if os.path.exists(path):
                with open(path, "rb") as file:
                    numbers = list(self.parse(file.read()))
                if len(numbers) != 1 or numbers[0] % self.NAMES != slot:
                    losses.append(f"file{slot} has {numbers}")
            if least and (not numbers or numbers[0] < least):
                losses.append(f"file{slot} has {numbers}, not {least}")
        for index, (kind, path) in enumerate(self.bases(stack)):
            stable = marks.get(kind, 0)
            if not stable:
                continue
            with contextlib.closing(sqlite3.connect(path)) as base:
                whole = base.execute("PRAGMA integrity_check").fetchone()[0]
                rows = base.execute("SELECT id, data FROM t ORDER BY id").fetchall()
            wanted = list(range(index or 2, stable + 1, 2))
            numbers = [row[0] for row in rows]
            if whole != "ok" or numbers[: len(wanted)] != wanted:
                losses.append(f"{kind}: {whole}, rows {numbers[-3:]}, not up to {stable}")
            if any(row[1] != self.record(row[0], 100, 9000) for row in rows):
                losses.append(f"{kind}: a row is not what was inserted")
        return losses


ALL = {"journal": Journal, "sequences": Sequences, "clearing": Clearing, "files": Files}
