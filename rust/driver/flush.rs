// SPDX-License-Identifier: GPL-2.0

//! Flushes: the drain, and the one place that syncs the backing file.
//!
//! No thread waits for writes in flight. Which flush has to wait for what is decided by
//! [`Epochs`], and which has to tell of which loss by [`ErrCursor`]; here their decisions are
//! carried out.
//!
//! # Who learns of a loss
//!
//! Before a round of flushes fails, the loss is [recorded](observers::record) where `fsync` of any
//! descriptor of the device looks first (P5). So a descriptor whose own `fsync` has met the failed
//! flush finds the record at its next one, and is told the same loss a second time; the kernel has
//! no way to tell it from the others, which have to be told. It is told once only if nobody else
//! has the device open.

use super::{
    device::{work, Device},
    lane,
    log::trouble,
    loop_driver::Loop,
    workers::TURN,
};
use crate::{
    block::{observers, Request, RequestList, Status},
    core::{
        clock,
        context::{IoContext, Stay},
        errno,
        irq_lock::IrqLock,
        workqueue::Locality,
    },
    fs::BackingFile,
    logic::{
        epoch::{Action, Epochs, FlushMode, Full, Round, Ticket, Waiting},
        errcursor::{ErrCursor, Position},
    },
    new_irq_lock,
};
use kernel::{prelude::*, sync::Arc};

/// Whether a flush had not ended when a write was accepted that must not overtake it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Barrier {
    /// There was none.
    None,
    /// There was one; it may have ended by now.
    Ahead,
}

struct Inner {
    epochs: Epochs<KVec<u32>>,
    /// The flushes of the round under way; empty while its fsync is running.
    current: RequestList<Loop>,
    /// Those of each round that waits, by its place.
    waiting: KVec<RequestList<Loop>>,
    /// Writes that must not begin before a round has ended.
    held: RequestList<Loop>,
    /// What the flushes have told, and what they have to.
    cursor: ErrCursor,
}

/// The flushes of a device that wait.
#[pin_data]
pub(crate) struct Flushes {
    #[pin]
    inner: IrqLock<Inner>,
}

impl Flushes {
    /// None, with room for those of as many hardware queues. Fails with `ENOMEM`. May sleep.
    pub(super) fn new(hw_queues: u32) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            inner <- {
                // The block layer has one flush in flight for each (`block/blk-flush.c`).
                let epochs = hw_queues.saturating_add(1) as usize;
                let mut writes = KVec::with_capacity(epochs, GFP_KERNEL)?;
                let mut waiting = KVec::with_capacity(epochs, GFP_KERNEL)?;
                for _ in 0..epochs {
                    writes.push(0, GFP_KERNEL)?;
                    waiting.push(RequestList::new(), GFP_KERNEL)?;
                }
                new_irq_lock!(
                    Inner {
                        epochs: Epochs::new(writes),
                        current: RequestList::new(),
                        waiting,
                        held: RequestList::new(),
                        cursor: ErrCursor::new(Position::default()),
                    },
                    "rloop::flushes"
                )
            },
        })
    }

    /// A write is accepted: flushes accepted later will wait for it. Any context.
    pub(super) fn accept_write(&self) -> (Ticket, Barrier) {
        let mut inner = self.inner.lock();
        let ticket = inner.epochs.accept_write();
        let barrier = if inner.epochs.is_held(&ticket) {
            Barrier::Ahead
        } else {
            Barrier::None
        };
        (ticket, barrier)
    }

    /// Keeps an accepted request back if it must not begin before a flush has ended; it goes to its
    /// lane then. Any context.
    pub(super) fn hold(&self, mut rq: Request<Loop>) -> Option<Request<Loop>> {
        if rq.data().driver().barrier == Barrier::None {
            return Some(rq);
        }
        let mut inner = self.inner.lock();
        match &rq.data().driver().ticket {
            Some(ticket) if inner.epochs.is_held(ticket) => {
                inner.held.push_back(rq);
                None
            }
            _ => Some(rq),
        }
    }

    /// The mode in force.
    pub(super) fn mode(&self) -> FlushMode {
        self.inner.lock().epochs.mode()
    }

    /// Another mode. Only while no request is in flight.
    pub(super) fn set_mode(&self, mode: FlushMode) {
        self.inner.lock().epochs.set_mode(mode);
    }

    /// A write is done, successfully or not. Any context.
    pub(super) fn complete_write(device: Arc<Device>, ticket: Ticket) {
        let _stay = Stay::here();
        let action = device.flushes.inner.lock().epochs.complete_write(ticket);
        start(device, action);
    }

    /// The device is being attached to a file. Only while no request is in flight.
    pub(super) fn attach(&self, file: &BackingFile, mode: FlushMode) {
        let mut inner = self.inner.lock();
        inner.cursor = ErrCursor::new(file.error_cursor());
        inner.epochs.set_mode(mode);
    }

    /// Another file takes the place of the first. Only while no request is in flight.
    pub(super) fn exchange(&self, old: &BackingFile, new: &BackingFile) {
        let (old, new) = (old.error_cursor(), new.error_cursor());
        self.inner.lock().cursor.exchange(old, new);
    }

    /// Syncs the backing file of a bound device for something else than a flush. What that finds
    /// the next flush tells, too (P4). Sleeps.
    pub(super) fn sync_between(&self, file: &BackingFile) -> Result {
        let before = file.error_cursor();
        let result = file.sync_data();
        if let Err(error) = result {
            self.note(error, before, file.error_cursor());
        }
        result
    }

    /// Something else than a flush has failed to sync the backing file, whose cursor was at `before`
    /// and is at `after`: the next flush tells that, too. Any context.
    pub(super) fn note(&self, error: Error, before: Position, after: Position) {
        let errno = errno::to_logic(error);
        self.inner.lock().cursor.note(errno, before, after);
    }

    /// A flush is accepted. Any context.
    pub(super) fn accept_flush(device: Arc<Device>, rq: Request<Loop>) {
        device.stats.flushes.count();
        if let Some(error) = device.health.refuses() {
            rq.end(Status::of_flush(error));
            return;
        }
        let submitted = rq.submitted();
        let _stay = Stay::here();
        let action = {
            let mut inner = device.flushes.inner.lock();
            if let Some(errno) = inner.cursor.fails(submitted) {
                drop(inner);
                // P2: it waited in the block layer while the one failed that has told its loss.
                rq.end(Status::of_flush(errno::from_logic(errno)));
                return;
            }
            match inner.epochs.accept_flush() {
                Ok((Round::Current, action)) => {
                    inner.current.push_back(rq);
                    action
                }
                Ok((Round::Next(place), action)) => match inner.waiting.get_mut(place) {
                    Some(waiting) => {
                        waiting.push_back(rq);
                        action
                    }
                    // There is one for each place.
                    None => return,
                },
                Err(Full) => {
                    drop(inner);
                    // There is room for as many as the block layer has in flight at once.
                    trouble!(device.label(), "flush: more in flight than hardware queues");
                    rq.end(Status::IOERR);
                    return;
                }
            }
        };
        start(device, action);
    }

    /// Syncs the backing file for the current round, and for those that follow as long as they
    /// need not wait for writes, and it is its turn. Sleeps.
    pub(super) fn run(device: &Arc<Device>) {
        let _io = IoContext::enter();
        for left in (0..TURN).rev() {
            // The machine is in its syncing phase: whoever comes now belongs to the next round.
            let mut round = device.flushes.inner.lock().current.take_all();
            device.stats.syncs.count();
            let Verdict { sync, result } = judge(device, &mut round);
            let (fail_too, released, action) = {
                let mut inner = device.flushes.inner.lock();
                if let Err(error) = sync {
                    // Whoever submits a flush later finds the loss recorded.
                    inner.cursor.failed(clock::now(), errno::to_logic(error));
                }
                let (waiting, action) = inner.epochs.sync_done(sync.is_ok());
                let mut fail_too = RequestList::new();
                match waiting {
                    Waiting::None => {}
                    Waiting::Promoted(place) => {
                        // There is one for each place.
                        if let Some(next) = inner.waiting.get_mut(place) {
                            inner.current = next.take_all();
                        }
                    }
                    // P2: they were accepted before the failure was known, so it is theirs, too.
                    Waiting::Fail => {
                        for flushes in &mut *inner.waiting {
                            fail_too.append(flushes.take_all());
                        }
                    }
                }
                // Those that still must not begin come back.
                (fail_too, inner.held.take_all(), action)
            };
            let status = result.map_or_else(Status::of_flush, |()| Status::OK);
            for rq in round {
                rq.end(status);
            }
            for rq in fail_too {
                rq.end(status);
            }
            lane::accept(device, released);
            match action {
                Action::Sync if left != 0 => {}
                action => return start(device.clone(), action),
            }
        }
    }
}

/// How a round ends.
struct Verdict {
    /// Whether it has found a loss.
    sync: Result,
    /// How its flushes end, by the error policy.
    result: Result,
}

/// Syncs the backing file that the flushes of a round are for. If that finds a loss everybody can
/// know when this returns.
fn judge(device: &Device, round: &mut RequestList<Loop>) -> Verdict {
    let both = |result| Verdict {
        sync: result,
        result,
    };
    let Some(first) = round.pop_front() else {
        return both(Ok(()));
    };
    // The configuration is borrowed from a request, which keeps the device from being detached.
    let verdict = match first.queue_data() {
        Some(binding) => {
            device.health.sync_begins();
            let synced = binding.file.sync_data().map_err(errno::to_logic);
            let position = binding.file.error_cursor();
            let judged = device.flushes.inner.lock().cursor.judge(synced, position);
            let result = device.health.sync_ended(judged);
            let sync = judged.map_err(errno::from_logic);
            if let Err(error) = sync {
                device.stats.failed_syncs.count();
                trouble!(
                    device.label(),
                    "flush: sync of the backing file failed: {:?}",
                    error
                );
                observers::record(&binding.disk, error);
            }
            Verdict {
                sync,
                result: result.map_err(errno::from_logic),
            }
        }
        None => both(Err(EIO)),
    };
    round.push_back(first);
    verdict
}

/// Carries out what the drain has decided; nobody may come in between, as all others take the sync for
/// begun.
fn start(device: Arc<Device>, action: Action) {
    match action {
        Action::Nothing => {}
        Action::Sync => {
            // It is not queued already, which the machine rules out.
            device.enqueue::<{ work::FLUSH }>(device.workqueue(Locality::Anywhere));
        }
    }
}
