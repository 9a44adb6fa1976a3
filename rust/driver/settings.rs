// SPDX-License-Identifier: GPL-2.0

//! The ioctls that change one thing of a bound device.

use super::{
    attach,
    device::Device,
    log::{refused, trouble},
    loop_driver::{errno, Loop},
};
use crate::{
    block::{operations::Mode, BlockDevice, Disk},
    logic::{direct::Obstacle, flags::Flags},
};
use kernel::prelude::*;

/// `LOOP_SET_CAPACITY`: the size of the file has changed. Sleeps.
pub(super) fn set_capacity(device: &Device, disk: &Disk<Loop>) -> Result {
    let control = device.control.lock_killable()?;
    let binding = &control.bound().map_err(errno)?.binding;
    let capacity = binding.window.capacity(binding.file.size()?);
    let before = disk.capacity();
    disk.set_capacity(capacity.get());
    if capacity.get() < before {
        // What was accepted before is over then.
        let _frozen = disk.freeze();
        device.health.ends_at(capacity);
    }
    Ok(())
}

/// `LOOP_SET_DIRECT_IO`. Sleeps.
pub(super) fn set_direct_io(device: &Device, disk: &Disk<Loop>, on: bool) -> Result {
    let mut control = device.control.lock_killable()?;
    let old = control.bound().map_err(errno)?.binding.clone();
    if old.is_direct() == on {
        return Ok(());
    }
    let flags = if on {
        if let Err(obstacle) = old.direct_possible() {
            let (what, value) = match obstacle {
                Obstacle::NotSupported => ("direct I/O", 1),
                Obstacle::BlockSize { have, .. } => ("direct I/O with block size", have.into()),
                Obstacle::Offset { have, .. } => ("direct I/O at offset", have.get()),
            };
            refused!(
                device.label(),
                what,
                value,
                "the backing file cannot do that",
                fmt!(
                    "multiples of {} bytes, on a file system with direct I/O",
                    old.alignment.offset
                )
            );
            return Err(EINVAL);
        }
        // See `attach::configure()`.
        device.flushes.sync_between(&old.file)?;
        old.flags.with(Flags::DIRECT_IO)
    } else {
        old.flags.without(Flags::DIRECT_IO)
    };
    device.reconfigure(disk, &mut control, old.with_flags(flags), None)
}

/// `LOOP_SET_BLOCK_SIZE`, in bytes; 0 for what it would be without having been set. Sleeps.
pub(super) fn set_block_size(
    device: &Device,
    bdev: &BlockDevice<Loop>,
    mode: Mode,
    bytes: usize,
) -> Result {
    let disk = bdev.disk();
    // A mounted file system relies on the block size.
    let _claim = attach::Claimed::take(device, bdev, mode)?;
    let mut control = device.control.lock_killable()?;
    let old = control.bound().map_err(errno)?.binding.clone();
    let block_size = match bytes {
        0 => attach::default_block_size(old.is_direct(), old.alignment),
        _ => attach::block_size(device, bytes as u64)?,
    };
    if block_size == old.block_size {
        return Ok(());
    }
    disk.sync()?;
    disk.invalidate_cache();
    device.reconfigure(disk, &mut control, old.with_block_size(block_size), None)
}

/// Sets the queue limits again, after the backing file turned out not to support something they
/// promise. Sleeps.
pub(super) fn take_back_limits(device: &Device) {
    // If the device is being detached or changed, that sets the limits.
    let control = device.control.lock();
    let Ok(attached) = control.bound() else {
        return;
    };
    let binding = attached.binding.clone();
    let limits = binding.limits();
    let result = binding.disk.freeze_to_change(&limits, &limits).map(drop);
    if let Err(error) = result {
        trouble!(device.label(), "could not switch discards off: {:?}", error);
    }
}
