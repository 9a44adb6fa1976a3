// SPDX-License-Identifier: GPL-2.0

//! Which flush has to tell of which loss.
//!
//! The backing file's mapping keeps a record of writeback errors, an `errseq_t`;
//! an open file has a *cursor* into it. Whoever syncs the file, or writes to it
//! with `O_DSYNC`, is told of an error that the cursor has not passed, and moves
//! the cursor on. So of all who use one open file only one is told. The driver's
//! is used by flushes, by stable (FUA) writes and by ioctls, at the same time.
//!
//! The promises (see the design's contract):
//!
//! - P2: a flush succeeds only if it covers all writes completed before it,
//!   whoever else was told of their loss.
//! - P3: each loss fails the first flush that ends after it was found, with the
//!   file system's own errno, and no flush that was submitted after that.
//! - P4: what an ioctl was told is told by the next flush, too.
//!
//! # The rule
//!
//! It is not asked who was told, but where the cursor is. A flush fails if
//!
//! 1. its sync does, with that errno; else
//! 2. something else that synced the file failed since the last flush; else
//! 3. the cursor is not where the last flush has left it: somebody was told of an
//!    error that no flush has told yet.
//!
//! A flush fails, too, if another one failed after it was submitted: what that
//! one has told may be what this one would have met. The block layer lets only
//! one flush of a hardware queue go to the driver at a time, so that those who
//! wait there come when the other one has failed already.
//!
//! A stable write fails if it does, or if the cursor was moved on meanwhile: the
//! error may have been its own.
//!
//! The cursor of a file of a file system that lies over another one (overlayfs) is
//! not moved by what the lower file tells. The driver has one of its own for these,
//! which moves on whenever it is told of an error.
//!
//! # Locking
//!
//! One lock of the caller's guards each cursor. The position of the file's cursor
//! has to be read after the sync has returned.

use super::units::Moment;
use ::core::num::NonZeroU16;

/// The bits of an `errseq_t` that hold the errno.
const ERRNO_MASK: u32 = 0xfff;

/// Counts in an `errseq_t`, above the errno and a flag.
const COUNT: u32 = 1 << 13;

/// The number of an error, as in `errno.h`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Errno(NonZeroU16);

impl Errno {
    /// Input/output error: of what nobody knows better.
    pub const EIO: Self = match NonZeroU16::new(5) {
        Some(number) => Self(number),
        None => Self(NonZeroU16::MAX),
    };

    /// The error with this number, positive or negative; `EIO` where it is none.
    pub fn new(number: i32) -> Self {
        u16::try_from(number.unsigned_abs())
            .ok()
            .and_then(NonZeroU16::new)
            .map_or(Self::EIO, Self)
    }

    /// Its number, positive.
    pub const fn get(self) -> u16 {
        self.0.get()
    }
}

/// A position of a file's cursor (`f_wb_err`). They are different whenever an
/// error was told in between.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Position(u32);

impl Position {
    /// That of an `errseq_t`.
    pub const fn new(value: u32) -> Self {
        Self(value)
    }

    /// As an `errseq_t`.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// Where a cursor that was here is after one more error was told, for files whose
    /// cursor nobody else moves.
    pub fn after(self, errno: Errno) -> Self {
        let count = self.0 & !(COUNT.wrapping_sub(1));
        Self(count.wrapping_add(COUNT) | (u32::from(errno.get()) & ERRNO_MASK))
    }

    /// The error that was told when the cursor came to be here.
    fn errno(self) -> Errno {
        i32::try_from(self.0 & ERRNO_MASK).map_or(Errno::EIO, Errno::new)
    }
}

/// What the flushes of a device have told, and what they have to.
#[derive(Debug)]
pub struct ErrCursor {
    /// Where the file's cursor was when a flush last ended.
    told: Position,
    /// The first failure of something else since then.
    noted: Option<Errno>,
    /// When a flush last failed, and why.
    failed: Option<(Moment, Errno)>,
}

impl ErrCursor {
    /// Nothing has happened since the file was opened, when its cursor was at
    /// `position`.
    pub const fn new(position: Position) -> Self {
        Self {
            told: position,
            noted: None,
            failed: None,
        }
    }

    /// The sync for a round of flushes has returned `synced`, and after that the
    /// cursor was at `position`: how the round ends.
    ///
    /// # Errors
    ///
    /// The first that applies, by the rule. None of what was found is told again.
    pub fn judge(&mut self, synced: Result<(), Errno>, position: Position) -> Result<(), Errno> {
        let noted = self.noted.take();
        let moved = position != self.told;
        self.told = position;
        match (synced, noted) {
            (Err(errno), _) | (Ok(()), Some(errno)) => Err(errno),
            (Ok(()), None) if moved => Err(position.errno()),
            (Ok(()), None) => Ok(()),
        }
    }

    /// A round has failed, and from `now` on everybody can know.
    pub fn failed(&mut self, now: Moment, errno: Errno) {
        self.failed = Some((now, errno));
    }

    /// The error of a flush that was submitted at that time, if it has failed
    /// already.
    pub fn fails(&self, submitted: Moment) -> Option<Errno> {
        self.failed
            .filter(|&(when, _)| submitted <= when)
            .map(|(_, errno)| errno)
    }

    /// Something else than a flush has failed to sync the file. The cursor was at
    /// `before` when it began, and was at `after` when it had returned.
    pub fn note(&mut self, errno: Errno, before: Position, after: Position) {
        // If the cursor has moved that is what tells, or has told already.
        if before == after {
            self.noted.get_or_insert(errno);
        }
    }

    /// Another file takes the place of the first, whose cursor is at `old`. Its
    /// own is at `new`.
    pub fn exchange(&mut self, old: Position, new: Position) {
        if old != self.told {
            self.noted.get_or_insert(old.errno());
        }
        self.told = new;
    }
}

/// How a stable write ends that returned `result`. The cursor was at `before` when
/// it was begun, and was at `after` when it had returned.
///
/// # Errors
///
/// That of `result`, or what somebody else was told meanwhile.
pub fn judge_stable_write(
    result: Result<(), Errno>,
    before: Position,
    after: Position,
) -> Result<(), Errno> {
    match result {
        Ok(()) if before != after => Err(after.errno()),
        result => result,
    }
}
