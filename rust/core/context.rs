// SPDX-License-Identifier: GPL-2.0

//! The context in which backing I/O is asked for, and that in which a worker does it.

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

/// Whether the current task has a real-time or deadline policy: there is no telling how long others
/// will have to wait for its processor. Any context.
pub(crate) fn is_realtime() -> bool {
    // SAFETY: Looks at the current task.
    unsafe { sys::rloop_is_realtime() }
}

/// Whether no other task wants the current task's processor, which may be another one at any time.
/// Process context.
pub(crate) fn is_only_task() -> bool {
    // SAFETY: Looks at a counter of the current processor.
    unsafe { sys::rloop_is_only_task() }
}

/// While it lives, the current task stays on its processor and no other task comes to run there. For
/// what others rely on to be done at once. Any context; whoever has it must not sleep. Nests.
///
/// With `PREEMPT_RT`, where locks sleep, it only stays.
pub(crate) struct Stay(NotThreadSafe);

impl Stay {
    /// Stays here.
    pub(crate) fn here() -> Self {
        // SAFETY: It ends by `rloop_leave()` in the same task, as the type is neither `Send` nor
        // `Sync`. (One that is forgotten is noticed by the scheduler.)
        unsafe { sys::rloop_stay() };
        Self(NotThreadSafe)
    }

    /// The number of the processor.
    pub(crate) fn cpu(&self) -> u32 {
        cpu()
    }
}

impl Drop for Stay {
    fn drop(&mut self) {
        // SAFETY: `rloop_stay()` was called in this same task.
        unsafe { sys::rloop_leave() };
    }
}

/// Whether this is a hard interrupt, or interrupts are off for somebody's lock.
pub(crate) fn irqs_off() -> bool {
    // SAFETY: Looks at a counter and a flag of the current processor.
    unsafe { sys::rloop_irqs_off() }
}

/// The number of the current processor, which may be another one at any time. Any context.
pub(crate) fn cpu() -> u32 {
    // SAFETY: It is always on one.
    unsafe { sys::rloop_cpu() }
}

/// Whether the current processor is one that unbound work is kept away from (`isolcpus`, `nohz_full`,
/// isolated cpusets). Any context.
pub(crate) fn on_isolated_cpu() -> bool {
    // SAFETY: Looks at masks of processors, as they are in the RCU section that it has for that.
    unsafe { sys::rloop_on_isolated_cpu() }
}

/// Waits until each task that is preempted now, wherever that is, has gone on and come to where it
/// sleeps or returns to user space (`synchronize_rcu_tasks()`, see `kernel/rcu/tasks.h`). Sleeps.
///
/// For the end of the module. A task that is not ours may have told of the end of direct I/O: what it
/// still executes of our code after the request has ended nothing else waits for.
pub(crate) fn wait_for_preempted_tasks() {
    // SAFETY: May be called where one may sleep.
    unsafe { sys::rloop_synchronize_rcu_tasks() };
}

#[kernel::prelude::kunit_tests(rloop_core_context)]
mod tests {
    use super::*;
    use kernel::bindings::{self, PF_LOCAL_THROTTLE, PF_MEMALLOC_NOIO};

    /// The flags of the current task that the context is about.
    fn flags() -> u32 {
        // SAFETY: The current task is live, and only itself changes its flags.
        unsafe { (*bindings::get_current()).flags & (PF_LOCAL_THROTTLE | PF_MEMALLOC_NOIO) }
    }

    #[test]
    fn allocations_start_no_io() {
        let context = IoContext::enter();
        let inside = flags();
        drop(context);
        assert!(inside & PF_MEMALLOC_NOIO != 0);
    }

    #[test]
    fn writes_are_throttled_by_their_own_writeback_only() {
        let context = IoContext::enter();
        let inside = flags();
        drop(context);
        assert!(inside & PF_LOCAL_THROTTLE != 0);
    }

    #[test]
    fn nothing_is_left_of_it() {
        let before = flags();
        drop(IoContext::enter());
        assert_eq!(flags(), before);
    }

    #[test]
    fn inner_one_leaves_the_outer_in_force() {
        let outer = IoContext::enter();
        let inside = flags();
        drop(IoContext::enter());
        let after_inner = flags();
        drop(outer);
        assert_eq!(after_inner, inside);
    }

    #[test]
    fn a_real_time_task_is_told_from_others() {
        let before = is_realtime();
        // SAFETY: The current task, whose policy nobody else changes; it goes back to the default
        // one, in which KUnit runs its tests.
        unsafe { bindings::sched_set_fifo(bindings::get_current()) };
        let inside = is_realtime();
        // SAFETY: As above.
        unsafe { bindings::sched_set_normal(bindings::get_current(), 0) };
        assert_eq!((before, inside, is_realtime()), (false, true, false));
    }
}
