// SPDX-License-Identifier: GPL-2.0

//! Error codes that `kernel::error::code` does not name yet.

use kernel::{bindings, error::Error};

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
}
