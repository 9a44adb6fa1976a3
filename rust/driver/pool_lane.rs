// SPDX-License-Identifier: GPL-2.0

//! A lane with several workers.

use super::{budget::Budget, device::Device, execute, loop_driver::Loop, workers::TURN};
use crate::{
    block::{Request, RequestList},
    core::{
        context::{IoContext, Stay},
        irq_lock::IrqLock,
        workqueue::Locality,
    },
    logic::turns::{Kind, Turns},
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
    reads: RequestList<Loop>,
    /// What is no read.
    changes: RequestList<Loop>,
    /// Which of them gets the next worker.
    turns: Turns,
    /// Workers that have nothing to do. It has room for all of them.
    idle: KVec<Arc<Worker>>,
    /// Workers that are busy, or about to be.
    workers: u32,
    /// One of them has been called and not come yet. It will see to it that another one comes if
    /// something waits then.
    coming: bool,
}

impl Inner {
    /// What a worker is to take of what waits; `None` if there is nothing for one more.
    fn next(&self) -> Option<Kind> {
        self.turns
            .next(!self.reads.is_empty(), !self.changes.is_empty())
    }

    /// Takes it.
    fn take(&mut self) -> Option<Request<Loop>> {
        let kind = self.next()?;
        self.turns.take(kind);
        match kind {
            Kind::Read => self.reads.pop_front(),
            Kind::Change => self.changes.pop_front(),
        }
    }
}

/// What of these a request is.
fn kind(rq: &Request<Loop>) -> Kind {
    if rq.op().is_change() {
        Kind::Change
    } else {
        Kind::Read
    }
}

/// Requests that wait for one of several workers, which in turn wait for I/O.
#[pin_data]
pub(crate) struct PoolLane {
    #[pin]
    inner: IrqLock<Inner>,
    /// It is for what is held up, for which others shall not lack workers.
    for_held_up: bool,
}

impl PoolLane {
    /// An empty lane with at most `limit` workers, perhaps for what is held up. Fails with `ENOMEM`.
    /// May sleep.
    pub(super) fn new(limit: u32, for_held_up: bool) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            inner <- {
                let count = limit.max(1) as usize;
                let mut idle = KVec::with_capacity(count, GFP_KERNEL)?;
                for _ in 0..count {
                    idle.push(Worker::new()?, GFP_KERNEL)?;
                }
                new_irq_lock!(
                    Inner {
                        reads: RequestList::new(),
                        changes: RequestList::new(),
                        turns: Turns::new(limit),
                        idle,
                        workers: 0,
                        coming: false,
                    },
                    "rloop::pool_lane"
                )
            },
            for_held_up,
        })
    }

    /// Appends a request; [`kick`](Self::kick) has it executed. Returns whether nothing else would:
    /// no worker is there. Any context.
    pub(super) fn push(&self, rq: Request<Loop>) -> bool {
        let mut inner = self.inner.lock();
        match kind(&rq) {
            Kind::Read => inner.reads.push_back(rq),
            Kind::Change => inner.changes.push_back(rq),
        }
        inner.workers == 0
    }

    /// Starts a worker, if there is something for it to do. It starts the next one, if there is. Any
    /// context.
    ///
    /// One after the other, as the first may have done all before the second comes: whoever submits
    /// much that need not wait would wake one for each request, and be preempted by it.
    pub(super) fn kick(&self, device: &Device) {
        // What counts as a worker has to come.
        let _stay = Stay::here();
        if let Some((worker, rq)) = self.for_new_worker(self.extra(device)) {
            *worker.first.lock() = Some(rq);
            // It is queued nowhere, as it was idle.
            let _ = device.workqueue(Locality::Anywhere).enqueue(worker);
        }
    }

    /// Where its workers beyond the first come from.
    fn extra<'a>(&self, device: &'a Device) -> &'a Budget {
        if self.for_held_up {
            &device.shared.extra_held_up
        } else {
            &device.shared.extra
        }
    }

    /// One more worker, and the request that it is to begin with; `None` if there shall not be one.
    fn for_new_worker(&self, extra: &Budget) -> Option<(Arc<Worker>, Request<Loop>)> {
        let mut inner = self.inner.lock();
        if inner.coming || inner.idle.is_empty() || inner.next().is_none() {
            return None;
        }
        // The first is always there, and goes on until nothing waits. Changes wait for more workers
        // only while some of them have one.
        if inner.workers != 0 && !extra.take() {
            return None;
        }
        inner.workers = inner.workers.saturating_add(1);
        inner.coming = true;
        let worker = inner.idle.pop();
        worker.zip(inner.take())
    }

    /// The one that was called has come.
    fn has_come(&self) {
        self.inner.lock().coming = false;
    }

    /// What the worker, which is `done` with one, is to do next; `None`, and it is idle, if there is
    /// nothing for it, or it does not go on.
    fn next(
        &self,
        done: Kind,
        goes_on: bool,
        extra: &Budget,
        worker: &Arc<Worker>,
    ) -> Option<Request<Loop>> {
        let mut inner = self.inner.lock();
        inner.turns.done(done);
        let next = if goes_on { inner.take() } else { None };
        if next.is_none() {
            inner.workers = inner.workers.saturating_sub(1);
            if inner.workers != 0 {
                extra.give_back();
            }
            // There is room for all.
            let _ = inner.idle.push_within_capacity(worker.clone());
        }
        next
    }
}

/// A worker of such a lane.
#[pin_data]
struct Worker {
    /// What it is to begin with when it is called.
    #[pin]
    first: IrqLock<Option<Request<Loop>>>,
    #[pin]
    work: Work<Worker>,
}

impl_has_work! {
    impl HasWork<Self> for Worker { self.work }
}

impl Worker {
    /// An idle one. Fails with `ENOMEM`. May sleep.
    fn new() -> Result<Arc<Self>> {
        Arc::pin_init(
            pin_init!(Self {
                first <- new_irq_lock!(None, "rloop::pool_lane::first"),
                work <- new_work!("rloop::pool_lane"),
            }),
            GFP_KERNEL,
        )
    }
}

impl WorkItem for Worker {
    type Pointer = Arc<Self>;

    /// Executes requests as long as some wait, and it is its turn. Sleeps.
    fn run(this: Arc<Self>) {
        let first = mem::take(&mut *this.first.lock());
        let Some(mut rq) = first else {
            return;
        };
        let _io = IoContext::enter();
        // It outlives the requests; this reference keeps it until the worker has left.
        let device = rq.device_arc();
        let lane = if rq.data().driver().held_up {
            &device.lanes.held_up
        } else {
            &device.lanes.blocking
        };
        lane.has_come();
        for left in (0..TURN).rev() {
            // A request may have gone to the other lane, too.
            device.lanes.kick_pools(&device);
            let done = kind(&rq);
            execute::begin(rq, true);
            match lane.next(done, left != 0, lane.extra(&device), &this) {
                Some(next) => rq = next,
                None => break,
            }
        }
        device.lanes.kick_pools(&device);
    }
}
