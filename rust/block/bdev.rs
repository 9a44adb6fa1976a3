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

    /// Claims the device as `open(O_EXCL)` would, or fails with `EBUSY` while somebody else does.
    /// May sleep.
    pub(crate) fn claim(&self) -> Result<Claim<'_, T>> {
        // SAFETY: The block device is open. The holder is just an address that nobody else claims
        // it with: its own.
        to_result(unsafe {
            bindings::bd_prepare_to_claim(self.inner.get(), self.holder(), core::ptr::null())
        })?;
        Ok(Claim(self))
    }

    fn holder(&self) -> *mut kernel::ffi::c_void {
        self.inner.get().cast()
    }
}

/// A claim in preparation: nobody else can open the device exclusively while it lives.
pub(crate) struct Claim<'a, T: Operations>(&'a BlockDevice<T>);

impl<T: Operations> Drop for Claim<'_, T> {
    fn drop(&mut self) {
        // SAFETY: Claimed in `claim()` by the same holder.
        unsafe { bindings::bd_abort_claiming(self.0.inner.get(), self.0.holder()) };
    }
}
