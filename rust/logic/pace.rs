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

/// The same for those who did not sleep when that was expected of them.
///
/// They may do so later. Until then one request in so many is the price of a mistake.
const NEW_HABIT: u16 = 4096;

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

    /// A request that was accepted is done.
    pub fn complete(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// A request that was alone had to wait for the processor that it came from.
    pub fn was_late(&mut self) {
        self.habit = NEW_HABIT;
        self.alone = 0;
    }
}

/// Whether it was too long a wait, from one moment to another.
pub fn is_late(from: Moment, to: Moment) -> bool {
    to.since(from) > LATE
}
