// SPDX-License-Identifier: GPL-2.0

//! Unbinding a device from its file.

use super::{
    device::{work, Device},
    loop_driver::{errno, Loop},
    uncached,
};
use crate::{
    block::{limits::Limits, Disk},
    core::workqueue,
};
use kernel::{prelude::*, sync::Arc};

/// `LOOP_CLR_FD`: the device is detached when its last user closes it, which may be the caller.
/// Sleeps.
pub(super) fn clear(device: &Device, disk: &Disk<Loop>) -> Result {
    let mut control = device.control.lock_killable()?;
    control.clear(disk.openers()).map_err(errno)?;
    device.admit(&control);
    device.publish_autoclear();
    Ok(())
}

/// The last user has closed the device. `disk->open_mutex` is held. Sleeps.
pub(super) fn last_close(device: &Arc<Device>, disk: &Disk<Loop>) {
    {
        let mut control = device.control.lock();
        if !control.last_close() {
            return;
        }
        device.admit(&control);
    }
    // Now the device is in rundown: nobody can open or change it until `finish()`.
    disk.invalidate_all();
    {
        // These limits are always possible.
        let mut frozen = disk
            .freeze_with(&Limits::UNBOUND)
            .unwrap_or_else(|_| disk.freeze());
        *frozen.queue_data() = None;
        drop(device.in_order.set(None));
        device.health.clear();
    }
    disk.set_read_only(false);
    disk.media_changed();
    // All partitions, those added by hand included: the capacity is 0.
    let _ = disk.rescan_partitions_locked();
    if device.shared.part_shift.bits() == 0 {
        disk.allow_partition_scan(false);
    }

    let attached = {
        let mut control = device.control.lock();
        let attached = control.finish();
        device.publish(&control);
        device.admit(&control);
        attached
    };
    // It is not queued any more: only requests do that, and the work itself while the device is bound.
    workqueue::cancel::<_, { work::DROP }>(device);
    if let Some(attached) = &attached {
        uncached::drop_written(&attached.binding);
    }
    // The sysfs directory goes here, which waits for readers, and the file, which takes locks of
    // its own, so no lock of ours may be held.
    drop(attached);
    disk.notify_change();
}
