// SPDX-License-Identifier: GPL-2.0

//! A safe blk-mq: what a block driver needs and the `kernel` crate's `block::mq` of 7.2 does not
//! have (data per request, errors, segments, flushes, ioctls, limits).
//!
//! # How the parts hang together
//!
//! A driver implements [`Operations`]. [`GenDisk::new`](disk::GenDisk::new) makes a disk with a tag set of its own;
//! the disk owns the driver's per-device data and a value called *queue data*, which the I/O path
//! reads without any lock and which changes only while the queue is [`Frozen`](frozen::Frozen).
//!
//! A request's ownership is in its type. `queue_rq` is given a [`Request`], which can be ended once, as
//! `end()` consumes it. A request that is dropped without being ended is failed with
//! `BLK_STS_IOERR` and reported, never lost.
//!
//! C headers: `include/linux/blk-mq.h`, `include/linux/blkdev.h`.

pub(crate) mod attributes;
pub(crate) mod bdev;
pub(crate) mod charge;
pub(crate) mod data;
pub(crate) mod disk;
pub(crate) mod frozen;
pub(crate) mod limits;
pub(crate) mod live_disks;
pub(crate) mod major;
pub(crate) mod observers;
pub(crate) mod operations;
pub(crate) mod part;
pub(crate) mod plug;
pub(crate) mod request;
pub(crate) mod request_list;
pub(crate) mod status;
pub(crate) mod tag_set;
#[cfg(CONFIG_KUNIT = "y")]
pub(crate) mod test_disk;
mod vtable;

pub(crate) use {
    bdev::BlockDevice,
    disk::Disk,
    operations::Operations,
    request::{Op, Request},
    request_list::RequestList,
    status::Status,
};
