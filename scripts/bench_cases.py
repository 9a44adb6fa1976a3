# SPDX-License-Identifier: GPL-2.0
"""What the benchmark measures, and what is wanted: its matrix and its targets.

Used by scripts/bench-guest, which measures, and by scripts/bench-report, which
judges.
"""

import dataclasses

KIB = 1024
MIB = 1024 * KIB

# The order in which drivers are shown.
DRIVERS = ("raw", "loop", "rloop", "before", "ublk")

# What a backing file lies on.
BACKINGS = {
    "tmpfs": "tmpfs",
    "ext4-brd": "ext4 on brd, a RAM disk",
    "xfs-brd": "xfs on brd, a RAM disk",
    "ext4-null100us": "ext4 on null_blk that completes after 100 µs",
    "ext4-null1ms": "ext4 on null_blk that completes after 1 ms",
    "ext4-delay1ms": "ext4 on dm-delay of 1 ms for reads, writes and flushes",
}

# No cell may be worse than that beside the C driver.
FLOOR = 0.95


@dataclasses.dataclass(frozen=True)
class Target:
    """The median of `metric`, divided by that of driver `than`, has a bound."""

    metric: str
    than: str
    bound: float
    at_least: bool = True

    def reached(self, ratio: float) -> bool:
        """Is the ratio on the right side of the bound?"""
        return ratio >= self.bound if self.at_least else ratio <= self.bound

    def __str__(self) -> str:
        return f"{self.metric} {'≥' if self.at_least else '≤'} {self.bound:g} × {self.than}"


@dataclasses.dataclass(frozen=True)
class Case:
    """One cell of the matrix; `rw`, `bs` and so on have fio's meaning."""

    backing: str
    mode: str
    rw: str
    bs: int
    iodepth: int
    jobs: int = 1
    # fsync after so many writes; 0 for never.
    flush_every: int = 0
    # The page cache of the backing file at the start: cold, warm, or as it is.
    cache: str = ""
    # Another job writes at random and calls fsync without pause; only this one
    # is measured.
    disturbed: bool = False
    targets: tuple[Target, ...] = ()

    @property
    def name(self) -> str:
        """What the case is called, in one word."""
        words = [self.backing, self.mode, self.rw, size(self.bs), f"qd{self.iodepth}", f"j{self.jobs}"]
        if self.flush_every:
            words.append(f"flush{self.flush_every}")
        if self.cache:
            words.append(self.cache)
        if self.disturbed:
            words.append("disturbed")
        return "-".join(words)


def size(number: int) -> str:
    """A number of bytes as fio writes it."""
    return f"{number // MIB}m" if number % MIB == 0 else f"{number // KIB}k"


def faster(loop: float, raw: float | None = None) -> tuple[Target, ...]:
    """So many times the IOPS of the C driver, and of the raw file."""
    targets = (Target("iops", "loop", loop),)
    return targets if raw is None else (*targets, Target("iops", "raw", raw))


# The targets' cells: what QUICK=1 measures.
NO_SLOWER = (Target("p50", "loop", 1.0, at_least=False),)
CALM = (Target("p99", "loop", 0.25, at_least=False),)
QUICK = (
    Case("ext4-null1ms", "buffered", "randread", 4 * KIB, 32, 2, cache="cold", targets=faster(10, 0.7)),
    Case("ext4-null1ms", "buffered", "randread", 4 * KIB, 4, 1, cache="cold", disturbed=True, targets=CALM),
    Case("ext4-null1ms", "direct", "randread", 4 * KIB, 4, 1, disturbed=True, targets=CALM),
    Case("ext4-null100us", "direct", "randread", 4 * KIB, 32, 2, targets=faster(1.4, 0.8)),
    Case("ext4-null100us", "direct", "randwrite", 4 * KIB, 32, 2, targets=faster(1.4, 0.8)),
    Case("ext4-null100us", "buffered", "randwrite", 4 * KIB, 32, 1, flush_every=32, targets=faster(1.8)),
    Case("ext4-null100us", "direct", "randwrite", 4 * KIB, 32, 1, flush_every=32, targets=faster(1.8)),
    Case("ext4-null100us", "direct", "randread", 4 * KIB, 1, targets=NO_SLOWER),
    Case("ext4-null100us", "direct", "randwrite", 4 * KIB, 1, targets=NO_SLOWER),
    Case("ext4-null100us", "buffered", "read", MIB, 32, cache="cold", targets=faster(1.0)),
    Case("ext4-null100us", "buffered", "write", MIB, 32, targets=faster(1.0)),
    Case("ext4-null100us", "direct", "read", MIB, 32, targets=faster(1.0)),
    Case("ext4-null100us", "direct", "write", MIB, 32, targets=faster(1.0)),
)


# The rest of the matrix: every dimension on several backings, not the full
# product, which would take days.
def rest() -> tuple[Case, ...]:
    """The cases that QUICK has not, the floor apart without a target."""
    cases: list[Case] = []

    def add(backing: str, mode: str, *variants: tuple) -> None:
        for rw, bs, iodepth, jobs, *more in variants:
            options = more[0] if more else {}
            cases.append(Case(backing, mode, rw, bs, iodepth, jobs, **options))

    cold, warm, flush = {"cache": "cold"}, {"cache": "warm"}, {"flush_every": 32}
    latency = {"targets": NO_SLOWER}
    small, medium, large = 4 * KIB, 64 * KIB, MIB
    add(
        "ext4-brd", "direct",
        ("randread", small, 1, 1, latency), ("randread", small, 32, 1), ("randread", small, 32, 2),
        ("randread", small, 32, 4), ("randwrite", small, 1, 1, latency), ("randwrite", small, 32, 1),
        ("randwrite", small, 32, 4), ("randrw", small, 32, 2), ("randread", medium, 32, 2),
        ("read", large, 32, 1), ("write", large, 32, 1), ("randwrite", small, 32, 1, flush),
    )  # fmt: skip
    add(
        "ext4-brd", "buffered",
        ("randread", small, 1, 1, warm | latency), ("randread", small, 32, 1, warm),
        ("randread", small, 32, 4, warm), ("randwrite", small, 1, 1, latency),
        ("randwrite", small, 32, 2), ("randrw", small, 32, 2, warm), ("randwrite", medium, 32, 2),
        ("read", large, 32, 1, warm), ("write", large, 32, 1), ("randwrite", small, 32, 1, flush),
    )  # fmt: skip
    add(
        "xfs-brd", "direct",
        ("randread", small, 32, 2), ("randwrite", small, 32, 2), ("write", medium, 32, 1),
        ("randwrite", small, 32, 1, flush),
    )  # fmt: skip
    add("xfs-brd", "buffered", ("randread", small, 32, 2, cold), ("randwrite", small, 32, 2))
    add(
        "tmpfs", "buffered",
        ("randread", small, 1, 1, latency), ("randread", small, 32, 2), ("randwrite", small, 32, 2),
        ("read", large, 32, 1), ("write", large, 32, 1),
    )  # fmt: skip
    add("ext4-null100us", "direct", ("randrw", small, 32, 2), ("randread", medium, 32, 4))
    add(
        "ext4-null100us", "buffered",
        ("randread", small, 1, 1, cold | latency), ("randread", small, 32, 2, cold),
        ("randwrite", small, 1, 1, latency),
    )  # fmt: skip
    add(
        "ext4-null1ms", "direct",
        ("randread", small, 32, 4), ("randwrite", small, 32, 2), ("randwrite", small, 32, 1, flush),
    )  # fmt: skip
    add(
        "ext4-null1ms", "buffered",
        ("randread", small, 1, 1, cold | latency), ("randread", small, 32, 4, cold),
        ("read", medium, 1, 1, cold), ("randrw", small, 32, 2, cold),
    )  # fmt: skip
    add(
        "ext4-delay1ms", "direct",
        ("randread", small, 32, 2), ("randwrite", small, 32, 1, flush),
    )  # fmt: skip
    add(
        "ext4-delay1ms", "buffered",
        ("randread", small, 32, 2, cold), ("randwrite", small, 32, 1, flush),
    )  # fmt: skip
    return tuple(cases)


FULL = QUICK + rest()
assert len({case.name for case in FULL}) == len(FULL)
