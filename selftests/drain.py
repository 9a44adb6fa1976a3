# SPDX-License-Identifier: GPL-2.0
"""drain: was all that a flush covers stable below when it was over?

  drain.py write DEVICE LOGGED WRITERS ROUNDS SEED
      Each writer submits writes that nobody waits for, then flushes, and then makes a mark in the
      log of the device-mapper device LOGGED: so many writes of mine are stable. Prints how many
      flushes there were, and before how many of these writes were in flight.
  drain.py judge LOG
      Each write that a mark covers has to be in the log before the mark, and after it, unless it
      was FUA, a flush. Prints the number of marks, and of marks with writes missing.

Each write is 4 KiB with its own place, so that there is no later one to take for it.
"""
import multiprocessing
import os
import random
import struct
import sys
import zlib

import aio
import writelog

TAG = struct.Struct("<8sIIII")
MAGIC = b"drain\0\0\0"
BLOCK = 4096


def sector(writer, serial, part):
    """512 bytes that say whose they are."""
    head = TAG.pack(MAGIC, writer, serial, part, 0)[:-4]
    return head + struct.pack("<I", zlib.crc32(head)) + bytes([serial & 255]) * (512 - TAG.size)


def writer(device, logged, index, rounds, seed, counts):
    """One process."""
    chance = random.Random(seed * 1000 + index)
    fd = os.open(device, os.O_RDWR | os.O_DIRECT)
    queue = aio.Queue(64, BLOCK)
    serial = flying = 0
    places = list(range(index, rounds * 8 * counts["writers"], counts["writers"]))
    chance.shuffle(places)
    for _ in range(rounds):
        for _ in range(chance.randint(1, 8)):
            data = b"".join(sector(index, serial, part) for part in range(8))
            queue.write(fd, places[serial] * BLOCK, data)
            serial += 1
        queue.reap(0)
        flying += queue.in_flight > 0
        os.fdatasync(fd)
        writelog.mark(logged, "drain", index, serial)
    queue.close()
    os.close(fd)
    if queue.errors:
        sys.exit(f"writes fail: {queue.errors[:4]}")
    with counts["lock"]:
        counts["flying"].value += flying


def write(device, logged, writers, rounds, seed):
    """All writers at once."""
    counts = {
        "writers": writers,
        "flying": multiprocessing.Value("i", 0),
        "lock": multiprocessing.Lock(),
    }
    processes = [
        multiprocessing.Process(target=writer, args=(device, logged, i, rounds, seed, counts))
        for i in range(writers)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    print(writers * rounds, counts["flying"].value)
    return max(process.exitcode != 0 for process in processes)


def written(data):
    """(writer, serial, part) of the sectors of ours in what was written."""
    for at in range(0, len(data), 512):
        magic, who, serial, part, check = TAG.unpack_from(data, at)
        if magic == MAGIC and check == zlib.crc32(data[at : at + TAG.size - 4]):
            yield who, serial, part


def judge(path):
    """Goes through the log once."""
    log = writelog.Log(path)
    pending, stable = [], set()
    marks = bad = 0
    for entry in log.entries:
        if entry.flags & writelog.MARK:
            words = entry.words
            if words[0] != "drain":
                continue
            marks += 1
            who, count = int(words[1]), int(words[2])
            missing = [
                serial
                for serial in range(count)
                if any((who, serial, part) not in stable for part in range(8))
            ]
            if missing:
                bad += 1
                if bad <= 4:
                    print(
                        f"flush of writer {who} after its write {count - 1}: "
                        f"writes {missing[:8]} are not stable",
                        file=sys.stderr,
                    )
            continue
        if entry.is_flush:
            stable.update(pending)
            pending.clear()
        if entry.changes and not entry.flags & writelog.DISCARD:
            found = written(log.data(entry))
            if entry.is_stable:
                stable.update(found)
            else:
                pending.extend(found)
    print(marks, bad)
    return 0


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["write", device, logged, writers, rounds, seed]:
            sys.exit(write(device, logged, int(writers), int(rounds), int(seed)))
        case ["judge", path]:
            sys.exit(judge(path))
        case _:
            sys.exit(__doc__)
