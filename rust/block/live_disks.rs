// SPDX-License-Identifier: GPL-2.0

//! Disks that are not freed yet.

use kernel::{
    new_condvar, new_mutex,
    prelude::*,
    sync::{Arc, CondVar, Mutex},
};

/// Counts disks until the block layer has freed them, so that a module does not end before that.
///
/// A disk that was removed is freed when the last reference to it is gone. Whoever closes a block device
/// lets go of the module first, and only then of the disk (`bdev_release()` in `block/bdev.c`).
#[pin_data]
pub(crate) struct LiveDisks {
    #[pin]
    count: Mutex<usize>,
    #[pin]
    fewer: CondVar,
}

impl LiveDisks {
    /// None yet. Fails with `ENOMEM`. May sleep.
    pub(crate) fn new() -> Result<Arc<Self>> {
        Arc::pin_init(
            pin_init!(Self {
                count <- new_mutex!(0, "rloop::live_disks"),
                fewer <- new_condvar!("rloop::live_disks"),
            }),
            GFP_KERNEL,
        )
    }

    /// Waits until all are freed. The last callback may be just about to return after that: see
    /// [`wait_for_preempted_tasks`](crate::core::context::wait_for_preempted_tasks). Sleeps, and cannot
    /// be interrupted.
    pub(crate) fn wait_for_none(&self) {
        let mut count = self.count.lock();
        while *count > 0 {
            self.fewer.wait(&mut count);
        }
    }
}

/// One of them, until it is dropped. That may sleep.
pub(super) struct LiveDisk(Arc<LiveDisks>);

impl LiveDisk {
    /// One more. May sleep.
    pub(super) fn new(disks: Arc<LiveDisks>) -> Self {
        {
            let mut count = disks.count.lock();
            *count = count.saturating_add(1);
        }
        Self(disks)
    }
}

impl Drop for LiveDisk {
    fn drop(&mut self) {
        let mut count = self.0.count.lock();
        *count = count.saturating_sub(1);
        self.0.fewer.notify_all();
    }
}

#[cfg(CONFIG_KUNIT = "y")]
impl LiveDisks {
    /// How many there are, for tests.
    pub(super) fn count(&self) -> usize {
        *self.count.lock()
    }
}
