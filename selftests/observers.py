# SPDX-License-Identifier: GPL-2.0
"""observers: who is told of a loss, again and again?

  observers.py DEVICE OTHER FILE TARGET NODE ROUNDS
      DEVICE and OTHER are loop devices on FILE, which is, or lies on, the device-mapper device
      TARGET (a name), which is linear on NODE. In each round three descriptors of DEVICE write a
      block each; TARGET fails while the first of them syncs; then all sync, and twice more: those
      three, one of OTHER, two of FILE and, unless that is a device, one that watches its file
      system by syncfs. Prints each outcome there was, and after a tab how often.
"""
import collections
import ctypes
import errno
import os
import stat
import sys

import devmapper

BLOCK = 4096
_libc = ctypes.CDLL(None, use_errno=True)


def syncfs(fd):
    """As os.fsync()."""
    if _libc.syncfs(fd):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def told(sync, fd):
    """What a descriptor is told."""
    try:
        sync(fd)
    except OSError as error:
        return errno.errorcode[error.errno]
    return "0"


def observe(device, other, file, target, node, rounds):
    """All rounds."""
    size = os.open(node, os.O_RDONLY)
    sectors = os.lseek(size, 0, os.SEEK_END) // 512
    os.close(size)
    writers = [os.open(device, os.O_RDWR) for _ in range(3)]
    everybody = [(os.fsync, fd) for fd in writers]
    for path, flags in ((other, os.O_RDWR), (file, os.O_RDWR), (file, os.O_RDONLY)):
        everybody.append((os.fsync, os.open(path, flags)))
    if not stat.S_ISBLK(os.stat(file).st_mode):
        everybody.append((syncfs, os.open(os.path.dirname(file), os.O_RDONLY)))
    outcomes = collections.Counter()
    for number in range(rounds):
        for place, fd in enumerate(writers):
            os.pwrite(fd, bytes([number & 255]) * BLOCK, place * 2 * BLOCK)
        devmapper.switch(target, sectors, "error", "")
        first = told(*everybody[0])
        devmapper.switch(target, sectors, "linear", f"{node} 0")
        times = [[first] + [told(*one) for one in everybody[1:]]]
        times += [[told(*one) for one in everybody] for _ in range(2)]
        outcomes[", ".join(map(" ".join, times))] += 1
    for outcome, count in outcomes.most_common():
        print(f"{outcome}\t{count}")


if __name__ == "__main__":
    match sys.argv[1:]:
        case [device, other, file, target, node, rounds]:
            observe(device, other, file, target, node, int(rounds))
        case _:
            sys.exit(__doc__)
