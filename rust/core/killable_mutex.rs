// SPDX-License-Identifier: GPL-2.0

//! A mutex that a task which is killed need not wait for.

use crate::sys;
use core::{
    cell::UnsafeCell,
    marker::PhantomData,
    ops::{Deref, DerefMut},
};
use kernel::{
    bindings,
    error::to_result,
    prelude::*,
    str::CStr,
    sync::{LockClassKey, Mutex, MutexGuard},
    types::Opaque,
};

/// `struct mutex`, which can be waited for killably (`mutex_lock_killable`), too.
///
/// The `kernel` crate's [`Mutex`] has no such method. Create it with
/// [`new_killable_mutex!`](crate::new_killable_mutex).
///
/// # Invariants
///
/// `state` is initialised. `data` is accessed by the owner of `state` only.
#[pin_data]
pub(crate) struct KillableMutex<T> {
    #[pin]
    state: Opaque<bindings::mutex>,
    data: UnsafeCell<T>,
}

// SAFETY: A mutex may be used from any task; with it goes its data.
unsafe impl<T: Send> Send for KillableMutex<T> {}
// SAFETY: The data is given to one task at a time.
unsafe impl<T: Send> Sync for KillableMutex<T> {}

/// Creates a [`KillableMutex`] initialiser with a lock class of its own.
#[macro_export]
macro_rules! new_killable_mutex {
    ($inner:expr, $name:literal) => {
        $crate::core::killable_mutex::KillableMutex::new(
            $inner,
            ::kernel::c_str!($name),
            ::kernel::static_lock_class!(),
        )
    };
}

impl<T> KillableMutex<T> {
    /// Creates it, not locked. For [`new_killable_mutex!`](crate::new_killable_mutex).
    pub(crate) fn new(
        data: T,
        name: &'static CStr,
        key: Pin<&'static LockClassKey>,
    ) -> impl PinInit<Self> {
        pin_init!(Self {
            // INVARIANT: Initialised here; nobody has the data yet.
            // SAFETY: `slot` is valid for writes; `name` and `key` live forever.
            state <- Opaque::ffi_init(|slot| unsafe {
                bindings::__mutex_init(slot, name.as_char_ptr(), key.as_ptr())
            }),
            data: UnsafeCell::new(data),
        })
    }

    /// Waits until it is the caller's, whatever happens. Sleeps.
    pub(crate) fn lock(&self) -> KillableGuard<'_, T> {
        self.guard(self.mutex().lock())
    }

    /// Waits until it is the caller's. Fails with `EINTR` when the caller is killed before. For
    /// what is done on behalf of a user: who holds it may wait for I/O that never ends. Sleeps.
    pub(crate) fn lock_killable(&self) -> Result<KillableGuard<'_, T>> {
        // SAFETY: Initialised, by the type invariant.
        to_result(unsafe { sys::rloop_mutex_lock_killable(self.state.get()) })?;
        // SAFETY: Locked just now, which is left to the guard to undo.
        let held = unsafe { MutexGuard::new(self.mutex(), ()) };
        Ok(self.guard(held))
    }

    /// Takes it if nobody has it.
    pub(crate) fn try_lock(&self) -> Option<KillableGuard<'_, T>> {
        self.mutex().try_lock().map(|held| self.guard(held))
    }

    /// As the `kernel` crate has it.
    fn mutex(&self) -> &Mutex<()> {
        // SAFETY: Initialised, by the type invariant, for as long as `self` lives.
        unsafe { Mutex::from_raw(self.state.get()) }
    }

    /// `held` must be this one's.
    fn guard<'a>(&'a self, held: MutexGuard<'a, ()>) -> KillableGuard<'a, T> {
        // INVARIANT: By this function's contract; only this module can call it.
        KillableGuard {
            lock: self,
            _held: held,
            _data: PhantomData,
        }
    }
}

/// The mutex while it is held.
///
/// # Invariants
///
/// `_held` is the guard of `lock.state`.
#[must_use = "the lock unlocks immediately when the guard is unused"]
pub(crate) struct KillableGuard<'a, T> {
    lock: &'a KillableMutex<T>,
    _held: MutexGuard<'a, ()>,
    // It is as good as this reference, for `Sync` as well.
    _data: PhantomData<&'a mut T>,
}

impl<T> Deref for KillableGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: The mutex is held while `self` lives, by the type invariant.
        unsafe { &*self.lock.data.get() }
    }
}

impl<T> DerefMut for KillableGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: As in `deref()`; and this is the only guard, borrowed exclusively.
        unsafe { &mut *self.lock.data.get() }
    }
}

#[kernel::prelude::kunit_tests(rloop_core_killable_mutex)]
mod tests {
    use super::*;
    use crate::core::workqueue::{Freezer, Locality, WorkQueue};
    use core::hint::spin_loop;
    use kernel::{
        c_str,
        sync::{Arc, Completion},
    };

    /// A mutex, and what is said to whom holds it, and by whom.
    #[pin_data]
    struct Contended {
        #[pin]
        lock: KillableMutex<u32>,
        #[pin]
        held: Completion,
        #[pin]
        enough: Completion,
    }

    /// The result of `test` on a mutex that another task holds, and then on the same mutex when it
    /// is free.
    fn held_and_free<R>(test: impl Fn(&KillableMutex<u32>) -> R) -> Result<(R, R)> {
        let shared = Arc::pin_init(
            pin_init!(Contended {
                lock <- new_killable_mutex!(0, "rloop::test_killable"),
                held <- Completion::new(),
                enough <- Completion::new(),
            }),
            GFP_KERNEL,
        )?;
        let workers = WorkQueue::new(
            c_str!("rloop_test_held"),
            Locality::Anywhere,
            Freezer::GoesOn,
            1,
        )?;
        let holder = shared.clone();
        workers.try_spawn(GFP_KERNEL, move || {
            let guard = holder.lock.lock();
            holder.held.complete_all();
            holder.enough.wait_for_completion();
            drop(guard);
        })?;
        shared.held.wait_for_completion();
        let held = test(&shared.lock);
        shared.enough.complete_all();
        workers.flush();
        Ok((held, test(&shared.lock)))
    }

    /// What `action` returns if a fatal signal is pending.
    fn killed<R>(action: impl FnOnce() -> R) -> R {
        // SAFETY: Changes the signals of this thread only, which is the test's.
        unsafe { sys::rloop_test_be_killed() };
        let result = action();
        // SAFETY: As above.
        unsafe { sys::rloop_test_be_spared() };
        result
    }

    #[test]
    fn who_is_killed_does_not_wait() -> Result {
        let (held, free) = held_and_free(|lock| killed(|| lock.lock_killable().map(drop)))?;
        assert!(held == Err(EINTR));
        assert!(free == Ok(()));
        Ok(())
    }

    #[test]
    fn nobody_waits_who_only_tries() -> Result {
        let taken = held_and_free(|lock| lock.try_lock().is_some())?;
        assert_eq!(taken, (false, true));
        Ok(())
    }

    #[test]
    fn holders_exclude_each_other() -> Result {
        const TURNS: u32 = 2000;
        let count = Arc::pin_init(new_killable_mutex!(0u32, "rloop::test_count"), GFP_KERNEL)?;
        let workers = WorkQueue::new(
            c_str!("rloop_test_mutex"),
            Locality::Anywhere,
            Freezer::GoesOn,
            2,
        )?;
        for killably in [false, true] {
            let count = count.clone();
            workers.try_spawn(GFP_KERNEL, move || {
                for _ in 0..TURNS {
                    let mut count = if killably {
                        match count.lock_killable() {
                            Ok(count) => count,
                            Err(_) => return,
                        }
                    } else {
                        count.lock()
                    };
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
