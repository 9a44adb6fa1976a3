// SPDX-License-Identifier: GPL-2.0

//! The threads that do backing I/O, for all devices.

use crate::core::workqueue::{Locality, WorkQueue};
use kernel::{c_str, prelude::*};

/// How many work items run at once at most, for all devices together: as many as a workqueue can
/// (`WQ_MAX_ACTIVE`). What bounds them are the lanes and their [`Budget`](super::budget::Budget).
const MAX_ACTIVE: i32 = 2048;

/// Two workqueues.
pub(crate) struct Workers {
    anywhere: WorkQueue,
    here: WorkQueue,
}

impl Workers {
    /// Without anything to do. Fails with `ENOMEM`. May sleep.
    pub(super) fn new() -> Result<Self> {
        Ok(Self {
            anywhere: WorkQueue::new(c_str!("rloop"), Locality::Anywhere, MAX_ACTIVE)?,
            here: WorkQueue::new(c_str!("rloop_here"), Locality::Here, 0)?,
        })
    }

    /// The one that runs its items there.
    pub(super) fn at(&self, locality: Locality) -> &WorkQueue {
        match locality {
            Locality::Anywhere => &self.anywhere,
            Locality::Here => &self.here,
        }
    }

    /// Waits for all items that are queued or running. Sleeps.
    pub(super) fn flush(&self) {
        // An item may go on elsewhere, but does not come back.
        self.here.flush();
        self.anywhere.flush();
    }
}
