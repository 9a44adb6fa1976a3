// SPDX-License-Identifier: GPL-2.0

//! What is asked of `statx`.

use crate::{
    logic::{direct::Alignment, units::Bytes},
    sys,
};
use core::mem::MaybeUninit;
use kernel::{bindings, error::to_result, prelude::*};

/// Which file it is.
#[derive(Clone, Copy)]
pub(crate) struct Identity {
    /// The device of the file system, encoded as in `struct loop_info64`.
    pub(crate) device: u64,
    /// Inode number.
    pub(crate) inode: u64,
    /// For a device node: the device it stands for, encoded likewise.
    pub(crate) rdevice: u64,
}

/// # Safety
///
/// `file` must be an open file.
unsafe fn getattr(file: *mut bindings::file, mask: u32) -> Result<bindings::kstat> {
    let mut stat = MaybeUninit::<bindings::kstat>::zeroed();
    // SAFETY: The file is open, so its path is held; `stat` is valid for writes.
    to_result(unsafe {
        bindings::vfs_getattr(sys::rloop_file_path(file), stat.as_mut_ptr(), mask, 0)
    })?;
    // SAFETY: All zeroes is a valid `struct kstat`, and it was filled in.
    Ok(unsafe { stat.assume_init() })
}

/// The file's size as the file system sees it now. May sleep.
///
/// # Safety
///
/// `file` must be an open file.
pub(super) unsafe fn size(file: *mut bindings::file) -> Result<Bytes> {
    // SAFETY: By this function's contract.
    let stat = unsafe { getattr(file, sys::RLOOP_STATX_SIZE) }?;
    Ok(Bytes::new(u64::try_from(stat.size)?))
}

/// Which file it is. May sleep.
///
/// # Safety
///
/// `file` must be an open file.
pub(super) unsafe fn identity(file: *mut bindings::file) -> Result<Identity> {
    // SAFETY: By this function's contract.
    let stat = unsafe { getattr(file, sys::RLOOP_STATX_INO) }?;
    // SAFETY: Arithmetic only.
    let encode = |dev| unsafe { sys::rloop_huge_encode_dev(dev) };
    Ok(Identity {
        device: encode(stat.dev),
        inode: stat.ino,
        rdevice: encode(stat.rdev),
    })
}

/// What direct I/O to the file must be aligned to, if the file system says. May sleep.
///
/// # Safety
///
/// `file` must be an open file.
pub(super) unsafe fn direct_alignment(file: *mut bindings::file) -> Option<Alignment> {
    // SAFETY: By this function's contract.
    let stat = unsafe { getattr(file, sys::RLOOP_STATX_DIOALIGN) }.ok()?;
    (stat.result_mask & sys::RLOOP_STATX_DIOALIGN != 0).then_some(Alignment {
        offset: stat.dio_offset_align,
        memory: stat.dio_mem_align,
    })
}
