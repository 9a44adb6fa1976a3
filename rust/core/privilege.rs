// SPDX-License-Identifier: GPL-2.0

//! What the current task may do.

use crate::sys;

/// Whether the current task has `CAP_SYS_ADMIN` in the initial user namespace. Process context.
pub(crate) fn is_admin() -> bool {
    // SAFETY: `capable()` looks at the current task's own credentials only.
    unsafe { sys::rloop_capable_sys_admin() }
}
