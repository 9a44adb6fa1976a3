// SPDX-License-Identifier: GPL-2.0

//! A lane with one worker.

use super::{device::Device, execute, loop_driver::Loop};
use crate::{
    block::{plug, Request, RequestList},
    core::{clock, context::IoContext, irq_lock::IrqLock, workqueue::Locality},
    logic::{pace, units::Moment},
    new_irq_lock,
};
use kernel::{
    impl_has_work,
    prelude::*,
    sync::Arc,
    workqueue::{new_work, Work, WorkItem},
};

struct Inner {
    waiting: RequestList<Loop>,
    /// The work item is queued or running, and will look at `waiting` once more.
    running: bool,
    /// Since when it is so on the processor that the request came from, which is no place for
    /// much work.
    here: Option<Moment>,
}

/// Requests that wait for the one worker, in the order in which they came.
///
/// It has a work item of its own, so that the workqueue runs it where it ran last as long as that
/// thread is there, and wakes no other one.
#[pin_data]
pub(crate) struct SerialLane {
    #[pin]
    inner: IrqLock<Inner>,
    #[pin]
    work: Work<SerialLane>,
    /// Whether the worker may wait for I/O. If not, what would have to wait goes to the pool lane.
    may_block: bool,
}

impl_has_work! {
    impl HasWork<Self> for SerialLane { self.work }
}

impl SerialLane {
    /// An empty lane.
    pub(super) fn new(may_block: bool) -> Result<Arc<Self>> {
        Arc::pin_init(
            pin_init!(Self {
                inner <- new_irq_lock!(
                    Inner {
                        waiting: RequestList::new(),
                        running: false,
                        here: None,
                    },
                    "rloop::serial_lane"
                ),
                work <- new_work!("rloop::serial_lane"),
                may_block,
            }),
            GFP_KERNEL,
        )
    }

    /// Appends a request; [`kick`](Self::kick) has it executed. Any context.
    pub(super) fn push(&self, rq: Request<Loop>) {
        self.inner.lock().waiting.push_back(rq);
    }

    /// Appends a request, and has it executed; there, unless the worker is at work already.
    /// Any context.
    pub(super) fn send(self: &Arc<Self>, rq: Request<Loop>, locality: Locality, device: &Device) {
        {
            let mut inner = self.inner.lock();
            inner.waiting.push_back(rq);
            if inner.running {
                return;
            }
            inner.running = true;
            inner.here = (locality == Locality::Here).then(clock::now);
        }
        self.start(locality, device);
    }

    /// Starts the worker, if there is something for it to do. Any context.
    pub(super) fn kick(self: &Arc<Self>, device: &Device) {
        {
            let mut inner = self.inner.lock();
            if inner.running || inner.waiting.is_empty() {
                return;
            }
            inner.running = true;
            inner.here = None;
        }
        self.start(Locality::Anywhere, device);
    }

    /// Starts the worker, which was not running and now counts as such. Any context.
    fn start(self: &Arc<Self>, locality: Locality, device: &Device) {
        // It cannot be queued already: it was not running.
        let _ = device
            .workqueue(locality)
            .enqueue::<Arc<Self>, 0>(self.clone());
    }

    /// Whether what waits, and more is to be expected, has to be done by a worker elsewhere.
    fn must_move(&self) -> bool {
        let mut inner = self.inner.lock();
        !inner.waiting.is_empty() && inner.here.take().is_some()
    }

    /// All that waits; `None`, and the worker must go, if that is nothing.
    fn next(&self) -> Option<RequestList<Loop>> {
        let mut inner = self.inner.lock();
        let batch = inner.waiting.take_all();
        if batch.is_empty() {
            inner.running = false;
            return None;
        }
        Some(batch)
    }
}

/// Whether what is submitted for a batch that begins with this request shall go down as one: for the
/// sake of merging, and of seeks. Elsewhere it only comes later; then its completions find the
/// submitter idle, who is woken for each of them (measured: three times the context switches, and
/// 3 % fewer direct reads).
fn better_together(first: &Request<Loop>) -> bool {
    first
        .queue_data()
        .as_ref()
        .is_some_and(|binding| !binding.is_direct() || binding.file.is_rotational())
}

impl WorkItem for SerialLane {
    type Pointer = Arc<Self>;

    fn run(this: Arc<Self>) {
        let _io = IoContext::enter();
        let mut queued = this.inner.lock().here;
        while let Some(mut batch) = this.next() {
            let Some(first) = batch.pop_front() else {
                continue;
            };
            // The requests may be gone when they are needed no more.
            let device = first.device_arc();
            if queued
                .take()
                .is_some_and(|then| pace::is_late(then, clock::now()))
            {
                device.in_order.was_late();
            }
            let together = better_together(&first);
            let run = || {
                execute::begin(first, this.may_block);
                for rq in batch {
                    execute::begin(rq, this.may_block);
                }
            };
            if together {
                plug::plugged(run);
            } else {
                run();
            }
            // For what could not be done at once.
            device.lanes.blocking.kick(&device);
            if this.must_move() {
                this.start(Locality::Anywhere, &device);
                return;
            }
        }
    }
}
