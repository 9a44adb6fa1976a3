// SPDX-License-Identifier: GPL-2.0

//! The context in which a worker does backing I/O.

use crate::sys;
use kernel::types::NotThreadSafe;

/// While it lives, the current task allocates as if every allocation were `GFP_NOIO` and is
/// throttled in `balance_dirty_pages()` by its own writeback only.
///
/// A block driver's worker must be so marked: reclaim that it triggered could otherwise wait for
/// I/O on the very device the worker serves (`PF_MEMALLOC_NOIO`), and a worker that writes dirty
/// pages of one file system to another would be held back by the dirty limit that only it can
/// lower (`PF_LOCAL_THROTTLE`). See `include/linux/sched.h`.
///
/// Process context. Nests.
pub(crate) struct IoContext {
    old: u32,
    _not_send: NotThreadSafe,
}

impl IoContext {
    /// Enters the context.
    pub(crate) fn enter() -> Self {
        // SAFETY: Changes flags of the current task only, which is always allowed in process
        // context.
        let old = unsafe { sys::rloop_io_context_enter() };
        Self {
            old,
            _not_send: NotThreadSafe,
        }
    }
}

impl Drop for IoContext {
    fn drop(&mut self) {
        // SAFETY: `old` came from `rloop_io_context_enter()` in this same task, as the type is
        // neither `Send` nor `Sync`.
        unsafe { sys::rloop_io_context_exit(self.old) };
    }
}
