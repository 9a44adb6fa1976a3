// SPDX-License-Identifier: GPL-2.0

//! Clocks.

use crate::{logic::units::Moment, sys};

/// This moment, by the clock that requests are stamped by. Any context.
pub(crate) fn now() -> Moment {
    // SAFETY: Reads a clock.
    Moment::new(unsafe { sys::rloop_now() })
}

/// Seconds since the machine was started. Any context; costs next to nothing.
pub(crate) fn seconds() -> i64 {
    // SAFETY: Reads a clock.
    unsafe { sys::rloop_seconds() }
}
