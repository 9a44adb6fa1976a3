// SPDX-License-Identifier: GPL-2.0

//! Barriers and the order of overlapping writes together. A write gets its ticket
//! and its place in the order at once. (If another write came in between two that
//! overlap could wait for each other: the one for the flush that waits for the
//! other.)

use proptest::prelude::*;
use rloop_logic::{
    epoch::{
        Action,
        Epochs,
        FlushMode,
        Ticket, //
    },
    overlap::{
        Access,
        Node,
        Order,
        Verdict, //
    },
    units::Sectors, //
};

const WRITES: usize = 4;
/// That there may be in flight at once.
const FLUSHES: usize = 3;

#[derive(Clone, Copy, Debug)]
enum Event {
    /// A write is accepted.
    Accept(usize),
    Flush,
    /// It is executed, if it may be.
    Complete(usize),
    SyncDone,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        (0..WRITES).prop_map(Event::Accept),
        Just(Event::Flush),
        (0..WRITES).prop_map(Event::Complete),
        Just(Event::SyncDone),
    ]
}

#[derive(Default)]
struct Write {
    ticket: Option<Ticket>,
    /// It is parked in the order.
    waits: bool,
}

struct Device {
    epochs: Epochs<Vec<u32>>,
    order: Order<Vec<Node>>,
    writes: [Write; WRITES],
    syncing: bool,
}

impl Device {
    fn step(&mut self, event: Event) {
        match event {
            Event::Accept(number) => {
                let write = &mut self.writes[number];
                if write.ticket.is_some() {
                    return;
                }
                write.ticket = Some(self.epochs.accept_write());
                let (slot, sectors) = (number as u16, Sectors::new(8));
                let start = Sectors::new(0);
                let verdict = self.order.accept(slot, Access::Write, start, sectors);
                write.waits = verdict == Ok(Verdict::Waits);
            }
            Event::Flush => {
                let accepted = self.epochs.accept_flush();
                self.syncing |= accepted.is_ok_and(|(_, action)| action == Action::Sync);
            }
            Event::Complete(number) => {
                let write = &mut self.writes[number];
                if write.waits {
                    return;
                }
                let Some(ticket) = write.ticket.take_if(|ticket| !self.epochs.is_held(ticket))
                else {
                    return;
                };
                let mut ready = Vec::new();
                let completed = self.order.complete(number as u16, |slot| ready.push(slot));
                assert_eq!(completed, Ok(()));
                for slot in ready {
                    self.writes[usize::from(slot)].waits = false;
                }
                self.syncing |= self.epochs.complete_write(ticket) == Action::Sync;
            }
            Event::SyncDone => {
                if self.syncing {
                    self.syncing = self.epochs.sync_done(true).1 == Action::Sync;
                }
            }
        }
    }
}

proptest! {
    /// Nothing waits in a circle: what was accepted completes.
    #[test]
    fn all_ends(events in prop::collection::vec(event(), 0..40)) {
        let mut device = Device {
            epochs: Epochs::new(vec![0; FLUSHES + 1]),
            order: Order::new(vec![Node::IDLE; WRITES]),
            writes: Default::default(),
            syncing: false,
        };
        device.epochs.set_mode(FlushMode::Barrier);
        for event in events {
            device.step(event);
        }
        // Each turn ends a write or a round, if anything can go on.
        for _ in 0..3 * WRITES {
            for number in 0..WRITES {
                device.step(Event::Complete(number));
            }
            device.step(Event::SyncDone);
        }
        prop_assert!(device.writes.iter().all(|write| write.ticket.is_none()), "a write waits for ever");
    }
}
