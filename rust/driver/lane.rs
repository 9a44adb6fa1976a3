// SPDX-License-Identifier: GPL-2.0

//! The queue between blk-mq and the worker that does a device's backing I/O.
//!
//! Backing I/O is never done inside `queue_rq`: that may be called deep in the stack of the file
//! system above, and with `current->bio_list` set, which would make the I/O below wait for the
//! one above.

use super::{
    device::{work, Device},
    execute,
    loop_driver::Loop,
};
use crate::{
    block::{Request, RequestList},
    core::{context::IoContext, irq_lock::IrqLock},
    new_irq_lock,
};
use kernel::{prelude::*, sync::Arc};

/// Requests that wait to be executed, in the order in which they were accepted.
#[pin_data]
pub(crate) struct Lane {
    #[pin]
    queue: IrqLock<RequestList<Loop>>,
}

impl Lane {
    /// An empty lane.
    pub(super) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            queue <- new_irq_lock!(RequestList::new(), "rloop::lane"),
        })
    }

    /// Appends a request; [`wake`] will have it executed. Any context.
    pub(super) fn push(&self, rq: Request<Loop>) {
        self.queue.lock().push_back(rq);
    }

    /// Executes everything that is, or meanwhile comes, in the lane. Sleeps.
    pub(super) fn run(&self) {
        let _io = IoContext::enter();
        loop {
            let batch = self.queue.lock().take_all();
            if batch.is_empty() {
                break;
            }
            for rq in batch {
                execute::begin(rq);
            }
        }
    }
}

/// Has a worker run the lane of `device`, if there is anything in it. Any context.
pub(super) fn wake(device: Arc<Device>) {
    let queue = &device.shared.clone().workers;
    // `Err` means that it is queued already, and will find what was pushed.
    let _ = queue.enqueue::<Arc<Device>, { work::LANE }>(device);
}
