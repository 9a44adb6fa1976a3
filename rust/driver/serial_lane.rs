// SPDX-License-Identifier: GPL-2.0

//! A lane with one worker.

use super::{device::Device, execute, lane::Origin, loop_driver::Loop, workers::TURN};
use crate::{
    block::{plug, Request, RequestList},
    core::{
        clock,
        context::{self, IoContext, Stay},
        irq_lock::IrqLock,
        workqueue::Locality,
    },
    logic::{
        pace::{self, Mistake},
        units::Moment,
    },
    new_irq_lock,
};
use kernel::{
    impl_has_work,
    prelude::*,
    sync::Arc,
    workqueue::{new_work, HasWork, Work, WorkItem},
};

struct Inner {
    waiting: RequestList<Loop>,
    /// The work item `anywhere` is queued or running, and will look at `waiting` once more.
    running: bool,
    /// What the work item `here` is to execute, and since when it waits for that.
    here: Option<(Request<Loop>, Moment)>,
    /// The processor on which `here` is queued or running. It cannot be had run on another one before
    /// it has ended there: the workqueue keeps it from running twice at once.
    here_on: Option<u32>,
}

impl Inner {
    /// Has the worker anywhere do what is left for the one here, which may be long in coming.
    fn take_over(&mut self) {
        if let Some((rq, _)) = self.here.take() {
            let later = self.waiting.take_all();
            self.waiting.push_back(rq);
            for rq in later {
                self.waiting.push_back(rq);
            }
        }
    }

    /// What the work item `here` is to execute, and since when that has waited. It ends if that is
    /// nothing.
    fn next_here(&mut self) -> Option<(Request<Loop>, Moment)> {
        let next = self.here.take();
        // This is where, if nothing went wrong.
        self.here_on = next.as_ref().map(|_| context::cpu());
        next
    }

    /// The work item `here` ends, if it was not queued again. Returns whether the worker anywhere has
    /// to be started for what waits, as here is no place for much work; it counts as such then.
    fn end_here(&mut self) -> bool {
        if self.here.is_some() {
            return false;
        }
        self.here_on = None;
        self.begin()
    }

    /// Whether the worker anywhere has to be started; it counts as such then.
    fn begin(&mut self) -> bool {
        self.take_over();
        if self.running || self.waiting.is_empty() {
            return false;
        }
        self.running = true;
        true
    }
}

/// Requests that wait for the one worker, in the order in which they came.
///
/// It has a work item of its own, so that the workqueue runs it where it ran last as long as that
/// thread is there, and wakes no other one.
///
/// A request that is alone is executed by another work item, on the processor that it comes from.
/// The workqueue cannot have that done elsewhere, whatever else comes to run there: whoever comes
/// next from another processor takes the request with him.
///
/// Who decides under the lock that a work item has to be queued, and queues it after that, must not be
/// preempted in between: all others take it for queued.
#[pin_data]
pub(crate) struct SerialLane {
    #[pin]
    inner: IrqLock<Inner>,
    #[pin]
    anywhere: Work<SerialLane, ANYWHERE>,
    #[pin]
    here: Work<SerialLane, HERE>,
    /// Whether the worker may wait for I/O. If not, what would have to wait goes to a pool lane.
    may_block: bool,
}

/// Names of the work items.
const ANYWHERE: u64 = 0;
const HERE: u64 = 1;

impl_has_work! {
    impl HasWork<Self, ANYWHERE> for SerialLane { self.anywhere }
    impl HasWork<Self, HERE> for SerialLane { self.here }
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
                        here_on: None,
                    },
                    "rloop::serial_lane"
                ),
                anywhere <- new_work!("rloop::serial_lane::anywhere"),
                here <- new_work!("rloop::serial_lane::here"),
                may_block,
            }),
            GFP_KERNEL,
        )
    }

    /// Appends a request; [`kick`](Self::kick) has it executed. Any context.
    pub(super) fn push(&self, rq: Request<Loop>) {
        // Not with what is here: nobody would have that done before `kick`.
        self.inner.lock().waiting.push_back(rq);
    }

    /// Appends a request, and has it executed. Any context.
    pub(super) fn send(self: &Arc<Self>, rq: Request<Loop>, origin: Origin, device: &Device) {
        let stay = Stay::here();
        let cpu = stay.cpu();
        let mut inner = self.inner.lock();
        if origin != Origin::Elsewhere && inner.here.is_some() && inner.here_on == Some(cpu) {
            // Whoever is in the way of the work item is here himself.
            inner.waiting.push_back(rq);
            return;
        }
        inner.take_over();
        if origin == Origin::Alone
            && !inner.running
            && inner.waiting.is_empty()
            && inner.here_on.is_none_or(|busy| busy == cpu)
        {
            inner.here = Some((rq, clock::now()));
            inner.here_on = Some(cpu);
            drop(inner);
            if self.enqueue::<HERE>(Locality::Here, device) {
                return;
            }
            // It is still queued for one that was taken over.
            self.kick(device);
            return;
        }
        inner.waiting.push_back(rq);
        let begin = inner.begin();
        drop(inner);
        if begin {
            self.enqueue::<ANYWHERE>(Locality::Anywhere, device);
        }
    }

    /// Starts the worker, if there is something for it to do. Any context.
    pub(super) fn kick(self: &Arc<Self>, device: &Device) {
        let _stay = Stay::here();
        // Let go of the lock first.
        let begin = self.inner.lock().begin();
        if begin {
            self.enqueue::<ANYWHERE>(Locality::Anywhere, device);
        }
    }

    /// Queues a work item. Returns false if it was queued already. Any context.
    fn enqueue<const ID: u64>(self: &Arc<Self>, locality: Locality, device: &Device) -> bool
    where
        Self: WorkItem<ID, Pointer = Arc<Self>> + HasWork<Self, ID>,
    {
        device
            .workqueue(locality)
            .enqueue::<Arc<Self>, ID>(self.clone())
            .is_ok()
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

impl WorkItem<ANYWHERE> for SerialLane {
    type Pointer = Arc<Self>;

    fn run(this: Arc<Self>) {
        let _io = IoContext::enter();
        let mut left = TURN;
        while let Some(mut batch) = this.next() {
            let Some(first) = batch.pop_front() else {
                continue;
            };
            // The requests may be gone when it is needed.
            let device = first.device_arc();
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
            device.lanes.kick_pools(&device);
            left = left.saturating_sub(1);
            if left == 0 {
                // It has counted as running all the time, so that nobody else has queued it.
                this.enqueue::<ANYWHERE>(Locality::Anywhere, &device);
                return;
            }
        }
    }
}

impl WorkItem<HERE> for SerialLane {
    type Pointer = Arc<Self>;

    fn run(this: Arc<Self>) {
        // Let go of the lock first.
        let taken = this.inner.lock().next_here();
        let Some((rq, since)) = taken else {
            // It was taken over.
            return;
        };
        let _io = IoContext::enter();
        let device = rq.device_arc();
        if pace::is_late(since, clock::now()) {
            device.in_order.was_misplaced(Mistake::Late);
        } else if !context::is_only_task() {
            device.in_order.was_misplaced(Mistake::Awake);
        }
        execute::begin(rq, this.may_block);
        device.lanes.kick_pools(&device);
        let _stay = Stay::here();
        // Let go of the lock first.
        let begin = this.inner.lock().end_here();
        if begin {
            this.enqueue::<ANYWHERE>(Locality::Anywhere, &device);
        }
    }
}
