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
