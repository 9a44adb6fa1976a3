// SPDX-License-Identifier: GPL-2.0

//! Open block devices.

use crate::block::{Disk, Operations};
use core::marker::PhantomData;
use kernel::{bindings, error::to_result, prelude::*, types::Opaque};

/// An open block device, whole disk or partition, of a driver `T`.
#[repr(transparent)]
pub(crate) struct BlockDevice<T: Operations> {
    inner: Opaque<bindings::block_device>,
    _driver: PhantomData<T>,
}

impl<T: Operations> BlockDevice<T> {
    /// The disk it is (on).
    pub(crate) fn disk(&self) -> &Disk<T> {
        // SAFETY: An open block device has its disk; references of this type exist only for those
        // of driver `T`, and `Disk` is transparent.
        unsafe { &*(*self.inner.get()).bd_disk.cast::<Disk<T>>() }
    }

    /// Whether it is the whole disk, no partition.
    pub(crate) fn is_whole_disk(&self) -> bool {
        self.whole() == self.inner.get()
    }

    /// Claims the whole disk as `open(O_EXCL)` would, or fails with `EBUSY` while somebody else has
    /// that, or any partition. May sleep.
    pub(crate) fn claim_disk(&self) -> Result<Claim<'_, T>> {
        // SAFETY: The block device is open, and so its disk is live. The holder is just an address
        // that nobody else claims it with: its own.
        to_result(unsafe {
            bindings::bd_prepare_to_claim(self.whole(), self.holder(), core::ptr::null())
        })?;
        Ok(Claim(self))
    }

    fn whole(&self) -> *mut bindings::block_device {
        // SAFETY: An open block device has its disk, which has one for the whole of it.
        unsafe { (*(*self.inner.get()).bd_disk).part0 }
    }

    fn holder(&self) -> *mut kernel::ffi::c_void {
        self.whole().cast()
    }
}

/// A claim in preparation: nobody else can open the disk or a partition exclusively while it lives.
pub(crate) struct Claim<'a, T: Operations>(&'a BlockDevice<T>);

impl<T: Operations> Drop for Claim<'_, T> {
    fn drop(&mut self) {
        // SAFETY: Claimed in `claim_disk()` by the same holder.
        unsafe { bindings::bd_abort_claiming(self.0.whole(), self.0.holder()) };
    }
}
