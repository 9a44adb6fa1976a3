// SPDX-License-Identifier: GPL-2.0

//! The clock that requests are stamped by.

use crate::{logic::units::Moment, sys};

/// This moment. Any context.
pub(crate) fn now() -> Moment {
    // SAFETY: Reads a clock.
    Moment::new(unsafe { sys::rloop_now() })
}
