// SPDX-License-Identifier: GPL-2.0

//! P7: requests whose ranges overlap take effect in the order they were accepted.
//!
//! Which request waits for which is decided by [`crate::logic::overlap`]; here its decisions are
//! carried out: a request that has to wait is parked, and goes to its lane when those before it have
//! taken effect.

use super::{flush::Flushes, log::trouble, loop_driver::Loop};
use crate::{
    block::{Request, RequestList},
    core::irq_lock::{IrqGuard, IrqLock},
    logic::{
        overlap::{Access, Misuse, Node, Order, Verdict},
        pace::{Mistake, Pace},
        units::{Bytes, Sectors},
    },
    new_irq_lock,
};
use kernel::prelude::*;

/// The machine and what it needs, for as many requests as a bound device can have in flight.
pub(crate) struct Table {
    order: Order<KVec<Node>>,
    /// Requests that wait, by slot.
    parked: KVec<Option<Request<Loop>>>,
    /// How they come.
    pace: Pace,
}

impl Table {
    /// For `slots` requests. May sleep.
    pub(super) fn new(slots: u32) -> Result<KBox<Self>> {
        let slots = slots as usize;
        let mut nodes = KVec::with_capacity(slots, GFP_KERNEL)?;
        let mut parked = KVec::with_capacity(slots, GFP_KERNEL)?;
        for _ in 0..slots {
            nodes.push(Node::IDLE, GFP_KERNEL)?;
            parked.push(None, GFP_KERNEL)?;
        }
        Ok(KBox::new(
            Self {
                order: Order::new(nodes),
                parked,
                pace: Pace::new(),
            },
            GFP_KERNEL,
        )?)
    }
}

/// The requests of a device that are accepted and have not taken effect.
#[pin_data]
pub(crate) struct InOrder {
    #[pin]
    table: IrqLock<Option<KBox<Table>>>,
}

/// What became of a request that was accepted.
pub(super) enum Accepted {
    /// It may be executed at once.
    Ready {
        rq: Request<Loop>,
        /// It is to be executed where it comes from, see [`Pace::accept`].
        alone: bool,
    },
    /// It waits for others, and comes back from [`InOrder::complete`] of the last of them.
    Parked,
}

impl InOrder {
    /// None, and no room for any.
    pub(super) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            table <- new_irq_lock!(None, "rloop::order"),
        })
    }

    /// Makes room for as many requests as the table is for, or none. Only while no request is in
    /// flight. Returns the old table, to be dropped where that may sleep.
    pub(super) fn set(&self, table: Option<KBox<Table>>) -> Option<KBox<Table>> {
        core::mem::replace(&mut *self.table.lock(), table)
    }

    /// Takes a request that is no flush, with a ticket if it is a change. Any context.
    pub(super) fn accept(&self, mut rq: Request<Loop>, flushes: &Flushes) -> Accepted {
        if !rq.op().is_change() {
            return Self::place(self.table.lock(), rq, Access::Read);
        }
        // LOCKING: The flushes' lock within this one, and nowhere the other way round.
        //
        // The ticket and the place in the order at once. Of two writes that overlap the one with
        // the earlier ticket would else come to wait for the other, and the other, if it must not
        // overtake a flush, for the flush that waits for the first.
        let table = self.table.lock();
        if !cfg!(rloop_without_drain) {
            let (ticket, barrier) = flushes.accept_write();
            let data = rq.data().driver();
            data.ticket = Some(ticket);
            data.barrier = barrier;
        }
        Self::place(table, rq, Access::Write)
    }

    /// Gives a request its place. Any context.
    fn place(
        mut guard: IrqGuard<'_, Option<KBox<Table>>>,
        mut rq: Request<Loop>,
        access: Access,
    ) -> Accepted {
        if cfg!(rloop_without_order) {
            return Accepted::Ready { rq, alone: false };
        }
        let start = Sectors::new(rq.sector());
        let length = Bytes::new(u64::from(rq.bytes())).to_sectors();
        let (Some(slot), Some(table)) = (rq.slot(), Option::as_mut(&mut *guard)) else {
            // Not bound: it will fail. (There is a slot for each tag.)
            return Accepted::Ready { rq, alone: false };
        };
        match table.order.accept(slot, access, start, length) {
            Ok(Verdict::Ready) => {
                rq.data().driver().ordered = true;
                let alone = table.pace.accept();
                rq.data().driver().one_at_a_time = table.pace.is_one_at_a_time();
                Accepted::Ready { rq, alone }
            }
            Ok(Verdict::Waits) => {
                rq.data().driver().ordered = true;
                table.pace.accept();
                match table.parked.get_mut(usize::from(slot)) {
                    Some(place) => {
                        *place = Some(rq);
                        Accepted::Parked
                    }
                    // There is a place for each slot of the order.
                    None => Accepted::Ready { rq, alone: false },
                }
            }
            Err(Misuse::NoSuchSlot | Misuse::InFlight | Misuse::Idle) => {
                // Each request in flight has a slot of its own, by its tag.
                drop(guard);
                trouble!(
                    rq.device().label(),
                    "request slot {} is out of order; its request is not ordered",
                    slot
                );
                Accepted::Ready { rq, alone: false }
            }
        }
    }

    /// A request was executed where it came from, and should not have been. Any context.
    pub(super) fn was_misplaced(&self, mistake: Mistake) {
        if let Some(table) = Option::as_mut(&mut *self.table.lock()) {
            table.pace.was_misplaced(mistake);
        }
    }

    /// A request that was accepted has taken effect, or failed. Returns those that may be executed
    /// now. Any context.
    pub(super) fn complete(&self, slot: u16) -> RequestList<Loop> {
        let mut released = RequestList::new();
        if let Some(table) = Option::as_mut(&mut *self.table.lock()) {
            let Table {
                order,
                parked,
                pace,
            } = &mut **table;
            pace.complete();
            // It was accepted, so it can be completed.
            let _ = order.complete(slot, |slot| {
                if let Some(rq) = parked.get_mut(usize::from(slot)).and_then(Option::take) {
                    released.push_back(rq);
                }
            });
        }
        released
    }
}
