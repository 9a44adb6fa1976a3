# SPDX-License-Identifier: GPL-2.0
"""promises: while the disk below fails now and then, is all there that a flush said was stable?

  promises.py DEVICE NAME DISK WRITERS ROUNDS SEED

DEVICE's backing file is the device-mapper device NAME, which is DISK, or, for some milliseconds now
and then, a disk on which everything fails. Each writer has its own descriptor, and in each round
writes a block in a place of its own and flushes. If both succeed the block has to be on DISK at the
end, whoever else's flush has failed meanwhile. There is one exception: a flush that its fsync()
submits just after another one has failed may succeed, but then the descriptor's next fsync() tells.
Prints the numbers of rounds, of those in which something failed, of blocks that are missing although
both succeeded, and of those of which the next fsync() told.
"""
import mmap
import multiprocessing
import os
import random
import struct
import sys
import time

import devmapper

BLOCK = 4096


def content(place):
    """Of a block; never zero."""
    return struct.pack("<Q", place + 1) * (BLOCK // 8)


def writer(device, index, writers, rounds, seed, pipe):
    """One of them; sends what it was promised, and how often something failed."""
    chance = random.Random(seed * 1000 + index)
    fd = os.open(device, os.O_RDWR | os.O_DIRECT)
    memory = mmap.mmap(-1, BLOCK)
    promised, failed = {}, 0
    # Of the last round that succeeded, if none came after it.
    last = None
    for number in range(rounds):
        place = number * writers + index
        memory[:] = content(place)
        try:
            os.pwritev(fd, [memory], place * BLOCK)
        except OSError:
            failed += 1
            continue
        # So that others flush in between.
        time.sleep(chance.choice((0, 0, 0.001)))
        try:
            os.fdatasync(fd)
        except OSError:
            failed += 1
            if last is not None:
                promised[last] = True
            last = None
            continue
        # Whether the next one told.
        promised[place] = False
        last = place
    os.close(fd)
    pipe.send((promised, failed))
    pipe.close()


def main(device, name, disk, writers, rounds, seed):
    """All of it."""
    writers, rounds, seed = int(writers), int(rounds), int(seed)
    chance = random.Random(seed)
    fd = os.open(disk, os.O_RDONLY | os.O_DIRECT)
    sectors = os.lseek(fd, 0, os.SEEK_END) // 512
    pipes, processes = [], []
    for index in range(writers):
        reader, sender = multiprocessing.Pipe(False)
        arguments = device, index, writers, rounds, seed, sender
        processes.append(multiprocessing.Process(target=writer, args=arguments))
        processes[-1].start()
        sender.close()
        pipes.append(reader)
    while any(process.is_alive() for process in processes):
        time.sleep(chance.uniform(0.001, 0.05))
        devmapper.switch(name, sectors, "error", "")
        time.sleep(chance.uniform(0, 0.01))
        devmapper.switch(name, sectors, "linear", f"{disk} 0")
    failed = lost = late = 0
    memory = mmap.mmap(-1, BLOCK)
    for pipe in pipes:
        promised, bad = pipe.recv()
        failed += bad
        for place, told in promised.items():
            os.preadv(fd, [memory], place * BLOCK)
            if memory[:] != content(place):
                if told:
                    late += 1
                    continue
                lost += 1
                if lost <= 8:
                    what = f"round {place // writers} of writer {place % writers}"
                    print(f"{what}: flushed, and not there", file=sys.stderr)
    print(writers * rounds, failed, lost, late)


if __name__ == "__main__":
    if len(sys.argv) != 7:
        sys.exit(__doc__)
    main(*sys.argv[1:])
