// SPDX-License-Identifier: GPL-2.0

//! What a worker of a lane that has several takes next: a read or a change.
//!
//! A change may have to wait for what is no I/O of a disk, such as a file system that
//! is frozen, or takes as long as a sync does. So changes do not get all workers:
//! there is always one for reads.

/// What waits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// It changes nothing.
    Read,
    /// A write, or the like.
    Change,
}

/// Who has the workers.
#[derive(Debug)]
pub struct Turns {
    /// Workers that are at work on changes.
    changing: u32,
    /// So many may be.
    most: u32,
    /// What was taken last.
    last: Kind,
}

impl Turns {
    /// Nobody has one yet. Of as many `workers` changes may have three quarters; all, if
    /// that is one.
    pub const fn new(workers: u32) -> Self {
        let quarter = workers >> 2;
        let reserved = if quarter == 0 { 1 } else { quarter };
        let most = workers.saturating_sub(reserved);
        Self {
            changing: 0,
            most: if most == 0 { 1 } else { most },
            last: Kind::Change,
        }
    }

    /// What a worker that has nothing to do would take now of what waits, `reads`,
    /// `changes` or both: in turn, if it may choose.
    pub const fn next(&self, reads: bool, changes: bool) -> Option<Kind> {
        match (reads, changes && self.changing < self.most) {
            (true, false) => Some(Kind::Read),
            (false, true) => Some(Kind::Change),
            (true, true) if matches!(self.last, Kind::Change) => Some(Kind::Read),
            (true, true) => Some(Kind::Change),
            (false, false) => None,
        }
    }

    /// A worker takes one. It is to be told to [`done`](Self::done) later.
    pub fn take(&mut self, kind: Kind) {
        self.last = kind;
        if kind == Kind::Change {
            self.changing = self.changing.saturating_add(1);
        }
    }

    /// It is done with it.
    pub fn done(&mut self, kind: Kind) {
        if kind == Kind::Change {
            self.changing = self.changing.saturating_sub(1);
        }
    }
}
