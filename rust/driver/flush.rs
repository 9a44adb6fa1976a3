// SPDX-License-Identifier: GPL-2.0

//! Flushes: the drain, and the one place that syncs the backing file for them.
//!
//! No thread waits for writes in flight. Which flush has to wait for what is decided by
//! [`Epochs`]; here its decisions are carried out.

use super::{
    device::{work, Device},
    log::trouble,
    loop_driver::Loop,
};
use crate::{
    block::{Request, RequestList, Status},
    core::{context::IoContext, irq_lock::IrqLock},
    logic::epoch::{Action, Epochs, Round, Ticket, Waiting},
    new_irq_lock,
};
use kernel::{prelude::*, sync::Arc};

struct Inner {
    epochs: Epochs,
    /// The flushes of the round under way; empty while its fsync is running.
    current: RequestList<Loop>,
    /// Those of the round after.
    next: RequestList<Loop>,
    /// An error of the backing file that was met between flushes, and is theirs to tell.
    loss: Option<Error>,
}

/// The flushes of a device that wait.
#[pin_data]
pub(crate) struct Flushes {
    #[pin]
    inner: IrqLock<Inner>,
}

impl Flushes {
    /// None.
    pub(super) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            inner <- new_irq_lock!(
                Inner {
                    epochs: Epochs::new(),
                    current: RequestList::new(),
                    next: RequestList::new(),
                    loss: None,
                },
                "rloop::flushes"
            ),
        })
    }

    /// A write is accepted: flushes accepted later will wait for it. Any context.
    pub(super) fn accept_write(&self) -> Ticket {
        self.inner.lock().epochs.accept_write()
    }

    /// A write is done, successfully or not. Any context.
    pub(super) fn complete_write(device: Arc<Device>, ticket: Ticket) {
        let action = device.flushes.inner.lock().epochs.complete_write(ticket);
        start(device, action);
    }

    /// An error of the backing file was met by something else than a flush: the next flush fails
    /// with it. The first is kept. Any context.
    pub(super) fn note_loss(&self, error: Error) {
        self.inner.lock().loss.get_or_insert(error);
    }

    /// A flush is accepted. Any context.
    pub(super) fn accept_flush(device: Arc<Device>, rq: Request<Loop>) {
        device.stats.flushes.count();
        let action = {
            let mut inner = device.flushes.inner.lock();
            let (round, action) = inner.epochs.accept_flush();
            match round {
                Round::Current => inner.current.push_back(rq),
                Round::Next => inner.next.push_back(rq),
            }
            action
        };
        start(device, action);
    }

    /// Syncs the backing file for the current round, and for those that follow as long as they
    /// need not wait for writes. Sleeps.
    pub(super) fn run(device: &Device) {
        let _io = IoContext::enter();
        loop {
            // The machine is in its syncing phase: whoever comes now belongs to the next round.
            let mut round = device.flushes.inner.lock().current.take_all();
            device.stats.syncs.count();
            let synced = sync(&mut round);
            // What was noted before the sync has returned is covered by this round.
            let loss = device.flushes.inner.lock().loss.take();
            let result = synced.and(loss.map_or(Ok(()), Err));
            if let Err(error) = result {
                device.stats.failed_syncs.count();
                trouble!(
                    device.label(),
                    "flush: sync of the backing file failed: {:?}",
                    error
                );
            }

            let (fail_too, action) = {
                let mut inner = device.flushes.inner.lock();
                let (waiting, action) = inner.epochs.sync_done(result.is_ok());
                let next = match waiting {
                    Waiting::None => RequestList::new(),
                    Waiting::Promoted => {
                        inner.current = inner.next.take_all();
                        RequestList::new()
                    }
                    // P2: they were accepted before the failure was known, so it is theirs, too.
                    Waiting::Fail => inner.next.take_all(),
                };
                (next, action)
            };
            let status = match result {
                Ok(()) => Status::OK,
                Err(error) => Status::from(error),
            };
            for rq in round {
                rq.end(status);
            }
            for rq in fail_too {
                rq.end(status);
            }
            match action {
                Action::Sync => continue,
                Action::Nothing => break,
            }
        }
    }
}

/// Syncs the backing file that the flushes of a round are for.
fn sync(round: &mut RequestList<Loop>) -> Result {
    let Some(first) = round.pop_front() else {
        return Ok(());
    };
    // The file is borrowed from a request, which keeps the device from being detached.
    let result = match first.queue_data() {
        Some(binding) => binding.file.sync_data(),
        None => Err(EIO),
    };
    round.push_back(first);
    result
}

/// Carries out what the drain has decided.
fn start(device: Arc<Device>, action: Action) {
    match action {
        Action::Nothing => {}
        Action::Sync => {
            let queue = &device.shared.clone().workers;
            // `Err` means that it is queued already, which the machine rules out.
            let _ = queue.enqueue::<Arc<Device>, { work::FLUSH }>(device);
        }
    }
}
