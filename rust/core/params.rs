// SPDX-License-Identifier: GPL-2.0

//! The module's parameters as the user gave them, unchecked.
//!
//! They are declared in `helpers.c`, as the `kernel` crate of 7.2 has integer parameters only and
//! shows none in sysfs.

use crate::sys;
use kernel::str::{CStr, CStrExt as _};

/// `name=`. Only while the module is being initialised or running, which is always.
pub(crate) fn name() -> &'static CStr {
    // SAFETY: The parameter is set before the module's init function and, having mode 0444, never
    // changed afterwards; it points to a NUL-terminated string that lives as long as the module.
    unsafe { CStr::from_char_ptr(sys::rloop_name) }
}

/// `max_loop=`.
pub(crate) fn max_loop() -> i32 {
    // SAFETY: As above: written before init only.
    unsafe { sys::rloop_max_loop }
}

/// Whether there was a `max_loop=`.
pub(crate) fn max_loop_given() -> bool {
    // SAFETY: As above: written before init only.
    unsafe { sys::rloop_max_loop_given }
}

/// `max_part=`.
pub(crate) fn max_part() -> i32 {
    // SAFETY: As above: written before init only, or by `set_max_part()` during init.
    unsafe { sys::rloop_max_part }
}

/// `queues=`.
pub(crate) fn queues() -> i32 {
    // SAFETY: As above: written before init only.
    unsafe { sys::rloop_queues }
}

/// `queue_depth=`.
pub(crate) fn queue_depth() -> i32 {
    // SAFETY: As above: written before init only.
    unsafe { sys::rloop_queue_depth }
}

/// `workers=`.
pub(crate) fn workers() -> i32 {
    // SAFETY: As above: written before init only.
    unsafe { sys::rloop_workers }
}

/// `error_policy=`.
pub(crate) fn error_policy() -> &'static CStr {
    // SAFETY: As for `name()`.
    unsafe { CStr::from_char_ptr(sys::rloop_error_policy) }
}

/// `flush_mode=`.
pub(crate) fn flush_mode() -> &'static CStr {
    // SAFETY: As for `name()`.
    unsafe { CStr::from_char_ptr(sys::rloop_flush_mode) }
}

/// Replaces what `/sys/module/rloop/parameters/max_part` shows by the value in force.
///
/// To be called from the module's init function only.
pub(crate) fn set_max_part(value: i32) {
    // SAFETY: Init runs once, before any other code of this module; a concurrent reader of the
    // sysfs file sees the old or the new value of an aligned `int`.
    unsafe { sys::rloop_max_part = value };
}
