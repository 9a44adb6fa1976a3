// SPDX-License-Identifier: GPL-2.0

//! What a device shows, and how.

use super::loop_driver::Loop;
use crate::{
    block::{
        limits::{Discard, Limits},
        Disk,
    },
    core::uapi::NAME_SIZE,
    fs::BackingFile,
    logic::{
        block_size::BlockSize,
        direct::{self, Alignment, Obstacle},
        flags::Flags,
        window::Window,
    },
};
use kernel::{
    prelude::*,
    sync::{
        aref::ARef,
        atomic::{Atomic, Relaxed},
        Arc,
    },
};

/// The configuration of a bound device. It never changes: a new one takes its place.
pub(crate) struct Binding {
    /// The device's disk.
    pub(super) disk: ARef<Disk<Loop>>,
    /// The file behind it.
    pub(super) file: Arc<BackingFile>,
    /// The part of the file that is shown.
    pub(super) window: Window,
    /// `READ_ONLY`, `PARTSCAN` and `DIRECT_IO` as in force. `AUTOCLEAR` is kept in the state.
    pub(super) flags: Flags,
    /// Logical block size.
    pub(super) block_size: BlockSize,
    /// What direct I/O to the file must be aligned to.
    pub(super) alignment: Alignment,
    /// What the file's system can deallocate, as it was when the device was bound to the file.
    pub(super) discard: Discard,
    /// The name user space gave it, NUL-terminated; only to be given back.
    pub(super) name: [u8; NAME_SIZE],
    /// The file system turned out not to deallocate. One flag for as long as the device is bound,
    /// as for [`uncached`](Self::uncached); only read-only devices change their file.
    pub(super) cannot_discard: Arc<Flag>,
    /// What was read or written through the page cache shall not stay there. One flag for as long
    /// as the device is bound: it is set without the lock of the state, also while another
    /// configuration is about to take this one's place.
    pub(super) uncached: Arc<Flag>,
    /// Changes of ranges that are under way.
    pub(super) changes: InProgress,
    /// The last read through the page cache found there that it has to wait.
    pub(super) misses: Flag,
}

/// How often something is under way.
pub(crate) struct InProgress(Atomic<i32>);

impl InProgress {
    /// Not at all.
    pub(super) fn none() -> Self {
        Self(Atomic::new(0))
    }

    /// Does it once. Meanwhile there is [`any`](Self::any).
    pub(super) fn during<T>(&self, action: impl FnOnce() -> T) -> T {
        // There are not as many requests as would overflow it.
        self.0.add(1, Relaxed);
        let result = action();
        self.0.add(-1, Relaxed);
        result
    }

    /// Whether it is under way.
    pub(super) fn any(&self) -> bool {
        self.0.load(Relaxed) > 0
    }
}

/// A flag that may change while others look at it.
pub(crate) struct Flag(Atomic<i32>);

impl Flag {
    /// A flag that is not set.
    pub(super) fn unset() -> Self {
        Self(Atomic::new(0))
    }

    /// Sets it; true for the first to do so.
    pub(super) fn set(&self) -> bool {
        self.0.xchg(1, Relaxed) == 0
    }

    /// Takes it back.
    pub(super) fn unset_again(&self) {
        self.0.store(0, Relaxed);
    }

    /// Sets it or takes it back.
    pub(super) fn put(&self, set: bool) {
        // Others need not see what is the same as before.
        if self.get() != set {
            self.0.store(set.into(), Relaxed);
        }
    }

    /// Whether it is set.
    pub(super) fn get(&self) -> bool {
        self.0.load(Relaxed) != 0
    }
}

impl Binding {
    /// The same with another window, name and flags; direct I/O only if that still is possible.
    pub(super) fn with(&self, window: Window, flags: Flags, name: [u8; NAME_SIZE]) -> Self {
        let mut new = Self {
            disk: self.disk.clone(),
            file: self.file.clone(),
            window,
            flags,
            block_size: self.block_size,
            alignment: self.alignment,
            discard: self.discard,
            name,
            cannot_discard: self.cannot_discard.clone(),
            uncached: self.uncached.clone(),
            changes: InProgress::none(),
            misses: Flag::unset(),
        };
        new.drop_impossible_direct();
        new
    }

    /// The same with other flags.
    pub(super) fn with_flags(&self, flags: Flags) -> Self {
        self.with(self.window, flags, self.name)
    }

    /// The same with another block size.
    pub(super) fn with_block_size(&self, block_size: BlockSize) -> Self {
        let mut new = self.with_flags(self.flags);
        new.block_size = block_size;
        // What was possible may not be, but nothing is switched on by itself.
        new.drop_impossible_direct();
        new
    }

    /// Switches direct I/O off if it is impossible.
    pub(super) fn drop_impossible_direct(&mut self) {
        if self.direct_possible().is_err() {
            self.flags = self.flags.without(Flags::DIRECT_IO);
        }
    }

    /// Whether direct I/O could be done.
    pub(super) fn direct_possible(&self) -> Result<(), Obstacle> {
        direct::check(
            self.file.can_direct(),
            self.alignment,
            self.block_size,
            &self.window,
        )
    }

    /// Whether direct I/O is done.
    pub(super) fn is_direct(&self) -> bool {
        self.flags.contains(Flags::DIRECT_IO)
    }

    /// Whether what is transferred through the page cache is dropped from it afterwards.
    pub(super) fn is_uncached(&self) -> bool {
        self.uncached.get() && self.file.can_uncached()
    }

    /// Whether writes are refused.
    pub(super) fn is_read_only(&self) -> bool {
        self.flags.contains(Flags::READ_ONLY)
    }

    /// The queue limits that go with this configuration.
    pub(super) fn limits(&self) -> Limits {
        let mut discard = self.discard;
        if self.cannot_discard.get() {
            // Zeroes can be written in any case.
            discard.max_discard_sectors = 0;
            discard.granularity = 0;
        }
        Limits {
            block_size: self.block_size.get(),
            write_cache: self.file.can_sync() && !self.is_read_only(),
            rotational: self.file.is_rotational(),
            discard,
            dma_alignment: if self.is_direct() {
                self.alignment.memory.max(4).saturating_sub(1)
            } else {
                Limits::UNBOUND.dma_alignment
            },
        }
    }
}
