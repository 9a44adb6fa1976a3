// SPDX-License-Identifier: GPL-2.0

//! Error codes that `kernel::error::code` does not name yet.

use crate::logic::errcursor::Errno;
use kernel::{
    bindings,
    error::{code, Error},
};

/// Operation not supported.
pub(crate) fn eopnotsupp() -> Error {
    Error::from_errno(-(bindings::EOPNOTSUPP as i32))
}

/// File name too long.
pub(crate) fn enametoolong() -> Error {
    Error::from_errno(-(bindings::ENAMETOOLONG as i32))
}

/// Function not implemented.
pub(crate) fn enosys() -> Error {
    Error::from_errno(-(bindings::ENOSYS as i32))
}

/// Disk quota exceeded.
pub(crate) fn edquot() -> Error {
    Error::from_errno(-(bindings::EDQUOT as i32))
}

/// An error as user space may be told it: of those that the VFS keeps to itself, that a network file
/// system has not found a file that is open (`EOPENSTALE`) is `ESTALE`.
pub(crate) fn for_user(error: Error) -> Error {
    if error == code::EOPENSTALE {
        Error::from_errno(-(bindings::ESTALE as i32))
    } else {
        error
    }
}

/// An error as the logic knows it.
pub(crate) fn to_logic(error: Error) -> Errno {
    Errno::new(error.to_errno())
}

/// And back.
pub(crate) fn from_logic(errno: Errno) -> Error {
    Error::from_errno(-i32::from(errno.get()))
}

#[kernel::prelude::kunit_tests(rloop_core_errno)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_user_space() {
        assert_eq!(eopnotsupp().to_errno(), -95);
        assert_eq!(enametoolong().to_errno(), -36);
        assert_eq!(enosys().to_errno(), -38);
        assert_eq!(edquot().to_errno(), -122);
    }

    #[test]
    fn user_space_is_told_what_it_knows() {
        assert_eq!(for_user(code::EOPENSTALE).to_errno(), -116);
        assert_eq!(for_user(code::EIO).to_errno(), -5);
    }

    #[test]
    fn every_error_survives_the_way_to_the_logic_and_back() {
        for errno in 1..=bindings::MAX_ERRNO as i32 {
            let error = from_logic(to_logic(Error::from_errno(-errno)));
            assert_eq!(error.to_errno(), -errno);
        }
    }
}
