// SPDX-License-Identifier: GPL-2.0

//! What becomes of a device that has lost a write.
//!
//! | policy    | after a sync of the backing file has failed                        |
//! |-----------|--------------------------------------------------------------------|
//! | `report`  | the flush fails; then all goes on. Each loss is told once           |
//! | `sticky`  | all writes and flushes fail, with the same errno, until a reset     |
//! | `rewrite` | flushes fail until all that may be lost has been written again      |
//!
//! With `sticky` a write that fails has the same effect. With `rewrite` a flush that
//! succeeds means that *all* data written and acknowledged is stable, no matter
//! whether an earlier one has failed; what that takes:
//!
//! # What may be lost
//!
//! Three sets of sectors: *written* and not covered by any sync, *syncing*, which
//! is what the running sync covers, and *suspect*.
//!
//! | event                         | written       | syncing      | suspect                    |
//! |-------------------------------|---------------|--------------|----------------------------|
//! | write completed               | + its sectors |              | - its sectors if it succeeded and was begun after the last failure |
//! | the same, begun before the last failure | + its sectors |    | + its sectors              |
//! | sync begins                   | empty         | + written    |                            |
//! | sync succeeded                |               | empty        | the flush fails unless it is empty, and was when the sync began |
//! | sync failed                   | empty         | empty        | + written + syncing        |
//! | reset                         | + suspect     |              | empty                      |
//!
//! A write that is in flight while a sync fails may be what was lost, and so may what was
//! completed while the sync ran. A write that was begun before that and completes later
//! is no rewrite, for its data may have been lost already. The *generation*, which
//! counts failures, tells. A rewrite while a sync runs is not stable when that ends: the
//! next one covers it.
//!
//! A write that fails is not suspect: it was not acknowledged.
//!
//! A reset is for what is lost by then. Not all that is suspect is lost: what is not is
//! written, and may be lost later.
//!
//! # What the device does not show
//!
//! When another part of the file is shown, all sectors of the device count as written,
//! and are suspect if any is. If something is not shown any more it has a sector of its
//! own in the sets, behind all others. Nobody can write there: only a reset heals it.
//!
//! # Switching
//!
//! Only while no request is in flight. What has failed stays failed: `sticky`
//! then refuses, and for `rewrite` the whole device is suspect. Nobody knows what
//! was written before `rewrite` was switched on, so that all of it counts as written.
//!
//! # Locking
//!
//! One lock of the caller's guards all of it.

use ::core::ops::DerefMut;

use super::{
    errcursor::Errno,
    range_set::{
        Range,
        RangeSet, //
    },
    units::Sectors,
};

/// What the device does not show any more: the last sector that there can be.
const HIDDEN: Range = Range::last();

/// The policies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Policy {
    /// Each loss is told once.
    Report,
    /// After a loss all writes fail.
    Sticky,
    /// Flushes fail until all that was lost is written again.
    Rewrite,
}

impl Policy {
    /// What [`parse`](Self::parse) takes, for messages.
    pub const ALLOWED: &'static str = "report, sticky, rewrite";

    /// The policy of that name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Report, Self::Sticky, Self::Rewrite]
            .into_iter()
            .find(|policy| policy.as_str() == name)
    }

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Report => "report",
            Self::Sticky => "sticky",
            Self::Rewrite => "rewrite",
        }
    }
}

/// How often a sync has failed: what a write takes along when it is begun.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Generation(u32);

impl Generation {
    /// From a number that was kept somewhere else.
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }
}

/// The sets of `rewrite`.
#[derive(Debug)]
pub struct Tracked<S> {
    written: RangeSet<S>,
    syncing: RangeSet<S>,
    suspect: RangeSet<S>,
    /// Something was suspect when the running sync began.
    began_suspect: bool,
}

impl<S: DerefMut<Target = [Range]>> Tracked<S> {
    /// Empty sets, in this memory.
    pub const fn new(written: S, syncing: S, suspect: S) -> Self {
        Self {
            written: RangeSet::new(written),
            syncing: RangeSet::new(syncing),
            suspect: RangeSet::new(suspect),
            began_suspect: false,
        }
    }
}

/// A policy with what it needs.
#[derive(Debug)]
pub enum Mode<S> {
    /// [`Policy::Report`]
    Report,
    /// [`Policy::Sticky`]
    Sticky,
    /// [`Policy::Rewrite`]
    Rewrite(Tracked<S>),
}

/// How a device is.
#[derive(Debug)]
pub struct Health<S> {
    mode: Mode<S>,
    /// The last error, until it is healed or reset.
    failed: Option<Errno>,
    generation: Generation,
    /// The generation at the last reset: what was in flight then is forgiven.
    forgiven: Generation,
}

impl<S: DerefMut<Target = [Range]>> Health<S> {
    /// Nothing was written since the device was attached.
    pub const fn new(mode: Mode<S>) -> Self {
        Self {
            mode,
            failed: None,
            generation: Generation(0),
            forgiven: Generation(0),
        }
    }

    /// The policy in force.
    pub const fn policy(&self) -> Policy {
        match self.mode {
            Mode::Report => Policy::Report,
            Mode::Sticky => Policy::Sticky,
            Mode::Rewrite(_) => Policy::Rewrite,
        }
    }

    /// What has failed and was neither healed nor reset.
    pub const fn failure(&self) -> Option<Errno> {
        self.failed
    }

    /// What may be lost.
    pub fn suspect(&self) -> &[Range] {
        match &self.mode {
            Mode::Rewrite(sets) => sets.suspect.ranges(),
            Mode::Report | Mode::Sticky => &[],
        }
    }

    /// For a write that is begun now.
    pub const fn generation(&self) -> Generation {
        self.generation
    }

    /// The error of all writes and flushes, if they are refused.
    pub fn refuses(&self) -> Option<Errno> {
        match self.mode {
            Mode::Sticky => self.failed,
            Mode::Report | Mode::Rewrite(_) => None,
        }
    }

    /// Another policy, for a device of that size. Returns the old one's memory.
    pub fn switch(&mut self, mut mode: Mode<S>, size: Sectors) -> Mode<S> {
        if let Mode::Rewrite(sets) = &mut mode {
            let everything = Range::new(Sectors::new(0), size);
            sets.written.insert(everything);
            if self.failed.is_some() {
                sets.suspect.insert(everything);
            }
        }
        ::core::mem::replace(&mut self.mode, mode)
    }

    /// The administrator knows what has failed, and it shall count no longer.
    pub fn reset(&mut self) {
        self.failed = None;
        self.forgiven = self.generation;
        if let Mode::Rewrite(sets) = &mut self.mode {
            sets.written.insert_all(&sets.suspect);
            sets.suspect.clear();
            sets.began_suspect = false;
        }
    }

    /// The sectors mean other places of the file from now on, or of another file. Unless
    /// the device `covers` what it has shown before, something is hidden.
    pub fn moved(&mut self, size: Sectors, covers: bool) {
        let everything = Range::new(Sectors::new(0), size);
        if let Mode::Rewrite(sets) = &mut self.mode {
            for set in [&mut sets.written, &mut sets.suspect] {
                if set.is_empty() {
                    continue;
                }
                // What is hidden already stays in the set.
                set.insert(everything);
                if !covers {
                    set.insert(HIDDEN);
                }
            }
            sets.written.insert(everything);
        }
    }

    /// The device ends at `size` from now on because its file does: what was beyond is
    /// gone by somebody's will, and nothing can be lost of it.
    pub fn ends_at(&mut self, size: Sectors) {
        if let Mode::Rewrite(sets) = &mut self.mode {
            let length = Sectors::new(HIDDEN.first().get().saturating_sub(size.get()));
            for set in [&mut sets.written, &mut sets.syncing, &mut sets.suspect] {
                set.remove(Range::new(size, length));
            }
        }
    }

    /// A write, discard or zeroing is complete, before flushes are told so. `begun`
    /// is the generation when it was begun.
    pub fn write_done(&mut self, range: Range, begun: Generation, result: Result<(), Errno>) {
        match &mut self.mode {
            Mode::Report => {}
            Mode::Sticky => {
                if let (Err(errno), None) = (result, self.failed) {
                    self.failed = Some(errno);
                }
            }
            Mode::Rewrite(sets) => {
                sets.written.insert(range);
                if begun == self.generation {
                    if result.is_ok() {
                        sets.suspect.remove(range);
                    }
                } else if self.forgiven != self.generation {
                    sets.suspect.insert(range);
                }
            }
        }
    }

    /// A sync for flushes begins now. All writes that it has to cover are complete.
    pub fn sync_begins(&mut self) {
        if let Mode::Rewrite(sets) = &mut self.mode {
            sets.syncing.insert_all(&sets.written);
            sets.written.clear();
            sets.began_suspect = !sets.suspect.is_empty();
        }
    }

    /// The sync has ended so; tells how the flushes end.
    ///
    /// # Errors
    ///
    /// Its own, or that of an earlier one by the policy.
    pub fn sync_ended(&mut self, synced: Result<(), Errno>) -> Result<(), Errno> {
        if let Some(errno) = self.refuses() {
            return Err(errno);
        }
        if let Err(errno) = synced {
            self.failed = Some(errno);
            self.generation = Generation(self.generation.0.wrapping_add(1));
            if let Mode::Rewrite(sets) = &mut self.mode {
                sets.suspect.insert_all(&sets.syncing);
                sets.suspect.insert_all(&sets.written);
                sets.syncing.clear();
                sets.written.clear();
            }
            return Err(errno);
        }
        if let Mode::Rewrite(sets) = &mut self.mode {
            sets.syncing.clear();
            if sets.began_suspect || !sets.suspect.is_empty() {
                return Err(self.failed.unwrap_or(Errno::EIO));
            }
            // Healed: all that was lost is written again, and stable now.
            self.failed = None;
        }
        Ok(())
    }
}
