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
//! *round* closes this epoch and opens the next one, waits until the closed
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
//! The fsync runs in Syncing only, and that is entered by starting it and left by
//! its end. So there is never more than one.
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
//! *held*: it must not begin before the round has ended. One that comes after a
//! flush that waits must not begin before that one's round has ended. So a flush
//! that waits closes its epoch when it is accepted, and there may be a row of
//! rounds that wait, each for a flush that came after a write that came after the
//! flush before. A flush has to wait for those before it then, as their writes do.
//!
//! If an fsync fails, which ends all of these flushes, their epochs become one, the
//! open one.
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
    num::NonZeroU32,
    ops::DerefMut, //
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

/// What a write holds from the moment it is accepted until it completes: its
/// place in an epoch.
///
/// It must be handed to [`Epochs::complete_write`] of the machine it came from,
/// whether the write succeeded or not. If it is lost no flush completes any
/// more.
#[derive(Debug)]
#[must_use = "a write that is never completed holds up all flushes"]
pub struct Ticket(u64);

/// Which round a flush belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use = "a flush has to be remembered until its round ends"]
pub enum Round {
    /// The one under way: the flush shares the outcome of the next
    /// [`Epochs::sync_done`].
    Current,
    /// One after that, the one of this number: see [`Waiting`].
    Next(Place),
}

/// A round that waits, as a number below that of the epochs there is room for. No two that wait have
/// the same.
pub type Place = usize;

/// More rounds are to wait than there is room for: a flush is not accepted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Full;

/// What becomes, at the end of a round, of the flushes that wait for others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use = "waiting flushes are never told otherwise"]
pub enum Waiting {
    /// There are none.
    None,
    /// The next round is theirs whose place this is, and begins now: they are Current. All others
    /// still wait.
    Promoted(Place),
    /// All of them fail with the error of the fsync that just failed.
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

/// Where the machine is.
#[derive(Debug)]
enum Phase {
    /// There is no round.
    Idle,
    /// The round waits for the writes of its epoch, of which so many are in flight.
    Draining(NonZeroU32),
    /// The round waits for its fsync.
    Syncing,
}

/// The drain of one device.
///
/// Epochs are numbered in the order in which they are opened, and a 64-bit number does not come to
/// an end. Those that no round has closed are `first..=last`.
#[derive(Debug)]
pub struct Epochs<C> {
    /// How many writes of each of these epochs are in flight, by its number modulo their count;
    /// zero for others.
    ///
    /// Each is a request with a tag of its own, and tags are `u32`s. So this
    /// cannot overflow, and saturating arithmetic is exact.
    writes: C,
    /// That of the only epoch there can be if there is no room for any.
    no_place: u32,
    /// Tickets below are those of the closed epoch. Others below `first` count as of that.
    closed: u64,
    /// The epoch that the next round closes.
    first: u64,
    /// The epoch that writes are accepted into. A round waits for each one from `first` to the one
    /// before this.
    last: u64,
    /// A round waits that is to close `last`, which is `first`. Not with barriers.
    waiting: bool,
    phase: Phase,
    mode: FlushMode,
}

impl<C: DerefMut<Target = [u32]>> Epochs<C> {
    /// No write or flush is in flight. One epoch for each flush that there may be in flight at once,
    /// and one more, are enough; `writes` says how many there are, and is zero.
    pub const fn new(writes: C) -> Self {
        Self {
            writes,
            no_place: 0,
            closed: 0,
            first: 0,
            last: 0,
            waiting: false,
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

    /// A write is accepted.
    pub fn accept_write(&mut self) -> Ticket {
        let writes = self.writes_of(self.last);
        *writes = writes.saturating_add(1);
        Ticket(self.last)
    }

    /// Whether a write that was accepted must not begin before a round has ended,
    /// which happens with barriers only.
    pub fn is_held(&self, ticket: &Ticket) -> bool {
        // What was accepted before the round began is in the closed epoch.
        self.mode == FlushMode::Barrier
            && ticket.0 >= self.closed
            && !matches!(self.phase, Phase::Idle)
    }

    /// A write completed, with or without an error.
    pub fn complete_write(&mut self, ticket: Ticket) -> Action {
        if ticket.0 >= self.closed {
            let writes = self.writes_of(ticket.0.max(self.first));
            *writes = writes.saturating_sub(1);
            return Action::Nothing;
        }
        // Tickets of the closed epoch exist in Draining only, as many as there
        // are writes.
        if let Phase::Draining(writes) = &mut self.phase {
            match NonZeroU32::new(writes.get().saturating_sub(1)) {
                Some(rest) => *writes = rest,
                None => {
                    self.phase = Phase::Syncing;
                    return Action::Sync;
                }
            }
        }
        Action::Nothing
    }

    /// A flush is accepted, if there is room.
    pub fn accept_flush(&mut self) -> Result<(Round, Action), Full> {
        let waits = self.first != self.last;
        let covered = *self.writes_of(self.last) == 0;
        match self.phase {
            Phase::Idle => return Ok((Round::Current, self.close())),
            // Nothing that was accepted is in flight, except for what the round
            // waits for anyway.
            Phase::Draining(_) if covered && !waits => {
                return Ok((Round::Current, Action::Nothing))
            }
            // An fsync that has begun may miss what completed meanwhile.
            Phase::Draining(_) | Phase::Syncing => {}
        }
        let epoch = match self.mode {
            FlushMode::Drain => {
                self.waiting = true;
                self.last
            }
            // As above.
            FlushMode::Barrier if waits && covered => self.last.saturating_sub(1),
            FlushMode::Barrier => {
                let epoch = self.last;
                let next = epoch.saturating_add(1);
                if next.saturating_sub(self.first) >= self.room() {
                    return Err(Full);
                }
                self.last = next;
                epoch
            }
        };
        Ok((Round::Next(self.place(epoch)), Action::Nothing))
    }

    /// The fsync ended; `ok` tells whether it succeeded.
    ///
    /// All flushes of the current round end with its outcome. The first result
    /// tells what becomes of those that wait for others. Of the writes that were
    /// [held](Self::is_held) some may begin.
    pub fn sync_done(&mut self, ok: bool) -> (Waiting, Action) {
        match self.phase {
            Phase::Syncing => {}
            // No fsync was asked for, so there is none that could have ended.
            Phase::Idle | Phase::Draining(_) => return (Waiting::None, Action::Nothing),
        }
        self.phase = Phase::Idle;
        if !mem::take(&mut self.waiting) && self.first == self.last {
            return (Waiting::None, Action::Nothing);
        }
        if ok {
            let place = self.place(self.first);
            return (Waiting::Promoted(place), self.close());
        }
        while self.first < self.last {
            let moved = mem::take(self.writes_of(self.first));
            self.first = self.first.saturating_add(1);
            let writes = self.writes_of(self.first);
            *writes = writes.saturating_add(moved);
        }
        (Waiting::Fail, Action::Nothing)
    }

    /// Begins a round: closes the first open epoch, and opens another one if that was the last.
    fn close(&mut self) -> Action {
        let writes = mem::take(self.writes_of(self.first));
        self.first = self.first.saturating_add(1);
        self.closed = self.first;
        self.last = self.last.max(self.first);
        match NonZeroU32::new(writes) {
            Some(writes) => {
                self.phase = Phase::Draining(writes);
                Action::Nothing
            }
            None => {
                self.phase = Phase::Syncing;
                Action::Sync
            }
        }
    }

    /// Where the epoch's writes are counted.
    fn place(&self, epoch: u64) -> Place {
        let place = epoch.checked_rem(self.room()).unwrap_or(0);
        // As the room, it is a `usize`.
        Place::try_from(place).unwrap_or(0)
    }

    /// How many epochs there is room for.
    fn room(&self) -> u64 {
        u64::try_from(self.writes.len()).unwrap_or(u64::MAX)
    }

    /// How many writes of this epoch are in flight. Of those in use, one has its place each.
    fn writes_of(&mut self, epoch: u64) -> &mut u32 {
        let place = self.place(epoch);
        self.writes.get_mut(place).unwrap_or(&mut self.no_place)
    }
}
