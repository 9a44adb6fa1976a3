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
    let open = file.for_changes();
    // SAFETY: The file is open as long as `file` is there.
    let result = to_result(unsafe { bindings::vfs_fallocate(open, mode, at, length) });
    // One that fails may have changed a part of it.
    file.note_change();
    result
}

/// How many times the page of zeroes goes into one write.
const ZERO_SEGMENTS: usize = 16;

/// Writes zeroes, at most 16 pages of them, for file systems that cannot do it by [`change`]:
/// into the page cache of the file, or, `direct`, past it, for which `at` and `length` have to be
/// aligned. Returns the bytes written, more than none. Sleeps.
///
/// What else is written past the page cache at the same time would be lost if this made a page
/// dirty that it is in.
pub(crate) fn write_zeroes(
    file: &BackingFile,
    direct: bool,
    at: Bytes,
    length: Bytes,
) -> Result<u64> {
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
    if direct {
        iocb.ki_flags |= sys::RLOOP_IOCB_DIRECT;
    }
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
        sys::rloop_write_iter(file.as_ptr(), &mut iocb, iter.assume_init_mut())
    };
    match u64::try_from(ret) {
        Ok(0) => Err(EIO),
        Ok(written) => Ok(written),
        Err(_) => Err(Error::from_errno(i32::try_from(ret)?)),
    }
}

#[kunit_tests(rloop_fs_range)]
mod tests {
    use super::*;
    use crate::{core::errno::eopnotsupp, fs::test_file};

    /// The most that [`write_zeroes`] writes.
    const MOST: usize = 16 * PAGE_SIZE;

    /// A file of ones, and whether just the bytes from `at` to `end` are zero after `test`.
    fn zeroed_exactly(
        at: usize,
        end: usize,
        test: impl FnOnce(&BackingFile) -> Result,
    ) -> Result<bool> {
        const SIZE: usize = 2 * MOST;
        let file = test_file::filled(SIZE, 1)?;
        test(&file)?;
        Ok(test_file::is_all(&file, 0, at, 1)?
            && test_file::is_all(&file, at as u64, end - at, 0)?
            && test_file::is_all(&file, end as u64, SIZE - end, 1)?)
    }

    fn punch(file: &BackingFile, at: u64, length: u64) -> Result {
        change(file, Change::PunchHole, Bytes::new(at), Bytes::new(length))
    }

    fn zero(file: &BackingFile, at: u64, length: u64) -> Result<u64> {
        write_zeroes(file, false, Bytes::new(at), Bytes::new(length))
    }

    #[test]
    fn hole_reads_as_zeroes_and_nothing_else_does() -> Result {
        assert!(zeroed_exactly(4096, 12288, |file| punch(file, 4096, 8192))?);
        Ok(())
    }

    #[test]
    fn hole_need_not_be_aligned() -> Result {
        assert!(zeroed_exactly(1000, 9001, |file| punch(file, 1000, 8001))?);
        Ok(())
    }

    #[test]
    fn hole_beyond_the_end_leaves_the_size() -> Result {
        let file = test_file::filled(4096, 1)?;
        punch(&file, 2048, 1 << 20)?;
        assert_eq!(file.size()?.get(), 4096);
        Ok(())
    }

    #[test]
    fn what_the_file_system_cannot_do_is_told_as_such() -> Result {
        let file = test_file::new(4096)?;
        let result = change(&file, Change::ZeroRange, Bytes::new(0), Bytes::new(4096));
        assert!(result == Err(eopnotsupp()));
        Ok(())
    }

    #[test]
    fn range_beyond_what_files_can_have_is_refused() -> Result {
        let file = test_file::new(4096)?;
        assert!(punch(&file, 1 << 63, 512).is_err());
        assert!(punch(&file, 512, 1 << 63).is_err());
        assert!(zero(&file, 1 << 63, 512).is_err());
        Ok(())
    }

    #[test]
    fn zeroes_are_written_where_they_shall_be() -> Result {
        assert!(zeroed_exactly(4096, 12288, |file| {
            zero(file, 4096, 8192).map(|_| ())
        })?);
        Ok(())
    }

    #[test]
    fn zeroes_need_not_be_aligned() -> Result {
        assert!(zeroed_exactly(1000, 9001, |file| {
            zero(file, 1000, 8001).map(|_| ())
        })?);
        Ok(())
    }

    #[test]
    fn zeroes_written_are_counted() -> Result {
        let file = test_file::new(8192)?;
        assert_eq!(zero(&file, 0, 5000)?, 5000);
        Ok(())
    }

    #[test]
    fn zeroes_are_written_up_to_a_limit_at_once() -> Result {
        assert!(zeroed_exactly(512, 512 + MOST, |file| {
            match zero(file, 512, u64::MAX >> 1)? {
                written if written == MOST as u64 => Ok(()),
                _ => Err(EIO),
            }
        })?);
        Ok(())
    }

    #[test]
    fn zeroes_that_cannot_be_written_are_an_error() -> Result {
        let file = test_file::again(&test_file::new(4096)?, sys::RLOOP_O_RDONLY)?;
        assert!(zero(&file, 0, 512) == Err(EBADF));
        Ok(())
    }
}
