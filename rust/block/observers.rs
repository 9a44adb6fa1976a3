// SPDX-License-Identifier: GPL-2.0

//! Who has a disk open, and shall learn of what was lost.
//!
//! A flush that fails tells whoever issued it, and nobody else: not the other descriptors of the
//! device, whose `fsync` finds nothing to write and has a flush of its own that succeeds. For them
//! the loss is recorded where the kernel records failed writeback: in the page cache of the
//! device, and in that of each of its partitions. `fsync` looks there first. So do ext4 and jbd2,
//! and for `syncfs` it is recorded in the super block of a file system that is mounted from there.

use crate::{
    block::{Disk, Operations},
    sys,
};
use core::ptr::NonNull;
use kernel::{bindings, prelude::*};

/// The whole disk or one of its partitions.
///
/// # Invariants
///
/// `bdev` is a block device on which this object owns a reference.
struct Part {
    bdev: NonNull<bindings::block_device>,
}

impl Part {
    /// How often it is open.
    fn openers(&self) -> i32 {
        // SAFETY: Live by the type invariant.
        unsafe { sys::rloop_bdev_openers(self.bdev.as_ptr()) }
    }

    /// Whether a file system is mounted from it. May sleep.
    fn has_file_system(&self) -> bool {
        // SAFETY: Live by the type invariant.
        unsafe { sys::rloop_bdev_has_fs(self.bdev.as_ptr()) }
    }

    /// Records an error for all that look at it from now on. May sleep.
    fn record(&self, error: Error) {
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
struct Parts<'a, T: Operations> {
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

fn parts<T: Operations>(disk: &Disk<T>) -> Parts<'_, T> {
    Parts {
        disk,
        next: Some(0),
    }
}

/// Has everybody who has the disk open learn of a loss that a flush is about to tell. May sleep.
///
/// If there is just one who has it open, and no file system, it is that flush's issuer, who would
/// be told twice: so nothing is recorded.
pub(crate) fn record<T: Operations>(disk: &Disk<T>, error: Error) {
    let alone = parts(disk).all(|part| part.openers() <= 1 && !part.has_file_system());
    if !alone {
        parts(disk).for_each(|part| part.record(error));
    }
}
