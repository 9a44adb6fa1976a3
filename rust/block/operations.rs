// SPDX-License-Identifier: GPL-2.0

//! What a block driver implements.

use crate::block::{live_disks::LiveDisk, BlockDevice, Disk, Request};
use kernel::{
    error::code::ENOTTY,
    prelude::*,
    sync::{Arc, ArcBorrow},
};

/// How a block device was opened (`blk_mode_t`).
#[derive(Clone, Copy)]
pub(crate) struct Mode(pub(super) u32);

impl Mode {
    /// Opened for writing.
    pub(crate) fn is_write(self) -> bool {
        self.0 & crate::sys::RLOOP_BLK_OPEN_WRITE != 0
    }

    /// Opened with `O_EXCL`: the opener holds the claim on the device.
    pub(crate) fn is_exclusive(self) -> bool {
        self.0 & crate::sys::RLOOP_BLK_OPEN_EXCL != 0
    }
}

/// A block driver: the callbacks of its disks and of their queues.
pub(crate) trait Operations: Sized + Send + Sync + 'static {
    /// Data of one device. The disk holds a reference until it is freed.
    type Device: Send + Sync + 'static;

    /// What the I/O path needs to know: read without a lock through any request, changed only
    /// while the queue is frozen.
    type QueueData: Send + Sync + 'static;

    /// Data of one request, initialised when the tag set is made, not for each I/O.
    type RequestData: Send + Sync;

    /// An initialiser of one request's data.
    fn new_request_data() -> impl PinInit<Self::RequestData>;

    /// Takes a request, which was started just now.
    ///
    /// `last` is false when more requests follow at once. Must not sleep and not do backing I/O
    /// (deep stack, `current->bio_list`). Called in process context, preemption may be off.
    fn queue_rq(device: ArcBorrow<'_, Self::Device>, rq: Request<Self>, last: bool);

    /// The requests that `queue_rq` took with `last == false` are all there is for now.
    /// `queue` is the number of the hardware queue they came through.
    fn commit_rqs(device: ArcBorrow<'_, Self::Device>, queue: u32);

    /// The device is being opened. Process context, `disk->open_mutex` held.
    fn open(device: ArcBorrow<'_, Self::Device>, disk: &Disk<Self>, mode: Mode) -> Result;

    /// An open file of the device was closed; not the last one unless `disk.openers() == 0`.
    /// Process context, `disk->open_mutex` held.
    fn release(device: ArcBorrow<'_, Self::Device>, disk: &Disk<Self>);

    /// Serves an ioctl the block layer does not know. Process context, no locks held.
    fn ioctl(
        _device: ArcBorrow<'_, Self::Device>,
        _bdev: &BlockDevice<Self>,
        _mode: Mode,
        _cmd: u32,
        _arg: usize,
    ) -> Result {
        Err(ENOTTY)
    }

    /// The same for a 32-bit caller on a 64-bit kernel.
    fn compat_ioctl(
        _device: ArcBorrow<'_, Self::Device>,
        _bdev: &BlockDevice<Self>,
        _mode: Mode,
        _cmd: u32,
        _arg: usize,
    ) -> Result {
        Err(ENOTTY)
    }
}

/// What a disk owns on the driver's behalf.
///
/// # Invariants
///
/// `queue_data` is written only by the holder of `freezing` while the queue is frozen, and read
/// only through a request of the same queue.
#[pin_data]
#[repr(C)]
pub(super) struct DiskData<T: Operations> {
    /// `T`. The first member, see `Disk::from_bdev()`.
    pub(super) driver: ::core::any::TypeId,
    pub(super) device: Arc<T::Device>,
    pub(super) queue_data: ::core::cell::UnsafeCell<T::QueueData>,
    #[pin]
    pub(super) freezing: kernel::sync::Mutex<()>,
    /// Dropped last.
    pub(super) live: LiveDisk,
}
