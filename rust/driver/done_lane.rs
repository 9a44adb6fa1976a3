// SPDX-License-Identifier: GPL-2.0

//! The way of direct I/O that is done out of the interrupt that has told so, and of requests that are
//! over out of the worker that has executed them.
//!
//! To end a request can take long: it releases others, begins flushes, wakes its submitter. Disks tell
//! of many at once, and all that happens with interrupts off delays everything else on that processor,
//! timers included. (Measured on a null_blk with timers: they were deferred by the kernel as their
//! interrupt took too long, and both processors had nothing to do.)

use super::{device::Device, execute, loop_driver::Loop};
use crate::{
    block::{Request, RequestList},
    core::{
        context::{self, Stay},
        irq_lock::IrqLock,
    },
    new_irq_lock,
};
use ::core::mem;
use kernel::{
    impl_has_work,
    prelude::*,
    sync::Arc,
    workqueue::{new_work, Work, WorkItem},
};

struct Inner {
    done: RequestList<Loop>,
    /// The work item is queued or running, and will look at `done` once more.
    running: bool,
}

/// What is known of a request whose I/O is done.
pub(crate) enum Done {
    /// What direct I/O has transferred, or its error.
    Transferred(Result<usize>),
    /// It is to be ended so.
    Over(Result),
}

/// Requests whose I/O is done, with what is known of it in them, in the order in which a processor was
/// told.
#[pin_data]
pub(crate) struct DoneLane {
    #[pin]
    inner: IrqLock<Inner>,
    #[pin]
    work: Work<DoneLane>,
}

impl_has_work! {
    impl HasWork<Self> for DoneLane { self.work }
}

impl DoneLane {
    /// An empty lane.
    pub(super) fn new() -> Result<Arc<Self>> {
        Arc::pin_init(
            pin_init!(Self {
                inner <- new_irq_lock!(
                    Inner {
                        done: RequestList::new(),
                        running: false,
                    },
                    "rloop::done_lane"
                ),
                work <- new_work!("rloop::done_lane"),
            }),
            GFP_KERNEL,
        )
    }

    /// Has a request go on whose I/O is done. The processor must be this lane's until it returns.
    fn push(self: &Arc<Self>, mut rq: Request<Loop>, done: Done, device: &Device) {
        rq.data().driver().done = Some(done);
        let begin = {
            let mut inner = self.inner.lock();
            inner.done.push_back(rq);
            !mem::replace(&mut inner.running, true)
        };
        if begin {
            self.enqueue(device);
        }
    }

    /// Queues the work item, which is not queued.
    fn enqueue(self: &Arc<Self>, device: &Device) {
        let _ = device.shared.workers.softirq.enqueue(self.clone());
    }

    /// Whether there is more; if not the work item ends.
    fn goes_on(&self) -> bool {
        let mut inner = self.inner.lock();
        inner.running = !inner.done.is_empty();
        inner.running
    }
}

impl WorkItem for DoneLane {
    type Pointer = Arc<Self>;

    /// Soft interrupt.
    fn run(this: Arc<Self>) {
        let mut batch = {
            let mut inner = this.inner.lock();
            let batch = inner.done.take_all();
            inner.running = !batch.is_empty();
            batch
        };
        let Some(first) = batch.pop_front() else {
            return;
        };
        // The requests will be gone when it is needed.
        let device = first.device_arc();
        go_on(first);
        for rq in batch {
            go_on(rq);
        }
        // What has come meanwhile is for another turn, so that the kernel can limit these.
        if this.goes_on() {
            this.enqueue(&device);
        }
    }
}

/// Has a request go on whose direct I/O is done. Any context.
///
/// Here, unless interrupts are off: in a hard interrupt, or where the disk below ends requests under a
/// lock, that of its flushes for instance (`block/blk-flush.c`), which is of the class of the lock that
/// ours are ended under. Nor if the device lies on others, as this may be where the request below is
/// ended: the stack would grow with their number.
pub(super) fn done(rq: Request<Loop>, result: Result<usize>) {
    if context::irqs_off() || rq.device().is_stacked() {
        let device = rq.device_arc();
        let stay = Stay::here();
        let lanes = &device.shared.workers.done;
        if let Some(lane) = lanes.get(stay.cpu() as usize) {
            return lane.push(rq, Done::Transferred(result), &device);
        }
    }
    execute::direct_done(rq, result);
}

/// Has a request ended that is over, in a soft interrupt soon. Any context.
pub(super) fn over(rq: Request<Loop>, result: Result) {
    let device = rq.device_arc();
    let stay = Stay::here();
    match device.shared.workers.done.get(stay.cpu() as usize) {
        Some(lane) => lane.push(rq, Done::Over(result), &device),
        None => execute::end(rq, result),
    }
}

/// Goes on with a request whose I/O is done.
fn go_on(mut rq: Request<Loop>) {
    match rq.data().driver().done.take() {
        Some(Done::Transferred(result)) => execute::direct_done(rq, result),
        Some(Done::Over(result)) => execute::end(rq, result),
        // It has one as long as it is here.
        None => execute::end(rq, Err(EIO)),
    }
}
