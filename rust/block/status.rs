// SPDX-License-Identifier: GPL-2.0

//! The result of a request, `blk_status_t`.

use crate::{
    core::errno::{edquot, eopnotsupp},
    sys,
};
use kernel::{bindings, error::code, prelude::*};

/// How a request ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Status(u8);

impl Status {
    /// Success.
    pub(crate) const OK: Status = Status(sys::RLOOP_BLK_STS_OK);
    /// Input/output error, `EIO`.
    pub(crate) const IOERR: Status = Status(sys::RLOOP_BLK_STS_IOERR);

    /// That of a flush that fails: as that of any request, but for `EOPNOTSUPP`. Whoever asks a block
    /// device for a flush takes that to mean that there is nothing to be flushed (`blkdev_fsync` in
    /// `block/fops.c`), and no loss may be told so: `EIO`.
    pub(crate) fn of_flush(error: Error) -> Self {
        if error == eopnotsupp() {
            Status::IOERR
        } else {
            Status::from(error)
        }
    }

    /// The value blk-mq expects.
    pub(super) fn raw(self) -> bindings::blk_status_t {
        self.0
    }
}

impl From<Error> for Status {
    /// The status that gives the submitter this errno, as far as the block layer can carry it.
    ///
    /// The block layer has 20 codes (`block/blk-core.c`, `blk_errors`). Of those it lacks, a quota
    /// that is used up is told as `ENOSPC`, which programs and file systems know how to handle; all
    /// others become `EIO`.
    fn from(error: Error) -> Self {
        if error == edquot() {
            return Status(sys::RLOOP_BLK_STS_NOSPC);
        }
        if error == code::ENOMEM || error == code::EAGAIN || error == code::EBUSY {
            // Their codes mean "queue the request again" to blk-mq and stacked drivers; at the end
            // of a request that was tried they are simply failures.
            return Status::IOERR;
        }
        // SAFETY: Looks up a table; takes any number.
        Status(unsafe { bindings::errno_to_blk_status(error.to_errno()) })
    }
}

#[kunit_tests(rloop_block_status)]
mod tests {
    use super::*;
    use crate::core::errno::enosys;

    /// The errno that reaches the submitter of a request that ended so.
    fn told(status: Status) -> i32 {
        // SAFETY: Looks up a table; the status is one of those in it.
        unsafe { bindings::blk_status_to_errno(status.raw()) }
    }

    /// The errno that reaches the submitter when the backing file fails with `error`.
    fn told_for(error: Error) -> i32 {
        told(Status::from(error))
    }

    #[test]
    fn io_error_is_told_as_such() {
        assert_eq!(told(Status::IOERR), EIO.to_errno());
        assert!(Status::from(EIO) == Status::IOERR);
    }

    #[test]
    fn no_space_is_told_as_such() {
        assert_eq!(told_for(ENOSPC), ENOSPC.to_errno());
    }

    #[test]
    fn what_the_block_layer_knows_is_told_as_such() {
        for error in [
            eopnotsupp(),
            ENOSPC,
            EIO,
            Error::from_errno(-(bindings::ETIMEDOUT as i32)),
            Error::from_errno(-(bindings::ENOLINK as i32)),
            Error::from_errno(-(bindings::EREMOTEIO as i32)),
            Error::from_errno(-(bindings::ENODATA as i32)),
            Error::from_errno(-(bindings::EILSEQ as i32)),
        ] {
            assert_eq!(told_for(error), error.to_errno());
        }
    }

    #[test]
    fn a_flush_never_fails_as_if_there_was_nothing_to_do() {
        let told_by_flush = |error| told(Status::of_flush(error));
        assert_eq!(told_by_flush(eopnotsupp()), EIO.to_errno());
        assert_eq!(told_by_flush(ENOSPC), ENOSPC.to_errno());
    }

    #[test]
    fn used_up_quota_is_told_as_no_space() {
        assert_eq!(told_for(edquot()), ENOSPC.to_errno());
    }

    #[test]
    fn passing_trouble_is_not_told_as_try_again() {
        for error in [ENOMEM, EAGAIN, EBUSY] {
            assert_eq!(told_for(error), EIO.to_errno());
        }
    }

    #[test]
    fn what_the_block_layer_does_not_know_is_an_io_error() {
        for error in [EROFS, EFBIG, EBADF, EINTR, enosys()] {
            assert_eq!(told_for(error), EIO.to_errno());
        }
    }

    #[test]
    fn no_error_is_told_as_success() {
        for errno in 1..=bindings::MAX_ERRNO as i32 {
            assert!(told_for(Error::from_errno(-errno)) < 0);
        }
    }
}
