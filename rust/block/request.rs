// SPDX-License-Identifier: GPL-2.0

//! Requests, with their ownership in the type.

use crate::{
    block::{
        data::{BioData, Bios},
        operations::DiskData,
        Operations, Status,
    },
    logic::units::Moment,
    sys,
};
use core::{marker::PhantomData, mem::ManuallyDrop, pin::Pin, ptr::NonNull};
use kernel::{
    bindings, pr_warn_once,
    sync::{Arc, ArcBorrow},
};

/// What a request asks for. Ranges are in [`Request::sector`] and [`Request::bytes`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    /// Read into the request's memory.
    Read,
    /// Write from the request's memory.
    Write,
    /// Make what was written before stable.
    Flush,
    /// The range's content is not needed any more.
    Discard,
    /// Make the range read as zeroes; `unmap`: by deallocation, if that is possible.
    WriteZeroes {
        /// Deallocation is allowed (`REQ_NOUNMAP` is not set).
        unmap: bool,
    },
    /// Something this abstraction does not know.
    Other(u32),
}

impl Op {
    fn from_flags(flags: u32) -> Self {
        let op = flags & sys::RLOOP_REQ_OP_MASK;
        match op {
            bindings::req_op_REQ_OP_READ => Op::Read,
            bindings::req_op_REQ_OP_WRITE => Op::Write,
            bindings::req_op_REQ_OP_FLUSH => Op::Flush,
            bindings::req_op_REQ_OP_DISCARD => Op::Discard,
            bindings::req_op_REQ_OP_WRITE_ZEROES => Op::WriteZeroes {
                unmap: flags & sys::RLOOP_REQ_NOUNMAP == 0,
            },
            _ => Op::Other(op),
        }
    }

    /// Whether it changes the device's content.
    pub(crate) fn is_change(self) -> bool {
        matches!(self, Op::Write | Op::Discard | Op::WriteZeroes { .. })
    }
}

/// A started request that the driver owns and must end.
///
/// # Invariants
///
/// `rq` is a live, started request of a queue of `T`, its data is initialised, and nobody else uses
/// it. As long as it is not ended, its queue cannot become frozen.
pub(crate) struct Request<T: Operations> {
    rq: NonNull<bindings::request>,
    _driver: PhantomData<T>,
}

// SAFETY: A request may be processed and ended on any thread; its data is `Send`.
unsafe impl<T: Operations> Send for Request<T> {}
// SAFETY: `&Request` only reads, and hands out shared references to `Sync` data.
unsafe impl<T: Operations> Sync for Request<T> {}

impl<T: Operations> Request<T> {
    /// Gives up the request to someone who keeps the pointer.
    pub(crate) fn into_raw(self) -> NonNull<bindings::request> {
        ManuallyDrop::new(self).rq
    }

    /// Starts a request that blk-mq offers.
    ///
    /// # Safety
    ///
    /// `rq` must be a live request of a queue of `T`, not started, and the caller must give up its
    /// ownership.
    pub(super) unsafe fn start(rq: NonNull<bindings::request>) -> Self {
        // SAFETY: By this function's contract.
        unsafe { bindings::blk_mq_start_request(rq.as_ptr()) };
        // INVARIANT: Just started, and nobody else's by this function's contract; its data was
        // initialised with the tag set.
        Self {
            rq,
            _driver: PhantomData,
        }
    }

    /// # Safety
    ///
    /// `rq` must come from [`Request::into_raw`] of the same type, and be used once.
    pub(crate) unsafe fn from_raw(rq: NonNull<bindings::request>) -> Self {
        // INVARIANT: The invariants held when the request was given up.
        Self {
            rq,
            _driver: PhantomData,
        }
    }

    /// The request whose data is at `data`.
    ///
    /// # Safety
    ///
    /// `data` must be the address of the data of a request that was given up with
    /// [`Request::into_raw`], and be used once.
    pub(crate) unsafe fn from_data(data: NonNull<T::RequestData>) -> Self {
        // SAFETY: blk-mq lays the data out right behind the request.
        let rq = unsafe { bindings::blk_mq_rq_from_pdu(data.as_ptr().cast()) };
        // SAFETY: Not null, as `data` is not; the rest is this function's contract.
        unsafe { Self::from_raw(NonNull::new_unchecked(rq)) }
    }

    pub(super) fn as_ptr(&self) -> *mut bindings::request {
        self.rq.as_ptr()
    }

    /// What is asked for.
    pub(crate) fn op(&self) -> Op {
        // SAFETY: The request is live by the type invariant.
        Op::from_flags(unsafe { (*self.rq.as_ptr()).cmd_flags })
    }

    /// The first 512-byte sector of what is *left* of the request.
    pub(crate) fn sector(&self) -> u64 {
        // SAFETY: The request is live by the type invariant.
        unsafe { sys::rloop_rq_pos(self.rq.as_ptr()) }
    }

    /// The bytes that are *left* of the request.
    pub(crate) fn bytes(&self) -> u32 {
        // SAFETY: The request is live by the type invariant.
        unsafe { sys::rloop_rq_bytes(self.rq.as_ptr()) }
    }

    /// The I/O priority the submitter asked for (`linux/ioprio.h`).
    pub(crate) fn ioprio(&self) -> u16 {
        // SAFETY: The request is live by the type invariant, and so are its bios.
        unsafe { (*self.rq.as_ptr()).bio.as_ref() }.map_or(0, |bio| bio.bi_ioprio)
    }

    /// The memory of what is left of a read or write, bio by bio; nothing for other requests.
    pub(crate) fn bios(&self) -> Bios<'_> {
        let bio = match self.op() {
            // SAFETY: The request is live by the type invariant.
            Op::Read | Op::Write => unsafe { (*self.rq.as_ptr()).bio },
            _ => core::ptr::null_mut(),
        };
        // SAFETY: The request is owned for as long as `self` is borrowed, and it carries data.
        unsafe { Bios::new(bio) }
    }

    /// The memory of the first unfinished bio of a read or write.
    pub(crate) fn first_bio(&self) -> Option<BioData<'_>> {
        self.bios().next()
    }

    /// The driver's data of this request.
    pub(crate) fn data(&mut self) -> Pin<&mut T::RequestData> {
        // SAFETY: The data is initialised and lives behind the request, where it stays; `self` is
        // the only user of it by the type invariant.
        unsafe { Pin::new_unchecked(self.data_ptr().as_mut()) }
    }

    /// The address of the driver's data of this request.
    pub(crate) fn data_ptr(&self) -> NonNull<T::RequestData> {
        // SAFETY: blk-mq lays the data out right behind the request; never null.
        unsafe { NonNull::new_unchecked(bindings::blk_mq_rq_to_pdu(self.rq.as_ptr()).cast()) }
    }

    /// The number of the hardware queue the request came through.
    pub(crate) fn hw_queue(&self) -> u32 {
        // SAFETY: The request is live by the type invariant.
        unsafe { sys::rloop_rq_hw_queue(self.rq.as_ptr()) }
    }

    /// A number below hardware queues × queue depth that no other request in flight on the same disk
    /// has; `None` for one without a tag, which a started request is not.
    pub(crate) fn slot(&self) -> Option<u16> {
        // SAFETY: The request is live by the type invariant, and so is its tag set.
        let (tag, depth) = unsafe {
            (
                (*self.rq.as_ptr()).tag,
                sys::rloop_rq_depth(self.rq.as_ptr()),
            )
        };
        let tag = u32::try_from(tag).ok()?;
        let slot = self.hw_queue().checked_mul(depth)?.checked_add(tag)?;
        u16::try_from(slot).ok()
    }

    /// Whether the write is to be stable when it ends (`REQ_FUA`).
    pub(crate) fn is_fua(&self) -> bool {
        // SAFETY: The request is live by the type invariant.
        unsafe { (*self.rq.as_ptr()).cmd_flags & sys::RLOOP_REQ_FUA != 0 }
    }

    /// When a flush was submitted to the block layer, by [`clock`](crate::core::clock). A flush
    /// may have to wait there for another one, and is given to the driver much later.
    pub(crate) fn submitted(&self) -> Moment {
        // SAFETY: The request is live by the type invariant, and so is the one whose tag it has.
        Moment::new(unsafe { sys::rloop_flush_submitted(self.rq.as_ptr()) })
    }

    fn disk_data(&self) -> &DiskData<T> {
        // SAFETY: `queuedata` was set to the disk's data when the disk was made; it is freed after
        // the last request has been ended.
        unsafe { &*(*(*self.rq.as_ptr()).q).queuedata.cast::<DiskData<T>>() }
    }

    /// The device this request is for.
    pub(crate) fn device(&self) -> ArcBorrow<'_, T::Device> {
        self.disk_data().device.as_arc_borrow()
    }

    /// A reference of one's own to the device, which outlives the request.
    pub(crate) fn device_arc(&self) -> Arc<T::Device> {
        self.disk_data().device.clone()
    }

    /// The device's queue data.
    pub(crate) fn queue_data(&self) -> &T::QueueData {
        // SAFETY: It is written only while the queue is frozen, which it cannot become before this
        // request is ended, by the type invariant; that cannot happen while `self` is borrowed.
        unsafe { &*self.disk_data().queue_data.get() }
    }

    /// Completes the first `bytes` of the request and goes on with the rest. To be called only with
    /// less than [`Request::bytes`]; more is cut to leave one byte, and reported.
    pub(crate) fn advance(&mut self, bytes: u32) {
        let most = self.bytes().saturating_sub(1);
        if bytes > most {
            pr_warn_once!("a request was advanced past its end\n");
        }
        // SAFETY: The request is live and started by the type invariant, and something is left of
        // it, so that it is not completed.
        unsafe {
            bindings::blk_update_request(self.rq.as_ptr(), Status::OK.raw(), bytes.min(most))
        };
    }

    /// Ends the request. Any context.
    pub(crate) fn end(self, status: Status) {
        let rq = self.into_raw();
        // SAFETY: Live and started by the type invariant; `self` was the only owner and is gone.
        unsafe { bindings::blk_mq_end_request(rq.as_ptr(), status.raw()) };
    }
}

impl<T: Operations> Drop for Request<T> {
    fn drop(&mut self) {
        pr_warn_once!("a request was dropped without being ended; it fails with EIO\n");
        // SAFETY: Live and started by the type invariant; nobody uses it after this.
        unsafe { bindings::blk_mq_end_request(self.rq.as_ptr(), Status::IOERR.raw()) };
    }
}

#[kernel::prelude::kunit_tests(rloop_block_request)]
mod tests {
    use super::*;

    /// A flag that says nothing about the operation.
    const SYNC: u32 = 1 << bindings::req_flag_bits___REQ_SYNC;

    #[test]
    fn operation_is_found_among_the_flags() {
        for (op, expected) in [
            (bindings::req_op_REQ_OP_READ, Op::Read),
            (bindings::req_op_REQ_OP_WRITE, Op::Write),
            (bindings::req_op_REQ_OP_FLUSH, Op::Flush),
            (bindings::req_op_REQ_OP_DISCARD, Op::Discard),
        ] {
            assert!(Op::from_flags(op) == expected);
            assert!(Op::from_flags(op | SYNC) == expected);
        }
    }

    #[test]
    fn zeroing_deallocates_unless_told_not_to() {
        let op = bindings::req_op_REQ_OP_WRITE_ZEROES;
        assert!(Op::from_flags(op) == Op::WriteZeroes { unmap: true });
        assert!(Op::from_flags(op | sys::RLOOP_REQ_NOUNMAP) == Op::WriteZeroes { unmap: false });
    }

    #[test]
    fn unknown_operation_is_none_of_the_known() {
        let op = bindings::req_op_REQ_OP_SECURE_ERASE;
        assert!(Op::from_flags(op) == Op::Other(op));
    }

    #[test]
    fn changes_are_what_a_flush_must_cover() {
        assert!(Op::Write.is_change());
        assert!(Op::Discard.is_change());
        assert!(Op::WriteZeroes { unmap: true }.is_change());
        assert!(Op::WriteZeroes { unmap: false }.is_change());
        assert!(!Op::Read.is_change());
        assert!(!Op::Flush.is_change());
    }
}
