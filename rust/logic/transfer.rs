// SPDX-License-Identifier: GPL-2.0

//! How a short transfer goes on (P6: no short write succeeds).
//!
//! A read or write of the backing file may transfer less than asked. The rest
//! is asked for again until all is done, the file system returns an error, or it
//! no longer gets anywhere. Every [`Step::Continue`] stands for at least one
//! byte done, so there are fewer of them than the request has bytes.

/// How far one request got.
///
/// # Invariants
///
/// `done <= total`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Transfer {
    /// Bytes.
    total: u32,
    /// Bytes.
    done: u32,
}

/// What follows a part of a transfer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use = "a transfer that is not complete has to be continued or failed"]
pub enum Step {
    /// All bytes are transferred.
    Complete,
    /// Ask for the remaining bytes.
    Continue,
    /// Give up: `EIO`. Nothing was transferred though something remains (a read
    /// beyond the end of the file, a write without progress), or the file system
    /// claims more than it was asked for.
    Stuck,
}

impl Transfer {
    /// A request of `total_bytes` bytes, of which none is transferred yet.
    pub const fn new(total_bytes: u32) -> Self {
        // INVARIANT: Zero is at most anything.
        Self {
            total: total_bytes,
            done: 0,
        }
    }

    /// How many bytes are transferred.
    pub const fn done(&self) -> u32 {
        self.done
    }

    /// How many bytes are left.
    pub const fn remaining(&self) -> u32 {
        // By the invariant this never saturates.
        self.total.saturating_sub(self.done)
    }

    /// The file system transferred `result` of the [`remaining`] bytes.
    ///
    /// After [`Step::Stuck`] everything is as it was before.
    ///
    /// [`remaining`]: Self::remaining
    pub fn advance(&mut self, result: usize) -> Step {
        let remaining = self.remaining();
        let result = match u32::try_from(result) {
            Ok(result) if result <= remaining => result,
            _ => return Step::Stuck,
        };
        if result == remaining {
            // INVARIANT: `total <= total`.
            self.done = self.total;
            return Step::Complete;
        }
        if result == 0 {
            return Step::Stuck;
        }
        // INVARIANT: `result` is at most what was left. So this does not
        // saturate either.
        self.done = self.done.saturating_add(result);
        Step::Continue
    }
}
