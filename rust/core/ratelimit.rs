// SPDX-License-Identifier: GPL-2.0

//! Keeps users from flooding the kernel log.

use crate::sys;

/// Whether one more message may go to the log now. One budget for the whole module: the kernel's
/// default of 10 messages in 5 seconds (`include/linux/ratelimit_types.h`). Any context.
pub(crate) fn allow() -> bool {
    // SAFETY: Works on a static state with a lock of its own.
    unsafe { sys::rloop_ratelimit() }
}
