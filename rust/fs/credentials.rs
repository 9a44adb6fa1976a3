// SPDX-License-Identifier: GPL-2.0

//! Acting with somebody else's credentials.

use crate::sys;
use core::marker::PhantomData;
use kernel::{bindings, types::NotThreadSafe};

/// The current task acts with other credentials while this lives. Nests. Process context.
pub(super) struct ActingAs<'a> {
    old: *const bindings::cred,
    _cred: PhantomData<&'a bindings::cred>,
    _not_send: NotThreadSafe,
}

impl<'a> ActingAs<'a> {
    /// Acts as the one who opened `file`.
    ///
    /// # Safety
    ///
    /// `file` must be an open file for `'a`.
    pub(super) unsafe fn opener_of(file: *mut bindings::file) -> Self {
        // SAFETY: An open file holds a reference to its credentials, for `'a` by this function's
        // contract, and this object does not outlive `'a`.
        let old = unsafe { sys::rloop_override_creds((*file).f_cred) };
        Self {
            old,
            _cred: PhantomData,
            _not_send: NotThreadSafe,
        }
    }
}

impl Drop for ActingAs<'_> {
    fn drop(&mut self) {
        // SAFETY: `old` was the current task's, which is the same task: not `Send`.
        unsafe { sys::rloop_revert_creds(self.old) };
    }
}

#[kernel::prelude::kunit_tests(rloop_fs_credentials)]
mod tests {
    use super::*;
    use crate::fs::test_file;
    use kernel::prelude::*;

    /// The current task's credentials, for comparison.
    fn current() -> *const bindings::cred {
        // SAFETY: The current task is live, and only itself changes its credentials.
        unsafe { (*bindings::get_current()).cred }
    }

    #[test]
    fn task_acts_as_the_one_who_opened_the_file() -> Result {
        let (file, opener) = test_file::others()?;
        let acting = file.acting_as_opener();
        let inside = current();
        drop(acting);
        assert!(core::ptr::eq(inside, opener));
        Ok(())
    }

    #[test]
    fn task_is_itself_again_afterwards() -> Result {
        let (file, _) = test_file::others()?;
        let before = current();
        drop(file.acting_as_opener());
        assert!(core::ptr::eq(current(), before));
        Ok(())
    }

    #[test]
    fn inner_one_leaves_the_outer_in_force() -> Result {
        let (outer, opener) = test_file::others()?;
        let (inner, _) = test_file::others()?;
        let acting = outer.acting_as_opener();
        drop(inner.acting_as_opener());
        let after_inner = current();
        drop(acting);
        assert!(core::ptr::eq(after_inner, opener));
        Ok(())
    }
}
