// SPDX-License-Identifier: GPL-2.0

//! Where backing I/O is done, and what comes after it, for all devices.

use super::done_lane::DoneLane;
use crate::core::{
    topology,
    workqueue::{Freezer, Locality, WorkQueue},
};
use kernel::{c_str, prelude::*, sync::Arc};

/// How many work items run at once at most, for all devices together: as many as a workqueue can
/// (`WQ_MAX_ACTIVE`). What bounds them are the lanes and their [`Budget`](super::budget::Budget).
const MAX_ACTIVE: i32 = 2048;

/// How many requests, or batches of them, or rounds of flushes, a work item executes before it has
/// itself queued again. While there is no memory for other threads all others of its workqueue wait for
/// its end.
pub(super) const TURN: u32 = 64;

/// Workqueues.
///
/// Each has one thread that is always there, and alone if there is no memory for others; only `softirq`
/// has none. So no work item may wait for another one of the same workqueue: what is done for a device
/// that lies on others waits for what is done for these, and has another workqueue.
pub(crate) struct Workers {
    /// By the depth of the device; the last for all that are deeper, too.
    anywhere: [WorkQueue; 4],
    /// For devices that do not lie on others.
    here: WorkQueue,
    /// For limits, whose change waits for all requests of a device, and so for all above; nothing waits
    /// for it, nor does the freezer.
    pub(super) limits: WorkQueue,
    /// For requests whose I/O is done.
    pub(super) softirq: WorkQueue,
    /// Where that waits, for each processor.
    pub(super) done: KVec<Arc<DoneLane>>,
}

impl Workers {
    /// Without anything to do. Fails with `ENOMEM`. May sleep.
    pub(super) fn new() -> Result<Self> {
        let anywhere = |name| WorkQueue::new(name, Locality::Anywhere, Freezer::Stops, MAX_ACTIVE);
        Ok(Self {
            anywhere: [
                anywhere(c_str!("rloop"))?,
                anywhere(c_str!("rloop_on_1"))?,
                anywhere(c_str!("rloop_on_2"))?,
                anywhere(c_str!("rloop_on_3"))?,
            ],
            here: WorkQueue::new(c_str!("rloop_here"), Locality::Here, Freezer::Stops, 0)?,
            limits: WorkQueue::new(
                c_str!("rloop_limits"),
                Locality::Anywhere,
                Freezer::GoesOn,
                0,
            )?,
            softirq: WorkQueue::new(c_str!("rloop_done"), Locality::SoftIrq, Freezer::GoesOn, 0)?,
            done: {
                let count = topology::cpus() as usize;
                let mut done = KVec::with_capacity(count, GFP_KERNEL)?;
                for _ in 0..count {
                    done.push(DoneLane::new()?, GFP_KERNEL)?;
                }
                done
            },
        })
    }

    /// The one for a device that lies on so many others.
    pub(super) fn at(&self, locality: Locality, depth: u32) -> &WorkQueue {
        let [on_0, on_1, on_2, others] = &self.anywhere;
        match (locality, depth) {
            (Locality::Here, 0) => &self.here,
            (_, 0) => on_0,
            (_, 1) => on_1,
            (_, 2) => on_2,
            _ => others,
        }
    }

    /// Waits for all items that are queued or running. Sleeps.
    pub(super) fn flush(&self) {
        // No request is left that one could hand on to another.
        self.softirq.flush();
        self.here.flush();
        for queue in &self.anywhere {
            queue.flush();
        }
        self.limits.flush();
    }
}
