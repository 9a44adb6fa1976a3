// SPDX-License-Identifier: GPL-2.0

//! The tables of callbacks by which the block layer calls an [`Operations`] implementation.

use crate::block::{
    operations::{DiskData, Mode},
    BlockDevice, Disk, Operations, Request, Status,
};
use crate::core::module::THIS_MODULE;
use crate::sys;
use core::{
    marker::PhantomData,
    mem::zeroed,
    ptr::{drop_in_place, NonNull},
};
use kernel::{bindings, ffi, prelude::*, sync::ArcBorrow};

/// `struct blk_mq_ops` for `T`.
pub(super) struct MqVtable<T>(PhantomData<T>);

impl<T: Operations> MqVtable<T> {
    // No `map_queues`: blk-mq's own way, `blk_mq_map_queues()`, shares the processors out among
    // the hardware queues by node and core (`group_cpus_evenly()`), as is wanted here.
    const OPS: bindings::blk_mq_ops = {
        // SAFETY: All zeroes is a valid `struct blk_mq_ops`: every callback absent.
        let mut ops: bindings::blk_mq_ops = unsafe { zeroed() };
        ops.queue_rq = Some(Self::queue_rq);
        ops.queue_rqs = Some(Self::queue_rqs);
        ops.commit_rqs = Some(Self::commit_rqs);
        ops.init_request = Some(Self::init_request);
        ops.exit_request = Some(Self::exit_request);
        ops
    };

    /// The table.
    pub(super) const fn table() -> &'static bindings::blk_mq_ops {
        &Self::OPS
    }

    /// # Safety
    ///
    /// `hctx` must be a live hardware queue of a disk of `T`.
    unsafe fn device<'a>(hctx: *mut bindings::blk_mq_hw_ctx) -> ArcBorrow<'a, T::Device> {
        // SAFETY: `queuedata` of every queue of `T` is its disk's data, which outlives the queue's
        // hardware contexts.
        let data = unsafe { &*(*(*hctx).queue).queuedata.cast::<DiskData<T>>() };
        data.device.as_arc_borrow()
    }

    /// # Safety
    ///
    /// Only for blk-mq to call.
    unsafe extern "C" fn queue_rq(
        hctx: *mut bindings::blk_mq_hw_ctx,
        bd: *const bindings::blk_mq_queue_data,
    ) -> bindings::blk_status_t {
        // SAFETY: blk-mq passes a live hardware queue and a request to be started, and leaves that
        // to us until it is ended.
        let (device, rq, last) = unsafe {
            (
                Self::device(hctx),
                Request::start(NonNull::new_unchecked((*bd).rq)),
                (*bd).last,
            )
        };
        T::queue_rq(device, rq, last);
        Status::OK.raw()
    }

    /// Takes all that a plug held back for one disk.
    ///
    /// # Safety
    ///
    /// Only for blk-mq to call.
    unsafe extern "C" fn queue_rqs(list: *mut bindings::rq_list) {
        // SAFETY: blk-mq passes a list of requests to be started, all of one disk, and leaves those
        // that are not on it any more to us until they are ended.
        while let Some(rq) = NonNull::new(unsafe { sys::rloop_rq_list_pop(list) }) {
            // SAFETY: As above; the hardware queue of a live request is live.
            let (device, last) = unsafe {
                let hctx = (*rq.as_ptr()).mq_hctx;
                let next = (*list).head;
                let last = next.is_null() || (*next).mq_hctx != hctx;
                (Self::device(hctx), last)
            };
            // SAFETY: As above; it has left the list.
            T::queue_rq(device, unsafe { Request::start(rq) }, last);
        }
    }

    /// # Safety
    ///
    /// Only for blk-mq to call.
    unsafe extern "C" fn commit_rqs(hctx: *mut bindings::blk_mq_hw_ctx) {
        // SAFETY: blk-mq passes a live hardware queue.
        let (device, queue) = unsafe { (Self::device(hctx), (*hctx).queue_num) };
        T::commit_rqs(device, queue);
    }

    /// # Safety
    ///
    /// Only for blk-mq to call, on a request with `cmd_size` bytes of data behind it.
    unsafe extern "C" fn init_request(
        _set: *mut bindings::blk_mq_tag_set,
        rq: *mut bindings::request,
        _hctx_idx: ffi::c_uint,
        _numa_node: ffi::c_int,
    ) -> ffi::c_int {
        // SAFETY: The memory is as large as the data, uninitialised, aligned (blk-mq rounds to
        // cache lines, and `struct request` is aligned likewise) and stays in place. The
        // initialiser cannot fail.
        match unsafe {
            let data = bindings::blk_mq_rq_to_pdu(rq).cast::<T::RequestData>();
            #[cfg(rloop_series = "7.2")]
            let done = PinInit::__pinned_init(T::new_request_data(), data);
            #[cfg(not(rloop_series = "7.2"))]
            let done = PinInit::__init(T::new_request_data(), data);
            done
        } {
            Ok(()) => 0,
            Err(infallible) => match infallible {},
        }
    }

    /// # Safety
    ///
    /// Only for blk-mq to call, once for each request initialised.
    unsafe extern "C" fn exit_request(
        _set: *mut bindings::blk_mq_tag_set,
        rq: *mut bindings::request,
        _hctx_idx: ffi::c_uint,
    ) {
        // SAFETY: Initialised in `init_request`, and not in use any more.
        unsafe { drop_in_place(bindings::blk_mq_rq_to_pdu(rq).cast::<T::RequestData>()) };
    }
}

/// `struct block_device_operations` for `T`.
pub(super) struct DiskVtable<T>(PhantomData<T>);

impl<T: Operations> DiskVtable<T> {
    const OPS: bindings::block_device_operations = {
        // SAFETY: All zeroes is a valid table: every callback absent.
        let mut ops: bindings::block_device_operations = unsafe { zeroed() };
        ops.owner = THIS_MODULE;
        ops.open = Some(Self::open);
        ops.release = Some(Self::release);
        ops.ioctl = Some(Self::ioctl);
        #[cfg(CONFIG_COMPAT)]
        {
            ops.compat_ioctl = Some(Self::compat_ioctl);
        }
        ops.free_disk = Some(Self::free_disk);
        ops
    };

    /// The table.
    pub(super) const fn table() -> &'static bindings::block_device_operations {
        &Self::OPS
    }

    /// # Safety
    ///
    /// `disk` must be a live disk of `T`.
    unsafe fn disk<'a>(disk: *mut bindings::gendisk) -> &'a Disk<T> {
        // SAFETY: `Disk` is transparent.
        unsafe { &*disk.cast::<Disk<T>>() }
    }

    /// # Safety
    ///
    /// Only for the block layer to call.
    unsafe extern "C" fn open(
        disk: *mut bindings::gendisk,
        mode: bindings::blk_mode_t,
    ) -> ffi::c_int {
        // SAFETY: The block layer passes a live disk with this table.
        let disk = unsafe { Self::disk(disk) };
        match T::open(disk.device(), disk, Mode(mode)) {
            Ok(()) => 0,
            Err(error) => error.to_errno(),
        }
    }

    /// # Safety
    ///
    /// Only for the block layer to call.
    unsafe extern "C" fn release(disk: *mut bindings::gendisk) {
        // SAFETY: The block layer passes a live disk with this table.
        let disk = unsafe { Self::disk(disk) };
        T::release(disk.device(), disk);
    }

    /// # Safety
    ///
    /// Only for the block layer to call.
    unsafe extern "C" fn ioctl(
        bdev: *mut bindings::block_device,
        mode: bindings::blk_mode_t,
        cmd: ffi::c_uint,
        arg: ffi::c_ulong,
    ) -> ffi::c_int {
        // SAFETY: The block layer passes an open block device of a disk with this table.
        let bdev = unsafe { &*bdev.cast::<BlockDevice<T>>() };
        match T::ioctl(bdev.disk().device(), bdev, Mode(mode), cmd, arg) {
            Ok(()) => 0,
            Err(error) => error.to_errno(),
        }
    }

    /// # Safety
    ///
    /// Only for the block layer to call.
    #[cfg(CONFIG_COMPAT)]
    unsafe extern "C" fn compat_ioctl(
        bdev: *mut bindings::block_device,
        mode: bindings::blk_mode_t,
        cmd: ffi::c_uint,
        arg: ffi::c_ulong,
    ) -> ffi::c_int {
        // SAFETY: The block layer passes an open block device of a disk with this table.
        let bdev = unsafe { &*bdev.cast::<BlockDevice<T>>() };
        match T::compat_ioctl(bdev.disk().device(), bdev, Mode(mode), cmd, arg) {
            Ok(()) => 0,
            Err(error) => error.to_errno(),
        }
    }

    /// # Safety
    ///
    /// Only for the block layer to call, when the last reference to an added disk is gone.
    unsafe extern "C" fn free_disk(disk: *mut bindings::gendisk) {
        // SAFETY: `private_data` was made by `GenDisk::new` and is given up to this callback.
        unsafe { super::disk::free_data::<T>((*disk).private_data) };
    }
}
