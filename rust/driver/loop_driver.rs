// SPDX-License-Identifier: GPL-2.0

//! The driver, as the block layer sees it.

use super::{
    binding::Binding,
    detach,
    device::Device,
    done_lane,
    execute::PerRequest,
    flush::Flushes,
    ioctl,
    lane::{self, LaneId, Origin},
    order::Accepted,
};
use crate::{
    block::{operations::Mode, BlockDevice, Disk, Op, Operations, Request},
    core::context,
    fs::{BackingFile, FileIo, IoData},
    logic::state::Refusal,
};
use kernel::{
    prelude::*,
    sync::{Arc, ArcBorrow},
};

/// The loop driver.
pub(crate) struct Loop;

impl Operations for Loop {
    type Device = Device;
    type QueueData = Option<Arc<Binding>>;
    type RequestData = IoData<PerRequest>;

    fn new_request_data() -> impl PinInit<Self::RequestData> {
        IoData::new(PerRequest::new())
    }

    fn queue_rq(device: ArcBorrow<'_, Device>, rq: Request<Self>, last: bool) {
        let queue = rq.hw_queue();
        let (ready, alone) = if rq.op() == Op::Flush {
            Flushes::accept_flush(device.into(), rq);
            (None, false)
        } else {
            match device.in_order.accept(rq, &device.flushes) {
                Accepted::Ready { rq, alone } => (device.flushes.hold(rq), alone),
                Accepted::Parked => {
                    device.stats.ordered.count();
                    (None, false)
                }
            }
        };
        match ready.map(|rq| (lane::route(&rq), rq)) {
            // With those that follow.
            Some((lane @ LaneId::Fast(_), rq)) if !last => device.lanes.push(lane, rq),
            Some((lane, rq)) => {
                // Changes of a range can be much work for the processor.
                let here = last && lane != LaneId::Changes && may_be_served_here();
                let origin = match (here, alone) {
                    (true, true) => Origin::Alone,
                    (true, false) => Origin::Here,
                    (false, _) => Origin::Elsewhere,
                };
                device.lanes.send(lane, rq, origin, &device);
                if lane == LaneId::Fast(queue) {
                    return;
                }
            }
            None => {}
        }
        // Those before it in the batch, whatever this one is.
        if last {
            Self::commit(&device, queue);
        }
    }

    fn commit_rqs(device: ArcBorrow<'_, Device>, queue: u32) {
        Self::commit(&device, queue);
    }

    fn open(device: ArcBorrow<'_, Device>, _disk: &Disk<Self>, _mode: Mode) -> Result {
        device.open()
    }

    fn release(device: ArcBorrow<'_, Device>, disk: &Disk<Self>) {
        if disk.openers() == 0 {
            detach::last_close(&device.into(), disk);
        }
    }

    fn ioctl(
        device: ArcBorrow<'_, Device>,
        bdev: &BlockDevice<Self>,
        mode: Mode,
        cmd: u32,
        arg: usize,
    ) -> Result {
        ioctl::ioctl(&device, bdev, mode, cmd, arg)
    }

    fn compat_ioctl(
        device: ArcBorrow<'_, Device>,
        bdev: &BlockDevice<Self>,
        mode: Mode,
        cmd: u32,
        arg: usize,
    ) -> Result {
        ioctl::compat_ioctl(&device, bdev, mode, cmd, arg)
    }
}

impl Loop {
    /// Has what was queued through a hardware queue executed.
    fn commit(device: &Device, queue: u32) {
        device.lanes.kick(LaneId::Fast(queue), device);
    }
}

impl FileIo for Loop {
    type PerRequest = PerRequest;

    fn file(rq: &Request<Self>) -> Option<&BackingFile> {
        rq.queue_data().as_ref().map(|binding| &*binding.file)
    }

    fn io_done(rq: Request<Self>, result: Result<usize>) {
        done_lane::done(rq, result);
    }

    fn io_ready(rq: Request<Self>) {
        rq.device().stats.woken.count();
        lane::resume(rq);
    }
}

/// Whether the current task's processor is a place for its requests to be executed. It is not, if
/// that would wait for the task, or is to be done elsewhere by the administrator's will.
fn may_be_served_here() -> bool {
    !context::is_realtime() && !context::on_isolated_cpu()
}

/// The errno for an event that the device's state does not allow.
pub(super) fn errno(refusal: Refusal) -> Error {
    match refusal {
        Refusal::Busy => EBUSY,
        Refusal::NotBound | Refusal::Gone => ENXIO,
    }
}
