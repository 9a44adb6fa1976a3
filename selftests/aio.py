# SPDX-License-Identifier: GPL-2.0
"""Asynchronous I/O by the kernel's own interface: io_submit() returns when the driver has been
given the request, whether it is done or not."""
import ctypes
import mmap
import os
import struct

_libc = ctypes.CDLL(None, use_errno=True)
IO_SETUP, IO_DESTROY, IO_GETEVENTS, IO_SUBMIT = 206, 207, 208, 209
PWRITE = 1
DSYNC = 2
IOCB = struct.Struct("<Q Ii Hh I QQq Q II")
EVENT = struct.Struct("<QQqq")


def _call(number, *arguments):
    result = _libc.syscall(ctypes.c_long(number), *arguments)
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


class Queue:
    """Writes in flight, as many as it has buffers, each of `size` bytes."""

    def __init__(self, depth, size):
        self.size = size
        self.memory = mmap.mmap(-1, depth * size)
        self.base = ctypes.addressof(ctypes.c_char.from_buffer(self.memory))
        self.free = list(range(depth))
        self.depth = depth
        self.context = ctypes.c_ulong(0)
        self.events = ctypes.create_string_buffer(EVENT.size * depth)
        self.errors = []
        _call(IO_SETUP, ctypes.c_long(depth), ctypes.byref(self.context))

    def close(self):
        """Waits for all of it."""
        self.reap(self.in_flight)
        _call(IO_DESTROY, self.context)

    @property
    def in_flight(self):
        """How many have not been reaped."""
        return self.depth - len(self.free)

    def reap(self, least):
        """Takes what is done, and waits for that many."""
        count = _call(
            IO_GETEVENTS,
            self.context,
            ctypes.c_long(least),
            ctypes.c_long(self.depth),
            self.events,
            None,
        )
        for i in range(count):
            slot, _, result, _ = EVENT.unpack_from(self.events, i * EVENT.size)
            length, slot = divmod(slot, self.depth)
            if result != length:
                self.errors.append(result)
            self.free.append(slot)
        return count

    def write(self, fd, offset, data, stable=False):
        """Submits a write; `stable`: with RWF_DSYNC."""
        if not self.free:
            self.reap(1)
        slot = self.free.pop()
        start = slot * self.size
        self.memory[start : start + len(data)] = data
        iocb = ctypes.create_string_buffer(
            IOCB.pack(
                len(data) * self.depth + slot,
                0,
                DSYNC if stable else 0,
                PWRITE,
                0,
                fd,
                self.base + start,
                len(data),
                offset,
                0,
                0,
                0,
            )
        )
        pointer = ctypes.c_void_p(ctypes.addressof(iocb))
        _call(IO_SUBMIT, self.context, ctypes.c_long(1), ctypes.byref(pointer))
