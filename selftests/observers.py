# SPDX-License-Identifier: GPL-2.0
"""observers: who is told of a loss, again and again?

  observers.py DEVICE OTHER TARGET NODE ROUNDS
      DEVICE and OTHER are loop devices on the device-mapper device TARGET (a name), which is
      linear on NODE. In each round three descriptors of DEVICE write a block each; TARGET fails
      while the first of them syncs; then all sync, and twice more: those three, one of OTHER and
      one of TARGET. Prints each outcome there was, and after a tab how often.
"""
import collections
import errno
import os
import sys

import devmapper

BLOCK = 4096


def synced(fd):
    """What a descriptor is told."""
    try:
        os.fsync(fd)
    except OSError as error:
        return errno.errorcode[error.errno]
    return "0"


def observe(device, other, target, node, rounds):
    """All rounds."""
    size = os.open(node, os.O_RDONLY)
    sectors = os.lseek(size, 0, os.SEEK_END) // 512
    os.close(size)
    writers = [os.open(device, os.O_RDWR) for _ in range(3)]
    everybody = writers + [os.open(other, os.O_RDWR), os.open(f"/dev/mapper/{target}", os.O_RDWR)]
    outcomes = collections.Counter()
    for number in range(rounds):
        for place, fd in enumerate(writers):
            os.pwrite(fd, bytes([number & 255]) * BLOCK, place * 2 * BLOCK)
        devmapper.switch(target, sectors, "error", "")
        told = [synced(writers[0])]
        devmapper.switch(target, sectors, "linear", f"{node} 0")
        told += [synced(fd) for fd in everybody[1:]]
        told += [", " + " ".join(synced(fd) for fd in everybody) for _ in range(2)]
        outcomes[" ".join(told).replace(" ,", ",")] += 1
    for outcome, count in outcomes.most_common():
        print(f"{outcome}\t{count}")


if __name__ == "__main__":
    match sys.argv[1:]:
        case [device, other, target, node, rounds]:
            observe(device, other, target, node, int(rounds))
        case _:
            sys.exit(__doc__)
