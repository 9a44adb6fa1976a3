// SPDX-License-Identifier: GPL-2.0

//! Block device major numbers.

use crate::sys;
use kernel::{bindings, error::to_result, prelude::*, str::CString};

/// The major number of loop devices, `LOOP_MAJOR`.
pub(crate) const LOOP: u32 = sys::RLOOP_LOOP_MAJOR;

/// A registered major number; unregistered when dropped.
pub(crate) struct Major {
    number: u32,
    name: CString,
}

impl Major {
    /// Registers `number`, or any free one for `None`, under `name` in `/proc/devices`.
    ///
    /// Fails with `EBUSY` when the number is taken. May sleep.
    pub(crate) fn register(number: Option<u32>, name: CString) -> Result<Self> {
        let wanted = number.unwrap_or(0);
        // SAFETY: `name` is copied.
        let ret = unsafe { bindings::__register_blkdev(wanted, name.as_char_ptr(), None) };
        to_result(ret.min(0))?;
        // A fixed number gives 0, a dynamic one the number.
        let number = match number {
            Some(number) => number,
            None => u32::try_from(ret)?,
        };
        Ok(Self { number, name })
    }

    /// The number.
    pub(crate) fn number(&self) -> u32 {
        self.number
    }
}

impl Drop for Major {
    fn drop(&mut self) {
        // SAFETY: Registered with the same number and name in `register()`.
        unsafe { bindings::unregister_blkdev(self.number, self.name.as_char_ptr()) };
    }
}

#[kunit_tests(rloop_block_major)]
mod tests {
    use super::*;

    fn major(number: Option<u32>) -> Result<Major> {
        Major::register(number, CString::try_from_fmt(fmt!("rloop-test"))?)
    }

    #[test]
    fn number_found_free_is_taken_then() -> Result {
        let first = major(None)?;
        let second = major(Some(first.number())).err();
        drop(first);
        assert!(second == Some(EBUSY));
        Ok(())
    }

    #[test]
    fn number_is_free_again_when_dropped() -> Result {
        let number = major(None)?.number();
        drop(major(Some(number))?);
        drop(major(Some(number))?);
        Ok(())
    }
}
