// SPDX-License-Identifier: GPL-2.0

//! The block devices of a disk.

use crate::{
    block::{Disk, Operations},
    sys,
};
use core::ptr::NonNull;
use kernel::{bindings, error::to_result, prelude::*};

/// The flags by which a page cache tells of errors of writeback, once.
const ERRORS: [bindings::mapping_flags; 2] = [
    bindings::mapping_flags_AS_EIO,
    bindings::mapping_flags_AS_ENOSPC,
];

/// The whole disk or one of its partitions.
///
/// # Invariants
///
/// `bdev` is a block device on which this object owns a reference.
pub(super) struct Part {
    bdev: NonNull<bindings::block_device>,
}

impl Part {
    /// How often it is open.
    pub(super) fn openers(&self) -> i32 {
        // SAFETY: Live by the type invariant.
        unsafe { sys::rloop_bdev_openers(self.bdev.as_ptr()) }
    }

    /// Whether a file system is mounted from it. May sleep.
    pub(super) fn has_file_system(&self) -> bool {
        // SAFETY: Live by the type invariant.
        unsafe { sys::rloop_bdev_has_fs(self.bdev.as_ptr()) }
    }

    /// Writes back what is dirty in its page cache. The errno if that fails; what has failed before is
    /// left to be told to others. Sleeps.
    pub(super) fn sync(&self) -> Result {
        let bdev = self.bdev.as_ptr();
        // SAFETY: Live by the type invariant.
        to_result(unsafe {
            let before = ERRORS.map(|flag| (flag, sys::rloop_bdev_take_flag(bdev, flag)));
            let result = sys::rloop_bdev_sync(bdev);
            for (flag, was_set) in before {
                if was_set {
                    sys::rloop_bdev_set_flag(bdev, flag);
                }
            }
            result
        })
    }

    /// Drops clean pages of its page cache. Sleeps.
    pub(super) fn invalidate_cache(&self) {
        // SAFETY: Live by the type invariant.
        unsafe { sys::rloop_bdev_invalidate(self.bdev.as_ptr()) };
    }

    /// Records an error for all that look at it from now on. May sleep.
    pub(super) fn record(&self, error: Error) {
        // SAFETY: Live by the type invariant; the errno is that of an `Error`.
        unsafe {
            sys::rloop_bdev_set_wb_err(self.bdev.as_ptr(), error.to_errno());
            sys::rloop_bdev_set_fs_err(self.bdev.as_ptr(), error.to_errno());
        }
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // SAFETY: The reference is owned by the type invariant.
        unsafe { sys::rloop_bdev_put(self.bdev.as_ptr()) };
    }
}

/// The disk, and its partitions.
pub(super) struct Parts<'a, T: Operations> {
    disk: &'a Disk<T>,
    next: Option<usize>,
}

impl<T: Operations> Iterator for Parts<'_, T> {
    type Item = Part;

    fn next(&mut self) -> Option<Part> {
        let mut index = self.next?;
        // SAFETY: The disk is live.
        let bdev = unsafe { sys::rloop_disk_part_get(self.disk.as_ptr(), &mut index) };
        let bdev = NonNull::new(bdev)?;
        self.next = index.checked_add(1);
        // INVARIANT: It came with a reference.
        Some(Part { bdev })
    }
}

/// All block devices of a disk: the whole of it, and its partitions. Each has a page cache of its own.
pub(super) fn parts<T: Operations>(disk: &Disk<T>) -> Parts<'_, T> {
    Parts {
        disk,
        next: Some(0),
    }
}
