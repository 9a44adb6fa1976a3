// SPDX-License-Identifier: GPL-2.0

//! The machine's processors.

use crate::sys;

/// Processors that are, or may come to be, there.
pub(crate) fn cpus() -> u32 {
    // SAFETY: Counts bits of a mask that is always there.
    unsafe { sys::rloop_nr_cpus() }.max(1)
}

/// NUMA nodes that are there.
pub(crate) fn nodes() -> u32 {
    // SAFETY: Counts bits of a mask that is always there.
    unsafe { sys::rloop_nr_nodes() }.max(1)
}
