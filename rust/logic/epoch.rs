// SPDX-License-Identifier: GPL-2.0

//! The drain: which writes a flush waits for, and when the fsync runs.
//!
//! A "write" is every request that changes the backing file: write, discard,
//! write zeroes. A "flush" is a request that makes writes durable by an fsync of
//! the backing file. The promises (see the design's contract):
//!
//! - P1: a flush succeeds only if all writes accepted before it completed, and
//!   an fsync that began after that succeeded.
//! - P2: if an fsync fails, all flushes accepted by its end fail, for it may have
//!   taken away the error that theirs would have met.
//! - P8: no write waits for a flush, and a flush does not wait for writes that
//!   are accepted once its round has begun.
//!
//! # The machine
//!
//! Each write belongs to the epoch that was open when it was accepted. A
//! *round* closes this epoch and opens the other one, waits until the closed
//! epoch has no more writes in flight, and then runs one fsync for all flushes
//! of the round. A flush that comes too late to be in the running round waits
//! for the next one, which begins when the running one ends.
//!
//! | event                 | Idle                            | Draining | Syncing |
//! |-----------------------|---------------------------------|----------|---------|
//! | write accepted        | open epoch + 1                  | same     | same    |
//! | write of open epoch done   | open epoch - 1             | same     | same    |
//! | write of closed epoch done | cannot be                  | closed epoch - 1; if 0: **Syncing**, fsync | cannot be |
//! | flush accepted        | Current, epoch closed: **Draining**, or **Syncing**, fsync, if no write is in flight | Current if the open epoch has no write in flight, else Next | Next |
//! | fsync succeeded       | cannot be                       | cannot be | if one is waiting: Promoted, epoch closed: **Draining** or **Syncing**, fsync; else **Idle** |
//! | fsync failed          | cannot be                       | cannot be | waiting ones fail; **Idle** |
//!
//! Two epochs are enough: when a round ends its epoch is empty, and becomes the
//! open one as the next round closes the other. The fsync runs in Syncing only,
//! and that is entered by starting it and left by its end. So there is never
//! more than one.
//!
//! A flush may be Current in Draining when the open epoch has no write in
//! flight: what was accepted into it has completed, and the fsync has not begun.
//!
//! A flush has to wait for at most two fsyncs: the running one and its own. What
//! it pays for that: a Next flush also waits for the writes that are accepted
//! after it, but before the running round ends. The running round does not
//! depend on them, so their number is bounded. No later write can delay it.
//!
//! # Barriers
//!
//! In the mode [`FlushMode::Barrier`] a write that is accepted during a round is
//! *held*: it must not begin before the round has ended. It has its ticket
//! already, so that a flush that waits for the next round will wait for it, too.
//! A write that comes after such a flush would have to be held until that one's
//! round has ended, but is not in its epoch. So it is not accepted: it comes
//! again later.
//!
//! # Locking
//!
//! One lock of the caller's guards the whole machine. The driver takes it within
//! that of the [order](super::overlap) of overlapping requests, which every request
//! has to take anyway. Counters per CPU, as in SRCU, would save part of what the
//! drain costs, which is about 1 % of the instructions of a write
//! (`scripts/bench-cost`).

use ::core::{
    mem,
    num::NonZeroU32, //
};

/// What a flush means for the writes that come after it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum FlushMode {
    /// Nothing.
    #[default]
    Drain,
    /// They begin when it has ended.
    Barrier,
}

impl FlushMode {
    /// What [`parse`](Self::parse) takes, for messages.
    pub const ALLOWED: &'static str = "drain, barrier";

    /// The mode of that name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Drain, Self::Barrier]
            .into_iter()
            .find(|mode| mode.as_str() == name)
    }

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Drain => "drain",
            Self::Barrier => "barrier",
        }
    }
}

/// One of the two epochs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Side {
    Even,
    Odd,
}

impl Side {
    const fn other(self) -> Self {
        match self {
            Self::Even => Self::Odd,
            Self::Odd => Self::Even,
        }
    }
}

/// What a write holds from the moment it is accepted until it completes: its
/// place in an epoch.
///
/// It must be handed to [`Epochs::complete_write`] of the machine it came from,
/// whether the write succeeded or not. If it is lost no flush completes any
/// more.
#[derive(Debug)]
#[must_use = "a write that is never completed holds up all flushes"]
pub struct Ticket(Side);

/// Which round a flush belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use = "a flush has to be remembered until its round ends"]
pub enum Round {
    /// The one under way: the flush shares the outcome of the next
    /// [`Epochs::sync_done`].
    Current,
    /// The one after: see [`Waiting`].
    Next,
}

/// What becomes, at the end of a round, of the flushes waiting for the next one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use = "waiting flushes are never told otherwise"]
pub enum Waiting {
    /// There are none.
    None,
    /// The next round is theirs and begins now: they are Current.
    Promoted,
    /// They fail with the error of the fsync that just failed.
    Fail,
}

/// What the caller has to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use = "an fsync that is not started holds up all flushes"]
pub enum Action {
    /// Nothing.
    Nothing,
    /// Start the fsync of the backing file, and report its end by
    /// [`Epochs::sync_done`]. It must not begin earlier than this. No other one
    /// is running.
    Sync,
}

/// Where the machine is. `waiting` tells whether any flush waits for the next
/// round.
#[derive(Debug)]
enum Phase {
    /// There is no round.
    Idle,
    /// The round waits for the writes of its epoch.
    Draining {
        /// How many of them are in flight.
        writes: NonZeroU32,
        waiting: bool,
    },
    /// The round waits for its fsync.
    Syncing { waiting: bool },
}

/// The drain of one device.
#[derive(Debug)]
pub struct Epochs {
    /// The epoch that writes are accepted into.
    open: Side,
    /// How many writes of it are in flight.
    ///
    /// Each is a request with a tag of its own, and tags are `u32`s. So this
    /// cannot overflow, and saturating arithmetic is exact.
    writes: u32,
    phase: Phase,
    mode: FlushMode,
}

impl Default for Epochs {
    fn default() -> Self {
        Self::new()
    }
}

impl Epochs {
    /// No write or flush is in flight.
    pub const fn new() -> Self {
        Self {
            open: Side::Even,
            writes: 0,
            phase: Phase::Idle,
            mode: FlushMode::Drain,
        }
    }

    /// The mode in force.
    pub const fn mode(&self) -> FlushMode {
        self.mode
    }

    /// Another mode. Only while no write or flush is in flight.
    pub fn set_mode(&mut self, mode: FlushMode) {
        self.mode = mode;
    }

    /// A write is accepted, unless it has to come again when a round has ended.
    /// The latter happens with barriers only, as does that it
    /// [`is_held`](Self::is_held).
    pub fn accept_write(&mut self) -> Option<Ticket> {
        if let (
            FlushMode::Barrier,
            Phase::Draining { waiting: true, .. } | Phase::Syncing { waiting: true },
        ) = (self.mode, &self.phase)
        {
            return None;
        }
        self.writes = self.writes.saturating_add(1);
        Some(Ticket(self.open))
    }

    /// Whether a write that was accepted must not begin before a round has ended.
    /// When one has, none is held that was accepted before.
    pub fn is_held(&self, ticket: &Ticket) -> bool {
        // What was accepted before the round began is in the closed epoch.
        self.mode == FlushMode::Barrier
            && ticket.0 == self.open
            && !matches!(self.phase, Phase::Idle)
    }

    /// A write completed, with or without an error.
    pub fn complete_write(&mut self, ticket: Ticket) -> Action {
        if ticket.0 == self.open {
            self.writes = self.writes.saturating_sub(1);
            return Action::Nothing;
        }
        // Tickets of the closed epoch exist in Draining only, as many as there
        // are writes.
        if let Phase::Draining { writes, waiting } = &mut self.phase {
            match NonZeroU32::new(writes.get().saturating_sub(1)) {
                Some(rest) => *writes = rest,
                None => {
                    self.phase = Phase::Syncing { waiting: *waiting };
                    return Action::Sync;
                }
            }
        }
        Action::Nothing
    }

    /// A flush is accepted.
    pub fn accept_flush(&mut self) -> (Round, Action) {
        match &mut self.phase {
            Phase::Idle => (Round::Current, self.close()),
            // Nothing that was accepted is in flight, except for what the round
            // waits for anyway.
            Phase::Draining { .. } if self.writes == 0 => (Round::Current, Action::Nothing),
            // An fsync that has begun may miss what completed meanwhile.
            Phase::Draining { waiting, .. } | Phase::Syncing { waiting } => {
                *waiting = true;
                (Round::Next, Action::Nothing)
            }
        }
    }

    /// The fsync ended; `ok` tells whether it succeeded.
    ///
    /// All flushes of the current round end with its outcome. The first result
    /// tells what becomes of those that wait for the next round.
    pub fn sync_done(&mut self, ok: bool) -> (Waiting, Action) {
        let waiting = match self.phase {
            Phase::Syncing { waiting } => waiting,
            // No fsync was asked for, so there is none that could have ended.
            Phase::Idle | Phase::Draining { .. } => return (Waiting::None, Action::Nothing),
        };
        self.phase = Phase::Idle;
        match (waiting, ok) {
            (false, _) => (Waiting::None, Action::Nothing),
            (true, true) => (Waiting::Promoted, self.close()),
            (true, false) => (Waiting::Fail, Action::Nothing),
        }
    }

    /// Begins a round: closes the open epoch and opens the other one, which is
    /// empty as there is no round.
    fn close(&mut self) -> Action {
        self.open = self.open.other();
        match NonZeroU32::new(mem::take(&mut self.writes)) {
            Some(writes) => {
                self.phase = Phase::Draining {
                    writes,
                    waiting: false,
                };
                Action::Nothing
            }
            None => {
                self.phase = Phase::Syncing { waiting: false };
                Action::Sync
            }
        }
    }
}
