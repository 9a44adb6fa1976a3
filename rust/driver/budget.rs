// SPDX-License-Identifier: GPL-2.0

//! A bound on workers that all devices share.
//!
//! A workqueue runs so many items at once, and no more. If those were all of devices that wait
//! for another loop device below them, that one would wait for them in turn. So each lane can always
//! have a first worker, and only those beyond come out of this budget, which is much smaller than
//! what a workqueue allows.

use kernel::sync::atomic::{Atomic, Relaxed};

/// Workers beyond the first of each pool lane, for all devices together; once for what is held up,
/// and once for the rest.
const EXTRA_WORKERS: i32 = 256;

/// What is left of them.
pub(crate) struct Budget(Atomic<i32>);

impl Budget {
    /// All of it.
    pub(super) const fn new() -> Self {
        Self(Atomic::new(EXTRA_WORKERS))
    }

    /// Takes one; false if there is none left. Any context.
    pub(super) fn take(&self) -> bool {
        if self.0.fetch_sub(1, Relaxed) > 0 {
            return true;
        }
        self.give_back();
        false
    }

    /// Gives one back. Any context.
    pub(super) fn give_back(&self) {
        self.0.add(1, Relaxed);
    }
}
