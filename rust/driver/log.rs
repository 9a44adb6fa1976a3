// SPDX-License-Identifier: GPL-2.0

//! What the kernel log is told.

/// Says in one rate-limited line why something was refused, and what would not have been.
///
/// `refused!(name, what, value, why, allowed)`: all but `name` and `value` are string-like.
macro_rules! refused {
    ($name:expr, $what:expr, $value:expr, $why:expr, $allowed:expr) => {
        if $crate::core::ratelimit::may_log_refusal() {
            ::kernel::prelude::pr_notice!(
                "{}: {} {}: {}, allowed: {}\n",
                $name,
                $what,
                $value,
                $why,
                $allowed
            );
        }
    };
}

/// Tells of something that went wrong in a device, in one rate-limited line.
macro_rules! trouble {
    ($name:expr, $($arg:tt)*) => {
        if $crate::core::ratelimit::may_log_trouble() {
            ::kernel::prelude::pr_err!("{}: {}\n", $name, ::kernel::prelude::fmt!($($arg)*));
        }
    };
}

pub(super) use {refused, trouble};
