// SPDX-License-Identifier: GPL-2.0

//! A driver that uses the order, the disk below it, and the oracle that watches
//! both.
//!
//! The oracle knows neither regions nor counts. It compares each request with
//! all others in flight, and says which have to wait and which become ready. In
//! the end it executes all requests once more, one after the other as they were
//! accepted, and compares what was read and what is left on the disk.
//!
//! The disk has a few cells of different sizes. Requests begin and end where
//! cells do, and a request is transferred cell by cell, at any time while it may
//! be.

use rloop_logic::{
    overlap::{
        Access,
        Misuse,
        Node,
        Order,
        Verdict, //
    },
    units::Sectors,
};

/// What a request is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Request {
    pub(crate) access: Access,
    /// The first cell.
    pub(crate) from: usize,
    /// The first cell beyond.
    pub(crate) to: usize,
}

/// What can happen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Event {
    /// Accepted, in a slot that is idle.
    Accept(u16, Request),
    /// One more cell of the request in this slot is transferred.
    Transfer(u16),
    /// All of its cells are transferred, and it completes. One that waits
    /// completes without ever having begun.
    Complete(u16),
}

struct Accepted {
    slot: u16,
    request: Request,
    /// Whether it may transfer its cells.
    begun: bool,
    /// What it wrote or read so far.
    cells: Vec<usize>,
}

/// Driver, disk and oracle.
pub(crate) struct Sim {
    order: Order<Vec<Node>>,
    /// The sectors where cells begin, and where the last one ends.
    bounds: Vec<u64>,
    /// All requests, as they were accepted.
    accepted: Vec<Accepted>,
    /// Those in flight, as they were accepted.
    in_flight: Vec<usize>,
    /// Which request is in a slot.
    slots: Vec<Option<usize>>,
    /// Which request wrote a cell.
    disk: Vec<usize>,
}

type Outcome = Result<(), String>;

fn require(condition: bool, what: impl FnOnce() -> String) -> Outcome {
    condition.then_some(()).ok_or_else(what)
}

/// What is on the disk before anything was written.
const NOBODY: usize = usize::MAX;

impl Sim {
    pub(crate) fn new(bounds: Vec<u64>, slots: u16) -> Self {
        let mut sim = Self {
            order: Order::new(vec![Node::IDLE; slots.into()]),
            bounds,
            accepted: Vec::new(),
            in_flight: Vec::new(),
            slots: vec![None; slots.into()],
            disk: Vec::new(),
        };
        sim.format();
        sim
    }

    /// Everything begins anew, but for the order, of which nobody can tell that
    /// it was used before.
    pub(crate) fn format(&mut self) {
        assert!(self.in_flight.is_empty());
        self.accepted.clear();
        self.disk = vec![NOBODY; self.cells()];
    }

    pub(crate) fn cells(&self) -> usize {
        self.bounds.len() - 1
    }

    /// The slots of requests that may begin, or of those that wait.
    pub(crate) fn busy(&self, begun: bool) -> Vec<u16> {
        self.in_flight
            .iter()
            .map(|&number| &self.accepted[number])
            .filter(|accepted| accepted.begun == begun)
            .map(|accepted| accepted.slot)
            .collect()
    }

    /// A cell may have no sectors. Nothing can be written to it then.
    fn has_sectors(&self, cell: usize) -> bool {
        self.bounds[cell] < self.bounds[cell + 1]
    }

    fn conflict(&self, a: Request, b: Request) -> bool {
        let either_writes = a.access == Access::Write || b.access == Access::Write;
        either_writes && (a.from.max(b.from)..a.to.min(b.to)).any(|cell| self.has_sectors(cell))
    }

    /// Whether one in flight that was accepted before this number conflicts.
    fn must_wait(&self, number: usize, request: Request) -> bool {
        self.in_flight
            .iter()
            .take_while(|&&earlier| earlier < number)
            .any(|&earlier| self.conflict(self.accepted[earlier].request, request))
    }

    fn call_accept(&mut self, slot: u16, request: Request) -> Result<Verdict, Misuse> {
        let start = self.bounds[request.from];
        let sectors = self.bounds[request.to] - start;
        let (start, sectors) = (Sectors::new(start), Sectors::new(sectors));
        self.order.accept(slot, request.access, start, sectors)
    }

    /// Lets `event` happen.
    pub(crate) fn step(&mut self, event: Event) -> Outcome {
        match event {
            Event::Accept(slot, request) => self.accept(slot, request),
            Event::Transfer(slot) => {
                self.transfer(slot);
                Ok(())
            }
            Event::Complete(slot) => self.complete(slot),
        }
    }

    fn accept(&mut self, slot: u16, request: Request) -> Outcome {
        let number = self.accepted.len();
        let expected = match self.must_wait(number, request) {
            true => Verdict::Waits,
            false => Verdict::Ready,
        };
        let verdict = self.call_accept(slot, request);
        require(verdict == Ok(expected), || {
            format!("P7: {request:?} is {verdict:?}, not {expected:?}")
        })?;
        self.slots[usize::from(slot)] = Some(number);
        self.in_flight.push(number);
        self.accepted.push(Accepted {
            slot,
            request,
            begun: expected == Verdict::Ready,
            cells: Vec::new(),
        });
        // The slot is taken. To be told so changes nothing.
        let again = self.call_accept(slot, request);
        require(again == Err(Misuse::InFlight), || {
            "a slot is used twice".to_string()
        })
    }

    /// Transfers one more cell, if there is one. Some requests begin with their
    /// last one.
    fn transfer(&mut self, slot: u16) -> bool {
        let number = self.slots[usize::from(slot)].expect("a request");
        let accepted = &self.accepted[number];
        let Request { access, from, to } = accepted.request;
        let done = accepted.cells.len();
        if !accepted.begun || from + done >= to {
            return false;
        }
        let cell = match number % 2 {
            0 => from + done,
            _ => to - done - 1,
        };
        if access == Access::Write && self.has_sectors(cell) {
            self.disk[cell] = number;
        }
        self.accepted[number].cells.push(self.disk[cell]);
        true
    }

    fn complete(&mut self, slot: u16) -> Outcome {
        while self.transfer(slot) {}
        let number = self.slots[usize::from(slot)].take().expect("a request");
        self.in_flight.retain(|&other| other != number);

        let expected: Vec<_> = self
            .in_flight
            .iter()
            .map(|&number| (number, &self.accepted[number]))
            .filter(|(_, accepted)| !accepted.begun)
            .filter(|(number, accepted)| !self.must_wait(*number, accepted.request))
            .map(|(_, accepted)| accepted.slot)
            .collect();
        let mut ready = Vec::new();
        let result = self.order.complete(slot, |slot| ready.push(slot));
        require(result == Ok(()), || format!("slot {slot}: {result:?}"))?;
        require(ready == expected, || {
            format!("P7: slots {ready:?} become ready, not {expected:?}")
        })?;
        for slot in expected {
            let number = self.slots[usize::from(slot)].expect("a request");
            self.accepted[number].begun = true;
        }
        let again = self.order.complete(slot, |slot| ready.push(slot));
        require(again == Err(Misuse::Idle), || {
            "a request completes twice".to_string()
        })
    }

    /// All was as if each request had been executed when it was accepted.
    pub(crate) fn is_sequential(&self) -> Outcome {
        let mut disk = vec![NOBODY; self.cells()];
        for (
            number,
            Accepted {
                request,
                cells,
                begun,
                ..
            },
        ) in self.accepted.iter().enumerate()
        {
            // Some completed though they had to wait.
            if !begun {
                continue;
            }
            let &Request { access, from, to } = request;
            if access == Access::Write {
                for cell in (from..to).filter(|&cell| self.has_sectors(cell)) {
                    disk[cell] = number;
                }
            }
            let mut expected = disk[from..to].to_vec();
            if number % 2 != 0 {
                expected.reverse();
            }
            require(*cells == expected, || {
                format!("P7: request {number} met {cells:?}, not {expected:?}")
            })?;
        }
        require(disk == self.disk, || {
            format!("P7: the disk has {:?}, not {disk:?}", self.disk)
        })
    }
}
