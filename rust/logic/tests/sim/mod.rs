// SPDX-License-Identifier: GPL-2.0

//! A driver that uses the drain, and the oracle that watches both.
//!
//! The driver does what a driver does: it keeps tickets and two lists of
//! flushes, and starts fsyncs when told to. The oracle knows nothing of epochs.
//! Writes are numbered as they are accepted. So "all writes accepted before" is
//! a number, and an fsync covers everything below the first write in flight as
//! it begins.

use std::{collections::BTreeMap, mem::take};

use rloop_logic::epoch::{
    Action,
    Epochs,
    FlushMode,
    Full,
    Place,
    Round,
    Ticket,
    Waiting, //
};

/// What can happen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Event {
    AcceptWrite,
    CompleteWrite(usize),
    AcceptFlush,
    SyncDone(bool),
}

/// What the oracle knows of a flush.
#[derive(Debug)]
struct Flush {
    /// How many writes were accepted before it.
    before: usize,
    /// How many fsyncs ended since it was accepted.
    syncs: u32,
    /// Whether it succeeded, once it is completed.
    outcome: Option<bool>,
}

/// Driver and oracle. Two of them with the same `Debug` output behave the same.
#[derive(Debug)]
pub(crate) struct Sim {
    epochs: Epochs<Vec<u32>>,
    /// How many flushes there may be in flight.
    room: usize,
    /// Writes in flight.
    tickets: BTreeMap<usize, Ticket>,
    /// Those that must not begin yet, and how many flushes were accepted before
    /// each.
    held: BTreeMap<usize, usize>,
    /// How many writes were accepted.
    accepted: usize,
    flushes: Vec<Flush>,
    current: Vec<usize>,
    /// Those that wait, by the place of their round.
    waiting: BTreeMap<Place, Vec<usize>>,
    /// How many writes were accepted when the current round began.
    round: usize,
    /// What the running fsync covers.
    sync: Option<usize>,
}

type Verdict = Result<(), String>;

fn require(condition: bool, what: &str) -> Verdict {
    condition.then_some(()).ok_or_else(|| what.to_string())
}

impl Sim {
    /// The state after `events`, with at most `room` flushes in flight at once.
    pub(crate) fn replay(mode: FlushMode, room: usize, events: &[Event]) -> Result<Self, String> {
        let mut sim = Self {
            epochs: Epochs::new(vec![0; room + 1]),
            room,
            tickets: BTreeMap::new(),
            held: BTreeMap::new(),
            accepted: 0,
            flushes: Vec::new(),
            current: Vec::new(),
            waiting: BTreeMap::new(),
            round: 0,
            sync: None,
        };
        sim.epochs.set_mode(mode);
        for &event in events {
            sim.step(event)?;
        }
        Ok(sim)
    }

    /// What can happen now, if there are at most so many writes and flushes.
    pub(crate) fn enabled(&self, writes: usize, flushes: usize) -> Vec<Event> {
        let mut events = Vec::new();
        if self.accepted < writes {
            events.push(Event::AcceptWrite);
        }
        let begun = |write: &usize| !self.held.contains_key(write);
        let writes = self.tickets.keys().copied().filter(begun);
        events.extend(writes.map(Event::CompleteWrite));
        if self.flushes.len() < flushes && self.in_flight() < self.room {
            events.push(Event::AcceptFlush);
        }
        if self.sync.is_some() {
            events.extend([true, false].map(Event::SyncDone));
        }
        events
    }

    /// Lets `event` happen.
    pub(crate) fn step(&mut self, event: Event) -> Verdict {
        match event {
            Event::AcceptWrite => {
                let ticket = self.epochs.accept_write();
                if self.epochs.is_held(&ticket) {
                    require(self.is_barrier(), "P8: a write waits for a flush")?;
                    self.held.insert(self.accepted, self.flushes.len());
                } else {
                    self.begins(self.flushes.len())?;
                }
                self.tickets.insert(self.accepted, ticket);
                self.accepted += 1;
            }
            Event::CompleteWrite(write) => {
                let ticket = self.tickets.remove(&write).expect("a write in flight");
                let action = self.epochs.complete_write(ticket);
                self.act(action)?;
            }
            Event::AcceptFlush => {
                let flush = self.flushes.len();
                self.flushes.push(Flush {
                    before: self.accepted,
                    syncs: 0,
                    outcome: None,
                });
                let (round, action) = self
                    .epochs
                    .accept_flush()
                    .map_err(|Full| "a flush is not accepted".to_string())?;
                match round {
                    Round::Current => {
                        if self.current.is_empty() {
                            self.round = self.accepted;
                        }
                        self.current.push(flush);
                    }
                    Round::Next(place) => {
                        require(!self.current.is_empty(), "waits for a round there is not")?;
                        require(place <= self.room, "there is no such place")?;
                        self.waiting.entry(place).or_default().push(flush);
                    }
                }
                self.act(action)?;
            }
            Event::SyncDone(ok) => self.sync_done(ok)?,
        }
        // What there is only in a round.
        require(
            self.sync.is_none() || !self.current.is_empty(),
            "an fsync for nobody",
        )
    }

    fn act(&mut self, action: Action) -> Verdict {
        if action == Action::Sync {
            require(self.sync.is_none(), "two fsyncs at once")?;
            let first = self.tickets.keys().next().copied();
            self.sync = Some(first.unwrap_or(self.accepted));
        }
        Ok(())
    }

    fn sync_done(&mut self, ok: bool) -> Verdict {
        let covered = self.sync.take().expect("a running fsync");
        for flush in &mut self.flushes {
            if flush.outcome.is_none() {
                flush.syncs += 1;
            }
        }
        let (waiting, action) = self.epochs.sync_done(ok);
        for flush in take(&mut self.current) {
            self.complete(flush, ok, covered)?;
        }
        match waiting {
            Waiting::None => require(self.waiting.is_empty(), "waiting flushes are forgotten")?,
            Waiting::Promoted(place) => {
                let next = self.waiting.remove(&place);
                self.current = next.ok_or("nobody is promoted")?;
                // With barriers it depends on those only that were accepted before its flushes.
                let flush = self.current.last().filter(|_| self.is_barrier());
                self.round = flush.map_or(self.accepted, |&flush| self.flushes[flush].before);
            }
            Waiting::Fail => {
                require(!self.waiting.is_empty(), "nobody fails")?;
                require(!ok, "waiting flushes fail for nothing")?;
                for flush in take(&mut self.waiting).into_values().flatten() {
                    self.complete(flush, false, covered)?;
                }
            }
        }
        if !ok {
            // P2, whatever the lists say.
            require(
                self.flushes.iter().all(|flush| flush.outcome.is_some()),
                "P2: a flush survives a failed fsync",
            )?;
        }
        self.act(action)?;
        // What was held may begin, unless there is another flush that it must not overtake.
        for (write, before) in take(&mut self.held) {
            if self.epochs.is_held(&self.tickets[&write]) {
                require(
                    self.begins(before).is_err(),
                    "a write is held after its round",
                )?;
                self.held.insert(write, before);
            } else {
                self.begins(before)?;
            }
        }
        Ok(())
    }

    /// How many flushes are in flight.
    fn in_flight(&self) -> usize {
        let pending = self.flushes.iter().filter(|flush| flush.outcome.is_none());
        pending.count()
    }

    fn is_barrier(&self) -> bool {
        self.epochs.mode() == FlushMode::Barrier
    }

    /// A write begins that was accepted after so many flushes.
    fn begins(&self, before: usize) -> Verdict {
        let mut before = self.flushes.iter().take(before);
        require(
            !self.is_barrier() || before.all(|flush| flush.outcome.is_some()),
            "a write overtakes a flush",
        )
    }

    fn complete(&mut self, flush: usize, ok: bool, covered: usize) -> Verdict {
        let barrier = self.is_barrier();
        let flush = &mut self.flushes[flush];
        require(flush.outcome.is_none(), "a flush completes twice")?;
        // With barriers it comes after those before it.
        require(
            barrier || flush.syncs <= 2,
            "P8: a flush waits for three fsyncs",
        )?;
        if ok {
            require(
                flush.before <= covered,
                "P1: the fsync began before a write completed",
            )?;
        }
        flush.outcome = Some(ok);
        Ok(())
    }

    /// Completes writes that were accepted as one of the first `below`.
    fn complete_writes(&mut self, below: usize) -> Verdict {
        let writes: Vec<_> = self
            .tickets
            .range(..below)
            .map(|(&write, _)| write)
            .filter(|write| !self.held.contains_key(write))
            .collect();
        writes
            .into_iter()
            .try_for_each(|write| self.step(Event::CompleteWrite(write)))
    }

    /// The current round ends though no write that was accepted since it began
    /// does, and the next round begins (P8).
    pub(crate) fn round_ends_without_later_writes(mut self) -> Verdict {
        if self.current.is_empty() {
            return require(
                self.waiting.is_empty() && self.sync.is_none(),
                "there is something to do, but no round",
            );
        }
        self.step(Event::AcceptWrite)?;
        self.complete_writes(self.round)?;
        require(self.sync.is_some(), "P8: a round waits for a later write")?;
        let (current, waiting) = (self.current.clone(), self.waiting.clone());
        self.step(Event::SyncDone(true))?;
        require(
            current
                .iter()
                .all(|&flush| self.flushes[flush].outcome == Some(true)),
            "a flush does not end with its round",
        )?;
        // The next is that of the flush that has waited longest.
        let next = waiting.into_values().min().unwrap_or_default();
        require(self.current == next, "the next round does not begin")
    }

    /// Once all writes complete, all flushes do.
    pub(crate) fn all_ends(mut self) -> Verdict {
        self.complete_writes(self.accepted)?;
        while self.sync.is_some() {
            self.step(Event::SyncDone(true))?;
            self.complete_writes(self.accepted)?;
        }
        require(self.tickets.is_empty(), "a write never completes")?;
        require(
            self.flushes.iter().all(|flush| flush.outcome.is_some()),
            "a flush never completes",
        )
    }
}
