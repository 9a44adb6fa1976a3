// SPDX-License-Identifier: GPL-2.0

//! What a device counts, since it was made. Only what is rare is counted, or costs much more than
//! the counting.

use crate::block::attributes::Output;
use kernel::{
    prelude::*,
    sync::atomic::{Atomic, Relaxed},
};

/// A counter.
pub(crate) struct Counter(Atomic<i64>);

impl Counter {
    const fn new() -> Self {
        Self(Atomic::new(0))
    }

    /// One more. Any context.
    pub(super) fn count(&self) {
        self.0.add(1, Relaxed);
    }

    fn get(&self) -> u64 {
        // Not negative before 2^63 events.
        self.0.load(Relaxed).unsigned_abs()
    }
}

/// The counters of a device.
pub(crate) struct Stats {
    /// Requests that waited for an overlapping one accepted before (P7).
    pub(super) ordered: Counter,
    /// Reads left to wait in the page cache, without a thread.
    pub(super) woken: Counter,
    /// Requests that went from one worker to another that may wait, or wait longer.
    pub(super) blocked: Counter,
    /// Flushes accepted.
    pub(super) flushes: Counter,
    /// Syncs of the backing file for flushes: fewer, as one serves all that wait for it.
    pub(super) syncs: Counter,
    /// Syncs that failed.
    pub(super) failed_syncs: Counter,
}

impl Stats {
    /// Nothing has happened.
    pub(super) const fn new() -> Self {
        Self {
            ordered: Counter::new(),
            woken: Counter::new(),
            blocked: Counter::new(),
            flushes: Counter::new(),
            syncs: Counter::new(),
            failed_syncs: Counter::new(),
        }
    }

    /// Writes a line for each counter: its name, a space, its value.
    pub(super) fn show(&self, out: &mut Output<'_>) -> Result {
        let lines = [
            ("ordered", &self.ordered),
            ("woken", &self.woken),
            ("blocked", &self.blocked),
            ("flushes", &self.flushes),
            ("syncs", &self.syncs),
            ("failed_syncs", &self.failed_syncs),
        ];
        for (number, (name, counter)) in lines.into_iter().enumerate() {
            if number != 0 {
                out.text("\n")?;
            }
            out.text(name)?;
            out.text(" ")?;
            out.number(counter.get())?;
        }
        Ok(())
    }
}
