// SPDX-License-Identifier: GPL-2.0

//! Whether requests come one at a time.
//!
//! Whoever has one request in flight mostly sleeps until it is done, and leaves the
//! processor to whoever executes it. Whoever has several goes on, and they are
//! executed on another processor meanwhile.

use super::units::Moment;

/// So many requests in a row that were the only one in flight are a habit.
///
/// Where they come in bursts, and are done faster than they come, the first of a burst is
/// alone.
const HABIT: u16 = 4;

/// Why a request should have been executed on another processor than that which it
/// came from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mistake {
    /// It had to wait for the processor, see [`is_late`].
    Late,
    /// Another task wanted the processor, probably its submitter: who has to let
    /// others have it before he submits the next one has one in flight only, however
    /// many he would have.
    Awake,
}

impl Mistake {
    /// How many requests in a row then are a habit.
    ///
    /// All may be different later. Until then one request in so many is the price of a
    /// mistake, and so many served elsewhere that of a mistake about that.
    const fn habit(self) -> u16 {
        match self {
            Self::Late => 4096,
            Self::Awake => 64,
        }
    }
}

/// How long a request may wait for the processor that it came from, in nanoseconds.
///
/// To wake another processor takes some microseconds, a tenth of a millisecond on a
/// virtual machine; where another task goes on it is its time slice, some milliseconds.
const LATE: u64 = 1_000_000;

/// What came lately.
#[derive(Debug)]
pub struct Pace {
    in_flight: u32,
    /// How many of the last requests in a row were alone, up to `habit`.
    alone: u16,
    /// How many it takes.
    habit: u16,
}

impl Default for Pace {
    fn default() -> Self {
        Self::new()
    }
}

impl Pace {
    /// Nothing has come yet.
    pub const fn new() -> Self {
        Self {
            in_flight: 0,
            alone: 0,
            habit: HABIT,
        }
    }

    /// A request is accepted. Returns whether it, like those before it, is the only one in
    /// flight. It is to be told to [`complete`](Self::complete) later.
    pub fn accept(&mut self) -> bool {
        let habitual = self.in_flight == 0 && self.alone == self.habit;
        if habitual {
            self.habit = HABIT;
        }
        self.alone = match self.in_flight {
            0 => self.alone.saturating_add(1).min(self.habit),
            _ => 0,
        };
        self.in_flight = self.in_flight.saturating_add(1);
        habitual
    }

    /// Whether the last request that was accepted came, like those before it, when there
    /// was no other in flight; wherever it is to be executed.
    pub const fn is_one_at_a_time(&self) -> bool {
        self.alone >= HABIT
    }

    /// A request that was accepted is done.
    pub fn complete(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// A request that was alone was executed where it came from, and should not have
    /// been.
    pub fn was_misplaced(&mut self, mistake: Mistake) {
        self.habit = mistake.habit();
        self.alone = 0;
    }
}

/// Whether it was too long a wait, from one moment to another.
pub fn is_late(from: Moment, to: Moment) -> bool {
    to.since(from) > LATE
}
