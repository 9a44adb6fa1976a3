// SPDX-License-Identifier: GPL-2.0

//! A spin lock that is safe to take where interrupts may come.

use crate::sys;
use kernel::{
    bindings,
    sync::lock::{Backend, Guard, Lock},
};

/// `spinlock_t`, always taken with local interrupts off (`spin_lock_irqsave`).
///
/// For data that I/O completions touch: those run in hard interrupt context on some devices. Create
/// it with [`new_irq_lock!`](crate::new_irq_lock).
pub(crate) type IrqLock<T> = Lock<T, IrqSpin>;

/// The lock while it is held.
pub(crate) type IrqGuard<'a, T> = Guard<'a, T, IrqSpin>;

/// The [`Backend`] of [`IrqLock`].
pub(crate) struct IrqSpin;

/// Creates an [`IrqLock`] initialiser with a lock class of its own.
#[macro_export]
macro_rules! new_irq_lock {
    ($inner:expr, $name:literal) => {
        $crate::core::irq_lock::IrqLock::new(
            $inner,
            ::kernel::c_str!($name),
            ::kernel::static_lock_class!(),
        )
    };
}

// SAFETY: `spinlock_t` gives mutual exclusion between all CPUs, and with interrupts off also
// against interrupts on this one. `relock` uses the default implementation.
unsafe impl Backend for IrqSpin {
    type State = bindings::spinlock_t;
    type GuardState = usize;

    unsafe fn init(
        ptr: *mut Self::State,
        name: *const kernel::ffi::c_char,
        key: *mut bindings::lock_class_key,
    ) {
        // SAFETY: `ptr` is valid for writes; `name` and `key` live forever, by this function's
        // contract.
        unsafe { bindings::__spin_lock_init(ptr, name, key) }
    }

    unsafe fn lock(ptr: *mut Self::State) -> Self::GuardState {
        // SAFETY: `ptr` was initialised, by this function's contract.
        unsafe { sys::rloop_spin_lock_irqsave(ptr) }
    }

    unsafe fn try_lock(_ptr: *mut Self::State) -> Option<Self::GuardState> {
        // Nobody asks; "contended" is always a correct answer.
        None
    }

    unsafe fn unlock(ptr: *mut Self::State, flags: &Self::GuardState) {
        // SAFETY: The caller owns the lock, and `flags` came from taking it.
        unsafe { sys::rloop_spin_unlock_irqrestore(ptr, *flags) }
    }

    unsafe fn assert_is_held(ptr: *mut Self::State) {
        // SAFETY: `ptr` was initialised, by this function's contract.
        unsafe { sys::rloop_assert_spin_held(ptr) }
    }
}

#[kernel::prelude::kunit_tests(rloop_core_irq_lock)]
mod tests {
    use crate::{
        core::workqueue::{Freezer, Locality, WorkQueue},
        sys,
    };
    use core::hint::spin_loop;
    use kernel::{c_str, prelude::*, sync::Arc};

    /// Whether interrupts are off on this CPU.
    fn interrupts_off() -> bool {
        // SAFETY: Reads a flag of the CPU.
        unsafe { sys::rloop_test_interrupts_off() }
    }

    #[test]
    fn interrupts_are_off_while_it_is_held() -> Result {
        let lock = KBox::pin_init(new_irq_lock!((), "rloop::test"), GFP_KERNEL)?;
        let guard = lock.lock();
        let held = interrupts_off();
        drop(guard);
        assert!(held);
        assert!(!interrupts_off());
        Ok(())
    }

    #[test]
    fn inner_one_leaves_interrupts_off() -> Result {
        let outer = KBox::pin_init(new_irq_lock!((), "rloop::test_outer"), GFP_KERNEL)?;
        let inner = KBox::pin_init(new_irq_lock!((), "rloop::test_inner"), GFP_KERNEL)?;
        let guard = outer.lock();
        drop(inner.lock());
        let after_inner = interrupts_off();
        drop(guard);
        assert!(after_inner);
        Ok(())
    }

    #[test]
    fn holders_exclude_each_other() -> Result {
        const TURNS: u32 = 2000;
        let count = Arc::pin_init(new_irq_lock!(0u32, "rloop::test_count"), GFP_KERNEL)?;
        let workers = WorkQueue::new(
            c_str!("rloop_test_lock"),
            Locality::Anywhere,
            Freezer::GoesOn,
            2,
        )?;
        for _ in 0..2 {
            let count = count.clone();
            workers.try_spawn(GFP_KERNEL, move || {
                for _ in 0..TURNS {
                    let mut count = count.lock();
                    let seen = *count;
                    // Long enough for another CPU to come between.
                    for _ in 0..20 {
                        spin_loop();
                    }
                    *count = seen.wrapping_add(1);
                }
            })?;
        }
        workers.flush();
        let count = *count.lock();
        assert_eq!(count, 2 * TURNS);
        Ok(())
    }
}
