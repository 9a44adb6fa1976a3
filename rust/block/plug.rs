// SPDX-License-Identifier: GPL-2.0

//! Plugging: what is submitted while a plug is held goes down as one batch.

use crate::sys;
use core::{marker::PhantomPinned, mem::MaybeUninit, pin::Pin};
use kernel::{bindings, types::NotThreadSafe};

/// Runs `submit` with the current task's plug held. May sleep, and a task that sleeps lets its
/// requests go.
pub(crate) fn plugged<R>(submit: impl FnOnce() -> R) -> R {
    struct Guard<'a>(Pin<&'a mut Plug>);
    struct Plug(
        MaybeUninit<bindings::blk_plug>,
        PhantomPinned,
        NotThreadSafe,
    );

    impl Drop for Guard<'_> {
        fn drop(&mut self) {
            // SAFETY: Started below, in this task, and still in its place.
            unsafe { sys::rloop_plug_finish(self.0.as_mut().get_unchecked_mut().0.as_mut_ptr()) };
        }
    }

    let mut plug = Plug(MaybeUninit::uninit(), PhantomPinned, NotThreadSafe);
    // SAFETY: The plug is not moved before the guard has finished it.
    let mut plug = unsafe { Pin::new_unchecked(&mut plug) };
    // SAFETY: Valid for writes; lives on this task's stack until the guard is dropped.
    unsafe { sys::rloop_plug_start(plug.as_mut().get_unchecked_mut().0.as_mut_ptr()) };
    let _guard = Guard(plug);
    submit()
}
