// SPDX-License-Identifier: GPL-2.0

//! The result of a request, `blk_status_t`.

use crate::{core::errno::edquot, sys};
use kernel::{bindings, error::code, prelude::*};

/// How a request ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Status(u8);

impl Status {
    /// Success.
    pub(crate) const OK: Status = Status(sys::RLOOP_BLK_STS_OK);
    /// Input/output error, `EIO`.
    pub(crate) const IOERR: Status = Status(sys::RLOOP_BLK_STS_IOERR);

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
