// SPDX-License-Identifier: GPL-2.0

//! What the current task may do.

use crate::sys;

/// Whether the current task has `CAP_SYS_ADMIN` in the initial user namespace. Process context.
pub(crate) fn is_admin() -> bool {
    // SAFETY: `capable()` looks at the current task's own credentials only.
    unsafe { sys::rloop_capable_sys_admin() }
}

#[kernel::prelude::kunit_tests(rloop_core_privilege)]
mod tests {
    use super::*;
    use kernel::{bindings, prelude::*};

    #[test]
    fn kernel_thread_is_admin() {
        assert!(is_admin());
    }

    #[test]
    fn nobody_is_admin_without_the_capability() -> Result {
        // SAFETY: Copies the current task's credentials; the copy is this function's.
        let cred = unsafe { bindings::prepare_creds() };
        if cred.is_null() {
            return Err(ENOMEM);
        }
        // SAFETY: The copy is in force for this task only, and given up when it no longer is.
        let admin = unsafe {
            (*cred).cap_effective.val = 0;
            let old = sys::rloop_override_creds(cred);
            let admin = is_admin();
            sys::rloop_revert_creds(old);
            bindings::put_cred(cred);
            admin
        };
        assert!(!admin);
        Ok(())
    }
}
