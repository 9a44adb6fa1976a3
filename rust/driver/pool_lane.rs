// SPDX-License-Identifier: GPL-2.0

//! A lane with several workers.

use super::{budget::Budget, device::Device, execute, loop_driver::Loop};
use crate::{
    block::{Request, RequestList},
    core::{
        context::{IoContext, Stay},
        irq_lock::IrqLock,
        workqueue::Locality,
    },
    new_irq_lock,
};
use kernel::prelude::*;

struct Inner {
    waiting: RequestList<Loop>,
    /// Workers that are busy, or about to be.
    workers: u32,
}

/// Requests that wait for one of several workers, which in turn wait for I/O. A worker is started
/// with the work item of a request, so that it needs no memory.
#[pin_data]
pub(crate) struct PoolLane {
    #[pin]
    inner: IrqLock<Inner>,
    /// Workers at most.
    limit: u32,
    /// It is for what is held up, for which others shall not lack workers.
    for_held_up: bool,
}

impl PoolLane {
    /// An empty lane with at most `limit` workers, perhaps for what is held up.
    pub(super) fn new(limit: u32, for_held_up: bool) -> impl PinInit<Self> {
        pin_init!(Self {
            inner <- new_irq_lock!(
                Inner {
                    waiting: RequestList::new(),
                    workers: 0,
                },
                "rloop::pool_lane"
            ),
            limit,
            for_held_up,
        })
    }

    /// Appends a request; [`kick`](Self::kick) has it executed. Returns whether nothing else would:
    /// no worker is there. Any context.
    pub(super) fn push(&self, rq: Request<Loop>) -> bool {
        let mut inner = self.inner.lock();
        inner.waiting.push_back(rq);
        inner.workers == 0
    }

    /// Starts workers, if there is something for them to do. Any context.
    pub(super) fn kick(&self, device: &Device) {
        while self.start_worker(device) {}
    }

    /// Starts one more worker, unless there shall not be one.
    fn start_worker(&self, device: &Device) -> bool {
        // What counts as a worker has to come.
        let _stay = Stay::here();
        match self.for_new_worker(self.extra(device)) {
            Some(rq) => rq.run_on(device.workqueue(Locality::Anywhere)),
            None => return false,
        }
        true
    }

    /// Where its workers beyond the first come from.
    fn extra<'a>(&self, device: &'a Device) -> &'a Budget {
        if self.for_held_up {
            &device.shared.extra_held_up
        } else {
            &device.shared.extra
        }
    }

    /// The request that one more worker is to begin with; `None` if there shall not be one.
    fn for_new_worker(&self, extra: &Budget) -> Option<Request<Loop>> {
        let mut inner = self.inner.lock();
        if inner.workers >= self.limit || inner.waiting.is_empty() {
            return None;
        }
        // The first is always there, and goes on until nothing waits.
        if inner.workers != 0 && !extra.take() {
            return None;
        }
        inner.workers = inner.workers.saturating_add(1);
        inner.waiting.pop_front()
    }

    /// What the worker is to do next; `None`, and there is one less, if nothing waits.
    fn next(&self, extra: &Budget) -> Option<Request<Loop>> {
        let mut inner = self.inner.lock();
        let next = inner.waiting.pop_front();
        if next.is_none() {
            inner.workers = inner.workers.saturating_sub(1);
            if inner.workers != 0 {
                extra.give_back();
            }
        }
        next
    }
}

/// A worker's turn: executes a request, and has what waits executed by the work item of that one.
/// Sleeps.
///
/// Not by going on here: this is the work item of a request that has ended by then. Its tag may be
/// another's already, whose work item is this one again; the workqueue would let that wait until
/// this function returns, however long the next request takes (P8).
pub(super) fn work(mut rq: Request<Loop>) {
    let _io = IoContext::enter();
    // It outlives the requests; this reference keeps it until the worker has left.
    let device = rq.device_arc();
    let lane = if rq.data().driver().held_up {
        &device.lanes.held_up
    } else {
        &device.lanes.blocking
    };
    execute::begin(rq, true);
    if let Some(next) = lane.next(lane.extra(&device)) {
        next.run_on(device.workqueue(Locality::Anywhere));
    }
    // The request may have gone to the other lane.
    device.lanes.kick_pools(&device);
}
