// SPDX-License-Identifier: GPL-2.0

//! Keeps users, and broken disks, from flooding the kernel log.
//!
//! Two budgets for the whole module, so that neither kind of message hides the other; each is the
//! kernel's default of 10 messages in 5 seconds (`include/linux/ratelimit_types.h`).

use crate::sys;

/// Whether one more message about something that was refused may go to the log now. Any context.
pub(crate) fn may_log_refusal() -> bool {
    // SAFETY: Works on a static state with a lock of its own.
    unsafe { sys::rloop_may_log_refusal() }
}

/// Whether one more message about something that went wrong may go to the log now. Any context.
pub(crate) fn may_log_trouble() -> bool {
    // SAFETY: Works on a static state with a lock of its own.
    unsafe { sys::rloop_may_log_trouble() }
}
