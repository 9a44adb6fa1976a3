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

#[kernel::prelude::kunit_tests(rloop_core_ratelimit)]
mod tests {
    use super::*;

    /// Messages in 5 seconds.
    const BUDGET: usize = 10;

    /// Begins with full budgets, and gives back what `test` used up, so that the messages of a
    /// module just loaded are not lost.
    fn with_full_budgets<R>(test: impl FnOnce() -> R) -> R {
        // SAFETY: Works on static states with locks of their own.
        unsafe { sys::rloop_test_reset_ratelimits() };
        let result = test();
        // SAFETY: As above.
        unsafe { sys::rloop_test_reset_ratelimits() };
        result
    }

    /// How many of more messages than the budget has would be logged.
    fn use_up(may_log: fn() -> bool) -> usize {
        (0..3 * BUDGET).filter(|_| may_log()).count()
    }

    #[test]
    fn ten_refusals_at_once() {
        let logged = with_full_budgets(|| use_up(may_log_refusal));
        assert_eq!(logged, BUDGET);
    }

    #[test]
    fn ten_troubles_at_once() {
        let logged = with_full_budgets(|| use_up(may_log_trouble));
        assert_eq!(logged, BUDGET);
    }

    #[test]
    fn refusals_do_not_hide_troubles() {
        let logged = with_full_budgets(|| {
            use_up(may_log_refusal);
            may_log_trouble()
        });
        assert!(logged);
    }
}
