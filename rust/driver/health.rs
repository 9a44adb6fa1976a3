// SPDX-License-Identifier: GPL-2.0

//! Whether a device has lost something, and what follows from that.
//!
//! Decided by [`crate::logic::policy`]. With the policy `report` a request costs nothing here but
//! looking at numbers that do not change.

use crate::{
    block::{attributes::Output, Op},
    core::{
        errno::{eopnotsupp, from_logic, to_logic},
        irq_lock::IrqLock,
    },
    logic::{
        errcursor::Errno,
        policy::{self, Generation, Mode, Policy, Tracked},
        range_set::Range,
        units::Sectors,
    },
    new_irq_lock,
};
use kernel::{
    prelude::*,
    sync::atomic::{Atomic, Relaxed},
};

/// How many ranges each of the sets of `rewrite` has room for.
const RANGES: usize = 256;

/// The memory of a set.
type Memory = KVec<Range>;

/// A policy, with the memory it needs. May sleep.
fn mode(policy: Policy) -> Result<Mode<Memory>> {
    let memory = || KVec::from_elem(Range::UNUSED, RANGES, GFP_KERNEL);
    Ok(match policy {
        Policy::Report => Mode::Report,
        Policy::Sticky => Mode::Sticky,
        Policy::Rewrite => Mode::Rewrite(Tracked::new(memory()?, memory()?, memory()?)),
    })
}

/// The health of a device that is about to be attached.
pub(super) struct Clean(policy::Health<Memory>);

impl Clean {
    /// With that policy. May sleep.
    pub(super) fn new(policy: Policy) -> Result<Self> {
        Ok(Self(policy::Health::new(mode(policy)?)))
    }
}

/// The health of a device.
#[pin_data]
pub(crate) struct Health {
    #[pin]
    inner: IrqLock<policy::Health<Memory>>,
    // What requests look at without the lock; written under it.
    /// The number of the policy in force.
    policy: Atomic<i32>,
    /// The errno that all writes and flushes fail with, or 0.
    refused: Atomic<i32>,
    /// The generation of writes that begin now.
    generation: Atomic<u32>,
}

impl Health {
    /// That of a device that is not bound.
    pub(super) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            inner <- new_irq_lock!(policy::Health::new(Mode::Report), "rloop::health"),
            policy: Atomic::new(Policy::Report as i32),
            refused: Atomic::new(0),
            generation: Atomic::new(0),
        })
    }

    /// Changes it, and shows that to those who look without the lock.
    fn change<R>(&self, change: impl FnOnce(&mut policy::Health<Memory>) -> R) -> R {
        let mut inner = self.inner.lock();
        let result = change(&mut inner);
        let refused = inner.refuses().map_or(0, |errno| errno.get().into());
        self.policy.store(inner.policy() as i32, Relaxed);
        self.refused.store(refused, Relaxed);
        let generation = inner.generation().get();
        self.generation.store(generation, Relaxed);
        result
    }

    /// The device is attached or detached. Only while no request is in flight. May sleep.
    pub(super) fn set(&self, Clean(health): Clean) {
        let old = self.change(|inner| core::mem::replace(inner, health));
        // Outside of the lock.
        drop(old);
    }

    /// The device is detached. Only while no request is in flight. May sleep.
    pub(super) fn clear(&self) {
        self.set(Clean(policy::Health::new(Mode::Report)));
    }

    /// The policy in force.
    pub(super) fn policy(&self) -> Policy {
        self.inner.lock().policy()
    }

    /// Another policy, whose memory was allocated, for a device of that size. Only while no request
    /// is in flight. May sleep.
    pub(super) fn switch(&self, NewPolicy(mode): NewPolicy, size: Sectors) {
        let old = self.change(|inner| inner.switch(mode, size));
        drop(old);
    }

    /// The sectors of the device are others from now on; whether it `covers` all that it has shown
    /// before. Only while no request is in flight.
    pub(super) fn moved(&self, size: Sectors, covers: bool) {
        self.change(|inner| inner.moved(size, covers));
    }

    /// The device, and its file, end there from now on. Only while no request is in flight.
    pub(super) fn ends_at(&self, size: Sectors) {
        self.change(|inner| inner.ends_at(size));
    }

    /// What was lost shall count no longer.
    pub(super) fn reset(&self) {
        self.change(policy::Health::reset);
    }

    /// The error that all writes and flushes have to fail with. Any context.
    pub(super) fn refuses(&self) -> Option<Error> {
        match self.refused.load(Relaxed) {
            0 => None,
            errno => Some(from_logic(Errno::new(errno))),
        }
    }

    /// To be kept by a write that is begun now. Any context.
    pub(super) fn generation(&self) -> Generation {
        Generation::new(self.generation.load(Relaxed))
    }

    /// Whether [`write_done`](Self::write_done) wants to know of it. Any context.
    pub(super) fn watches(&self, op: Op, result: Result) -> bool {
        let policy = self.policy.load(Relaxed);
        if policy == Policy::Rewrite as i32 {
            return op.is_change();
        }
        // A range that could not be discarded is as it was.
        policy == Policy::Sticky as i32
            && matches!(op, Op::Write | Op::WriteZeroes { .. })
            && result.is_err_and(|error| error != eopnotsupp())
    }

    /// A write, discard or zeroing is complete, and nobody was told so yet. Any context.
    pub(super) fn write_done(&self, range: Range, begun: Generation, result: Result) {
        self.change(|inner| inner.write_done(range, begun, result.map_err(to_logic)));
    }

    /// A sync for flushes begins. Any context.
    pub(super) fn sync_begins(&self) {
        if self.policy.load(Relaxed) == Policy::Rewrite as i32 {
            self.change(policy::Health::sync_begins);
        }
    }

    /// It has ended so. How the flushes end. Any context.
    pub(super) fn sync_ended(&self, synced: Result<(), Errno>) -> Result<(), Errno> {
        self.change(|inner| inner.sync_ended(synced))
    }

    /// Writes `name value` lines.
    pub(super) fn show(&self, out: &mut Output<'_>) -> Result {
        let (failure, suspect) = {
            let inner = self.inner.lock();
            (inner.failure(), inner.suspect().len())
        };
        out.text(match failure {
            None => "state ok",
            Some(_) => "state failed",
        })?;
        out.text("\nerror ")?;
        out.number(failure.map_or(0, |errno| errno.get().into()))?;
        out.text("\nsuspect ")?;
        out.number(suspect as u64)
    }

    /// Writes a line for each suspect range: its first sector, a space, how many there are. If they
    /// do not fit into the page, those that do and `...`.
    pub(super) fn show_suspect(&self, out: &mut Output<'_>) -> Result {
        let inner = self.inner.lock();
        for (number, range) in inner.suspect().iter().enumerate() {
            if number != 0 {
                out.text("\n")?;
            }
            // Two numbers of at most 20 digits, and what comes after.
            if out.room() < 50 {
                return out.text("...");
            }
            out.number(range.first().get())?;
            out.text(" ")?;
            out.number(range.length().get())?;
        }
        Ok(())
    }
}

/// A policy that can be switched on without allocating.
pub(super) struct NewPolicy(Mode<Memory>);

impl NewPolicy {
    /// Allocates what it needs. May sleep.
    pub(super) fn new(policy: Policy) -> Result<Self> {
        Ok(Self(mode(policy)?))
    }
}
