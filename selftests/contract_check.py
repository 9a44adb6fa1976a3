# SPDX-License-Identifier: GPL-2.0
"""Does contract.py judge rightly? Makes logs as a driver would: a good one has no bad point, and
one that breaks a promise has. Runs anywhere, without a device."""
import itertools
import sys

import contract
import writelog


class Made:
    """A log that no disk has written."""

    def __init__(self):
        self.entries = []
        self.content = {}

    def add(self, flags, first=0, count=0, data=None, text=""):
        """One more entry."""
        size = contract.SECTOR
        entry = writelog.Entry(flags, first * size, count * size, len(self.content), text)
        self.content[entry.position] = data
        return entry

    def data(self, entry):
        """As of a log."""
        return self.content[entry.position]


def simulate(fault=None):
    """All sequences of two operations, by a driver that has that fault."""
    log, done, cached = Made(), [], []

    def step(sequence, number, kind, first, count):
        effect = {}
        if kind == "flush":
            if fault != "flush":
                # As dm-log-writes does.
                kept = cached[-1:] if fault == "drain" else []
                log.entries.extend(cached[: len(cached) - len(kept)])
                log.entries.append(log.add(writelog.FLUSH))
                cached[:] = kept
        else:
            flags, data = writelog.DISCARD, None
            where = range(first, first + count)
            effect = dict.fromkeys(where, contract.ZERO)
            if kind in ("write", "fua"):
                flags = writelog.FUA if kind == "fua" and fault != "fua" else 0
                data = b"".join(contract.value(sequence, number, i) for i in where)
                effect = dict.fromkeys(where, (sequence, number))
            if fault == "garbage" and data:
                data = data[:-1] + b"?"
            entry = log.add(flags, first, count, data)
            (log.entries if flags & writelog.FUA else cached).append(entry)
        done.append((sequence, number, kind, effect))
        log.entries.append(log.add(writelog.MARK, text=f"contract:{len(done)}"))

    sequences = itertools.product(contract.operations(contract.CHANGES), repeat=2)
    for sequence, chosen in enumerate(sequences, 1):
        step(sequence, 1, "write", 0, contract.REGION)
        step(sequence, 2, "flush", 0, 0)
        for number, operation in enumerate(chosen, 3):
            step(sequence, number, *operation)
    step(0, 1, "flush", 0, 0)
    return contract.judge(log, done, quiet=True)


def main():
    """All faults."""
    failed = False
    for fault in (None, "flush", "drain", "fua", "garbage"):
        points, bad = simulate(fault)
        right = (bad > 0) == (fault is not None)
        failed |= not right
        print(f"{'ok' if right else 'WRONG'}: {fault or 'no fault'}: {bad} of {points} points")
    return failed


if __name__ == "__main__":
    sys.exit(main())
