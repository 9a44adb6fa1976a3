// SPDX-License-Identifier: GPL-2.0

//! A workqueue of the module's own.

use crate::sys;
use core::{ops::Deref, ptr::NonNull};
use kernel::{
    bindings, container_of,
    prelude::*,
    str::CStr,
    sync::Arc,
    workqueue::{HasDelayedWork, Queue, Work, WorkItem},
};

/// Where the items of a workqueue run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Locality {
    /// Where there is time (`WQ_UNBOUND`).
    Anywhere,
    /// On the processor that queues them (`WQ_PERCPU`).
    Here,
    /// There, in soft interrupts (`WQ_BH`): none of them may sleep. That queue has no threads, and is
    /// not below `/sys`.
    SoftIrq,
}

/// What becomes of a workqueue when the system is suspended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Freezer {
    /// It ends what it has begun, and begins nothing more until the system is resumed (`WQ_FREEZABLE`).
    /// For all that writes to a file system: its image on disk must not change when that of the memory
    /// was made (`Documentation/power/freezing-of-tasks.rst`).
    Stops,
    /// Nothing.
    GoesOn,
}

/// An allocated `WQ_MEM_RECLAIM | WQ_SYSFS` workqueue, or one of soft interrupts.
///
/// `WQ_MEM_RECLAIM` gives it a rescuer thread: work makes progress when no memory is left to start
/// another worker, as a block driver must. `WQ_SYSFS` shows it below
/// `/sys/bus/workqueue/devices/`, where the administrator can set its concurrency, and its CPUs if it
/// is not bound to them.
///
/// # Invariants
///
/// `ptr` is a live workqueue owned by this object.
pub(crate) struct WorkQueue {
    ptr: NonNull<bindings::workqueue_struct>,
}

// SAFETY: A workqueue may be used and destroyed from any thread.
unsafe impl Send for WorkQueue {}
// SAFETY: All operations on a workqueue are thread-safe.
unsafe impl Sync for WorkQueue {}

impl WorkQueue {
    /// Allocates a workqueue that runs at most `max_active` items at once on each NUMA node, or on each
    /// processor; 0 means the kernel's default, and has to be given with `SoftIrq`, as has
    /// `Freezer::GoesOn`. Fails with `ENOMEM`. May sleep.
    pub(crate) fn new(
        name: &CStr,
        locality: Locality,
        freezer: Freezer,
        max_active: i32,
    ) -> Result<Self> {
        let place = match locality {
            Locality::Anywhere => bindings::wq_flags_WQ_UNBOUND,
            Locality::Here => bindings::wq_flags_WQ_PERCPU,
            Locality::SoftIrq => bindings::wq_flags_WQ_BH | bindings::wq_flags_WQ_PERCPU,
        };
        let freezable = match freezer {
            Freezer::Stops => bindings::wq_flags_WQ_FREEZABLE,
            Freezer::GoesOn => 0,
        };
        // SAFETY: `name` is NUL-terminated and copied.
        let ptr = unsafe {
            sys::rloop_alloc_workqueue(name.as_char_ptr().cast(), place | freezable, max_active)
        };
        // INVARIANT: Just allocated, nobody else has it.
        Ok(Self {
            ptr: NonNull::new(ptr).ok_or(ENOMEM)?,
        })
    }

    /// Waits until everything queued before the call has run. May sleep.
    pub(crate) fn flush(&self) {
        // SAFETY: The workqueue is live by the type invariant.
        unsafe { bindings::__flush_workqueue(self.ptr.as_ptr()) };
    }
}

impl Deref for WorkQueue {
    type Target = Queue;

    fn deref(&self) -> &Queue {
        // SAFETY: The workqueue is live by the type invariant, as long as `self`.
        unsafe { Queue::from_raw(self.ptr.as_ptr()) }
    }
}

impl Drop for WorkQueue {
    fn drop(&mut self) {
        // SAFETY: Owned by the type invariant. Drains what is queued first.
        unsafe { bindings::destroy_workqueue(self.ptr.as_ptr()) };
    }
}

/// Takes back a delayed work item if it waits for its time or its turn, and waits for its end if it
/// runs, even if it would have itself queued again. Sleeps.
pub(crate) fn cancel<T, const ID: u64>(item: &Arc<T>)
where
    T: HasDelayedWork<T, ID> + WorkItem<ID, Pointer = Arc<T>>,
{
    let item = Arc::as_ptr(item);
    // SAFETY: It is live as long as the borrow. By `HasDelayedWork` the work that it has is that of a
    // `struct delayed_work`.
    let was_queued = unsafe {
        let work = Work::raw_get(T::raw_get_work(item.cast_mut()));
        bindings::cancel_delayed_work_sync(container_of!(work, bindings::delayed_work, work))
    };
    if was_queued {
        // SAFETY: What was queued is an `Arc`, made a pointer; as it will not be run that is ours now.
        drop(unsafe { Arc::from_raw(item) });
    }
}

#[kernel::prelude::kunit_tests(rloop_core_workqueue)]
mod tests {
    use super::*;
    use kernel::{
        c_str, impl_has_delayed_work,
        sync::atomic::{Atomic, Relaxed},
        time::{delay::fsleep, msecs_to_jiffies, Delta},
        workqueue::{new_delayed_work, DelayedWork},
    };

    /// Counts how often it has run, and whether it is gone.
    #[pin_data]
    struct Later {
        ran: Arc<Atomic<i32>>,
        #[pin]
        work: DelayedWork<Self>,
    }

    impl_has_delayed_work! {
        impl HasDelayedWork<Self> for Later { self.work }
    }

    impl WorkItem for Later {
        type Pointer = Arc<Self>;

        fn run(this: Arc<Self>) {
            this.ran.add(1, Relaxed);
        }
    }

    /// One that has not run, and where it counts.
    fn later() -> Result<(Arc<Later>, Arc<Atomic<i32>>)> {
        let ran = Arc::new(Atomic::new(0), GFP_KERNEL)?;
        let by_work = ran.clone();
        let item = Arc::pin_init(
            pin_init!(Later {
                ran: by_work,
                work <- new_delayed_work!("rloop_test::later"),
            }),
            GFP_KERNEL,
        )?;
        Ok((item, ran))
    }

    /// One that runs so many items at once at most; 0: the kernel's default.
    fn queue(name: &CStr, max_active: i32) -> Result<WorkQueue> {
        WorkQueue::new(name, Locality::Anywhere, Freezer::GoesOn, max_active)
    }

    fn pause() {
        fsleep(Delta::from_millis(20));
    }

    #[test]
    fn queued_work_has_run_after_a_flush() -> Result {
        let queue = queue(c_str!("rloop_test_flush"), 0)?;
        let ran = Arc::new(Atomic::new(0), GFP_KERNEL)?;
        for _ in 0..3 {
            let ran = ran.clone();
            queue.try_spawn(GFP_KERNEL, move || {
                pause();
                ran.add(1, Relaxed);
            })?;
        }
        queue.flush();
        let ran = ran.load(Relaxed);
        assert_eq!(ran, 3);
        Ok(())
    }

    #[test]
    fn queued_work_has_run_when_the_queue_is_gone() -> Result {
        let queue = queue(c_str!("rloop_test_drop"), 0)?;
        let ran = Arc::new(Atomic::new(0), GFP_KERNEL)?;
        let by_work = ran.clone();
        queue.try_spawn(GFP_KERNEL, move || {
            pause();
            by_work.store(1, Relaxed);
        })?;
        drop(queue);
        let ran = ran.load(Relaxed);
        assert_eq!(ran, 1);
        Ok(())
    }

    #[test]
    fn no_more_than_max_active_run_at_once() -> Result {
        let queue = queue(c_str!("rloop_test_active"), 1)?;
        let running = Arc::new(Atomic::new(0), GFP_KERNEL)?;
        let most = Arc::new(Atomic::new(0), GFP_KERNEL)?;
        for _ in 0..3 {
            let (running, most) = (running.clone(), most.clone());
            queue.try_spawn(GFP_KERNEL, move || {
                running.add(1, Relaxed);
                pause();
                let now = running.load(Relaxed);
                if now > most.load(Relaxed) {
                    most.store(now, Relaxed);
                }
                running.add(-1, Relaxed);
            })?;
        }
        queue.flush();
        let most = most.load(Relaxed);
        assert_eq!(most, 1);
        Ok(())
    }

    #[test]
    fn cancelled_work_never_runs_and_lets_go_of_its_item() -> Result {
        let queue = queue(c_str!("rloop_test_cancel"), 0)?;
        let (item, ran) = later()?;
        let queued = queue.enqueue_delayed(item.clone(), msecs_to_jiffies(3_600_000));
        assert!(queued.is_ok());
        cancel(&item);
        // What counts is held by the item alone.
        drop(item);
        drop(queue);
        let ran = Arc::into_unique_or_drop(ran).map(|ran| ran.load(Relaxed));
        assert_eq!(ran, Some(0));
        Ok(())
    }

    #[test]
    fn work_that_is_not_queued_can_be_cancelled() -> Result {
        let (item, ran) = later()?;
        cancel(&item);
        drop(item);
        assert!(Arc::into_unique_or_drop(ran).is_some());
        Ok(())
    }
}
