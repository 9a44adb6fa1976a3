// SPDX-License-Identifier: GPL-2.0

//! A spin lock that is safe to take where interrupts may come.

use crate::sys;
use kernel::{
    bindings,
    sync::lock::{Backend, Lock},
};

/// `spinlock_t`, always taken with local interrupts off (`spin_lock_irqsave`).
///
/// For data that I/O completions touch: those run in hard interrupt context on some devices. Create
/// it with [`new_irq_lock!`](crate::new_irq_lock).
pub(crate) type IrqLock<T> = Lock<T, IrqSpin>;

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
