// SPDX-License-Identifier: GPL-2.0

//! A stopped queue.

use crate::{
    block::{limits::Limits, Disk, Operations},
    sys,
};
use core::mem::MaybeUninit;
use kernel::{
    bindings,
    error::to_result,
    prelude::*,
    sync::lock::{mutex::MutexBackend, Guard},
};

/// No request of the disk is in flight and none can begin while this lives.
///
/// Changing how a device works is: freeze, perhaps with other limits, [`change queue
/// data`](Self::queue_data), drop.
///
/// # Invariants
///
/// The queue was frozen by this object, and it holds `DiskData::freezing`, so that no other
/// `Frozen` of the same disk exists.
pub(crate) struct Frozen<'a, T: Operations> {
    disk: &'a Disk<T>,
    memflags: u32,
    // LOCKING: `limits_lock` of the queue nests inside. It is taken before the queue is frozen, as
    // everywhere in the kernel: who holds it may wait for memory, and so for I/O.
    _exclusive: Guard<'a, (), MutexBackend>,
}

impl<'a, T: Operations> Frozen<'a, T> {
    /// Freezes the queue.
    pub(super) fn new(disk: &'a Disk<T>) -> Self {
        Self::locked(disk, disk.data().freezing.lock())
    }

    /// Freezes the queue, and sets its limits; from `before`, if that is known. On an error (`EINVAL`:
    /// impossible limits) nothing is changed.
    pub(super) fn with_limits(
        disk: &'a Disk<T>,
        limits: &Limits,
        before: Option<&Limits>,
    ) -> Result<Self> {
        let exclusive = disk.data().freezing.lock();
        let queue = disk.queue();
        let mut raw = MaybeUninit::<bindings::queue_limits>::uninit();
        // SAFETY: The queue is live and `raw` valid for writes; takes `limits_lock`.
        let mut raw = unsafe {
            sys::rloop_limits_start(queue, raw.as_mut_ptr());
            raw.assume_init()
        };
        let same_medium = before.is_some_and(|before| before.rotational == limits.rotational);
        limits.apply(&mut raw, same_medium);
        let read_ahead = disk.read_ahead();
        let frozen = Self::locked(disk, exclusive);
        // SAFETY: The queue is live and frozen; releases `limits_lock`.
        to_result(unsafe { bindings::queue_limits_commit_update(queue, &mut raw) })?;
        if same_medium {
            // It was made as large as the kernel thinks right. (Who sets it in sysfs just now sees to
            // that himself, or is not heard.)
            disk.set_read_ahead(read_ahead);
        }
        Ok(frozen)
    }

    fn locked(disk: &'a Disk<T>, exclusive: Guard<'a, (), MutexBackend>) -> Self {
        // SAFETY: The disk's queue is live.
        let memflags = unsafe { sys::rloop_freeze(disk.queue()) };
        // INVARIANT: Frozen just now, and `exclusive` is the lock.
        Self {
            disk,
            memflags,
            _exclusive: exclusive,
        }
    }

    /// What the I/O path reads.
    pub(crate) fn queue_data(&mut self) -> &mut T::QueueData {
        // SAFETY: It is read through requests only, of which there are none, and written through
        // `Frozen` only, of which this is the only one and mutably borrowed.
        unsafe { &mut *self.disk.data().queue_data.get() }
    }
}

impl<T: Operations> Drop for Frozen<'_, T> {
    fn drop(&mut self) {
        // SAFETY: Frozen by this object in this task, as the lock guard is not `Send`.
        unsafe { sys::rloop_unfreeze(self.disk.queue(), self.memflags) };
    }
}
