// SPDX-License-Identifier: GPL-2.0

//! Where requests wait for a worker.
//!
//! Backing I/O is never done inside `queue_rq`: that may be called deep in the stack of the file
//! system above, and with `current->bio_list` set, which would make the I/O below wait for the
//! one above. It is done by [workers](super::workers) that all devices share. A lane bounds how many of
//! them work for it at once, so that a device with much to do does not take them all.
//!
//! A device has these lanes:
//!
//! - *fast* ones, with one worker each that never waits for I/O: what cannot be done at once goes to
//!   the blocking lane. There is one for each hardware queue, unless that is more than the machine
//!   can have at work beside those who submit;
//! - one for buffered *writes*, but for stable ones (FUA), and one for *changes* without data, with
//!   one worker each, as file systems let only one of these at a time into a file;
//! - the *blocking* lane, whose workers wait; writes do not get all of them;
//! - two more of the first and the last kind for what is *held up*, perhaps for seconds, because the
//!   kernel makes its submitter's control group wait. Nobody else shall wait behind that.

use super::{device::Device, loop_driver::Loop, pool_lane::PoolLane, serial_lane::SerialLane};
use crate::block::{Op, Request, RequestList};
use kernel::{prelude::*, sync::Arc};

/// One of a device's lanes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum LaneId {
    /// The fast lane of this hardware queue.
    Fast(u32),
    /// Buffered writes.
    Writes,
    /// Discards and the like.
    Changes,
    /// What may wait.
    Blocking,
}

/// Where a request comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The current task, whose processor is a place for it to be executed; and it is alone.
    Alone,
    /// The same with others.
    Here,
    /// Anywhere else.
    Elsewhere,
}

/// The lanes of a device.
#[pin_data]
pub(crate) struct Lanes {
    /// At least one.
    fast: KVec<Arc<SerialLane>>,
    writes: Arc<SerialLane>,
    changes: Arc<SerialLane>,
    #[pin]
    pub(super) blocking: PoolLane,
    held_up_writes: Arc<SerialLane>,
    #[pin]
    pub(super) held_up: PoolLane,
}

impl Lanes {
    /// Empty lanes, of them as many `fast` ones, and for `workers` requests that may wait at once,
    /// and as many that are held up.
    pub(super) fn new(fast: u32, workers: u32) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            fast: {
                let count = fast.max(1) as usize;
                let mut fast = KVec::with_capacity(count, GFP_KERNEL)?;
                for _ in 0..count {
                    fast.push(SerialLane::new(false)?, GFP_KERNEL)?;
                }
                fast
            },
            writes: SerialLane::new(true)?,
            changes: SerialLane::new(true)?,
            blocking <- PoolLane::new(workers, false),
            held_up_writes: SerialLane::new(true)?,
            held_up <- PoolLane::new(workers, true),
        })
    }

    /// The lane with one worker of that name; `None` for the blocking lane.
    fn serial(&self, id: LaneId) -> Option<&Arc<SerialLane>> {
        match id {
            LaneId::Fast(queue) => {
                // There is one at least; else the blocking lane does it.
                let place = (queue as usize).checked_rem(self.fast.len())?;
                self.fast.get(place)
            }
            LaneId::Writes => Some(&self.writes),
            LaneId::Changes => Some(&self.changes),
            LaneId::Blocking => None,
        }
    }

    /// Appends a request to a lane. [`kick`](Self::kick) has it executed. Any context.
    pub(super) fn push(&self, id: LaneId, rq: Request<Loop>) {
        match self.serial(id) {
            Some(lane) => lane.push(rq),
            None => {
                let _ = self.blocking.push(rq);
            }
        }
    }

    /// Starts the workers of a lane, if there is something for them to do. Any context.
    pub(super) fn kick(&self, id: LaneId, device: &Device) {
        match self.serial(id) {
            Some(lane) => lane.kick(device),
            None => self.blocking.kick(device),
        }
    }

    /// Starts the workers of the lanes that have several. Any context.
    pub(super) fn kick_pools(&self, device: &Device) {
        self.blocking.kick(device);
        self.held_up.kick(device);
    }

    /// Appends a request to a lane, and has it executed. Any context.
    pub(super) fn send(&self, id: LaneId, rq: Request<Loop>, origin: Origin, device: &Device) {
        match self.serial(id) {
            Some(lane) => lane.send(rq, origin, device),
            None => {
                let _ = self.blocking.push(rq);
                self.blocking.kick(device);
            }
        }
    }
}

/// Sends requests on their way that had to wait for others. Any context.
pub(super) fn accept(device: &Device, released: RequestList<Loop>) {
    for rq in released {
        if let Some(rq) = device.flushes.hold(rq) {
            device.lanes.send(route(&rq), rq, Origin::Elsewhere, device);
        }
    }
}

/// The lane that a request has to take.
pub(super) fn route(rq: &Request<Loop>) -> LaneId {
    let Some(binding) = rq.queue_data() else {
        // It will fail at once.
        return LaneId::Blocking;
    };
    match rq.op() {
        // It takes the file for itself to write only, not to sync what it has written.
        Op::Write if !binding.is_direct() && rq.is_fua() => LaneId::Blocking,
        Op::Write if !binding.is_direct() => LaneId::Writes,
        Op::Discard | Op::WriteZeroes { .. } => LaneId::Changes,
        Op::Read | Op::Write if binding.file.can_nowait() => LaneId::Fast(rq.hw_queue()),
        _ => LaneId::Blocking,
    }
}

/// Has a request begun again whose worker did not wait. Any context.
pub(super) fn resume(rq: Request<Loop>) {
    let device = rq.device_arc();
    let id = LaneId::Fast(rq.hw_queue());
    device.lanes.send(id, rq, Origin::Elsewhere, &device);
}

/// Has a request that could not be done at once done by someone who may wait. Any context; the
/// caller has to see to it that the lanes are [`kick`](Lanes::kick_pools)ed, whereupon they get as
/// many workers as there is work for. Until then it is one.
pub(super) fn hand_to_blocking(mut rq: Request<Loop>) {
    rq.data().driver().held_up = false;
    let device = rq.device_arc();
    device.stats.blocked.count();
    if device.lanes.blocking.push(rq) {
        device.lanes.blocking.kick(&device);
    }
}

/// The same for a request behind which nobody else shall wait.
pub(super) fn hold_up(mut rq: Request<Loop>) {
    rq.data().driver().held_up = true;
    let device = rq.device_arc();
    device.stats.blocked.count();
    if route(&rq) == LaneId::Writes {
        // More than one would only wait for the file as well, each of them before somebody else's.
        let lane = &device.lanes.held_up_writes;
        lane.send(rq, Origin::Elsewhere, &device);
    } else if device.lanes.held_up.push(rq) {
        device.lanes.held_up.kick(&device);
    }
}

/// As [`hand_to_blocking`]; the lane is kicked. Any context.
pub(super) fn block(rq: Request<Loop>) {
    let device = rq.device_arc();
    hand_to_blocking(rq);
    device.lanes.blocking.kick(&device);
}
