// SPDX-License-Identifier: GPL-2.0

//! Deallocating and zeroing ranges of a backing file.

use crate::{fs::BackingFile, logic::units::Bytes, sys};
use core::mem::{zeroed, MaybeUninit};
use kernel::{bindings, error::to_result, page::PAGE_SIZE, prelude::*};

/// What `fallocate` shall do with a range. The file's size never changes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// Deallocate; the range reads as zeroes afterwards.
    PunchHole,
    /// Zero, keeping the blocks allocated.
    ZeroRange,
}

/// Changes a range by `fallocate`. `EOPNOTSUPP` if the file system cannot. Sleeps.
pub(crate) fn change(file: &BackingFile, change: Change, at: Bytes, length: Bytes) -> Result {
    let mode = match change {
        Change::PunchHole => sys::RLOOP_FALLOC_FL_PUNCH_HOLE,
        Change::ZeroRange => sys::RLOOP_FALLOC_FL_ZERO_RANGE,
    } | sys::RLOOP_FALLOC_FL_KEEP_SIZE;
    let (at, length) = (i64::try_from(at.get())?, i64::try_from(length.get())?);
    let _opener = file.acting_as_opener();
    // SAFETY: The file is open.
    to_result(unsafe { bindings::vfs_fallocate(file.as_ptr(), mode, at, length) })
}

/// How many times the page of zeroes goes into one write.
const ZERO_SEGMENTS: usize = 16;

/// Writes zeroes into the page cache of the file, at most 16 pages of them, for file systems that
/// cannot do it by [`change`]. Returns the bytes written, more than none. Sleeps.
pub(crate) fn write_zeroes(file: &BackingFile, at: Bytes, length: Bytes) -> Result<u64> {
    let most = (ZERO_SEGMENTS * PAGE_SIZE) as u64;
    let count = usize::try_from(length.get().min(most))?;
    let segments = [bindings::bio_vec {
        // SAFETY: The page of zeroes is always there.
        bv_page: unsafe { sys::rloop_zero_page() },
        bv_len: PAGE_SIZE as u32,
        bv_offset: 0,
    }; ZERO_SEGMENTS];
    // SAFETY: All zeroes is a valid `struct kiocb`: one that completes synchronously.
    let mut iocb: bindings::kiocb = unsafe { zeroed() };
    iocb.ki_filp = file.as_ptr();
    iocb.ki_pos = i64::try_from(at.get())?;
    iocb.ki_flags = sys::RLOOP_IOCB_WRITE;
    let mut iter = MaybeUninit::<bindings::iov_iter>::uninit();
    let _opener = file.acting_as_opener();
    // SAFETY: The segments hold at least `count` bytes and live until the call, which is
    // synchronous, has returned; the file is open.
    let ret = unsafe {
        bindings::iov_iter_bvec(
            iter.as_mut_ptr(),
            sys::RLOOP_ITER_SOURCE,
            segments.as_ptr(),
            segments.len(),
            count,
        );
        bindings::vfs_iocb_iter_write(file.as_ptr(), &mut iocb, iter.assume_init_mut())
    };
    match u64::try_from(ret) {
        Ok(0) => Err(EIO),
        Ok(written) => Ok(written),
        Err(_) => Err(Error::from_errno(i32::try_from(ret)?)),
    }
}
