// SPDX-License-Identifier: GPL-2.0

//! The tags, and with them the requests, of one disk.

use crate::{
    block::{vtable::MqVtable, Operations},
    sys,
};
use core::{marker::PhantomData, mem::size_of};
use kernel::{bindings, error::to_result, prelude::*, types::Opaque};

/// The shape of a disk's queues.
#[derive(Clone, Copy)]
pub(crate) struct Queues {
    /// Hardware queues.
    pub(crate) count: u32,
    /// Requests in flight at most, in each of them.
    pub(crate) depth: u32,
}

/// A `struct blk_mq_tag_set` whose requests carry [`Operations::RequestData`].
///
/// # Invariants
///
/// `inner` is allocated.
#[pin_data(PinnedDrop)]
pub(super) struct TagSet<T: Operations> {
    #[pin]
    inner: Opaque<bindings::blk_mq_tag_set>,
    _driver: PhantomData<T>,
}

// SAFETY: A tag set may be used and freed from any thread.
unsafe impl<T: Operations> Send for TagSet<T> {}

impl<T: Operations> TagSet<T> {
    /// Allocates tags and requests. Fails with `ENOMEM`. May sleep.
    pub(super) fn new(queues: Queues) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            inner <- Opaque::try_ffi_init(move |slot: *mut bindings::blk_mq_tag_set| {
                // SAFETY: All zeroes is a valid tag set before allocation.
                let mut set: bindings::blk_mq_tag_set = unsafe { core::mem::zeroed() };
                set.ops = MqVtable::<T>::table();
                set.nr_hw_queues = queues.count;
                set.queue_depth = queues.depth;
                set.cmd_size = u32::try_from(size_of::<T::RequestData>())?;
                set.numa_node = bindings::NUMA_NO_NODE;
                set.nr_maps = 1;
                // A loop device stacks on another device; a scheduler below is enough.
                set.flags = sys::RLOOP_BLK_MQ_F_STACKING | sys::RLOOP_BLK_MQ_F_NO_SCHED;
                // SAFETY: `slot` is valid for writes and pinned.
                unsafe {
                    slot.write(set);
                    to_result(bindings::blk_mq_alloc_tag_set(slot))
                }
            }),
            _driver: PhantomData,
        })
    }

    /// The C tag set.
    pub(super) fn as_ptr(&self) -> *mut bindings::blk_mq_tag_set {
        self.inner.get()
    }
}

#[pinned_drop]
impl<T: Operations> PinnedDrop for TagSet<T> {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: Allocated by the type invariant; its owner, the disk, has let go of it.
        unsafe { bindings::blk_mq_free_tag_set(self.inner.get()) };
    }
}
