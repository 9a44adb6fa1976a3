// SPDX-License-Identifier: GPL-2.0

//! Who has a disk open, and shall learn of what was lost.
//!
//! A flush that fails tells whoever issued it, and nobody else: not the other descriptors of the
//! device, whose `fsync` finds nothing to write and has a flush of its own that succeeds. For them
//! the loss is recorded where the kernel records failed writeback: in the page cache of the
//! device, and in that of each of its partitions. `fsync` looks there first. So do ext4 and jbd2,
//! and for `syncfs` it is recorded in the super block of a file system that is mounted from there.

use crate::block::{part::parts, Disk, Operations};
use kernel::prelude::*;

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
