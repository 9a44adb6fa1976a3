// SPDX-License-Identifier: GPL-2.0

//! `LOOP_SET_STATUS` and `LOOP_GET_STATUS`, in all their forms.

use super::{
    device::{Device, Published},
    log::refused,
    loop_driver::{errno, Loop},
};
use crate::{
    block::BlockDevice,
    core::uapi::{LoopInfo64, KEY_SIZE, NAME_SIZE},
    logic::{
        flags::Flags,
        window::{Window, WindowError},
    },
};
use kernel::prelude::*;

/// What can be set of a device, checked.
pub(super) struct Settings {
    /// The part of the file to be shown.
    pub(super) window: Window,
    /// User space's name for the file, NUL-terminated.
    pub(super) name: [u8; NAME_SIZE],
}

impl Settings {
    /// Checks what user space passed.
    pub(super) fn parse(device: &Device, info: &LoopInfo64) -> Result<Self> {
        if info.encrypt_key_size as usize > KEY_SIZE || info.encrypt_type != 0 {
            refused!(
                device.label(),
                "encryption type",
                info.encrypt_type,
                "loop devices do not encrypt; use dm-crypt",
                0
            );
            return Err(EINVAL);
        }
        let window = Window::new(info.offset, info.sizelimit).map_err(|error| {
            let (what, value) = match error {
                WindowError::OffsetTooLarge => ("offset", info.offset),
                WindowError::SizeLimitTooLarge => ("size limit", info.sizelimit),
            };
            refused!(
                device.label(),
                what,
                value,
                "files are not that large",
                fmt!("0 to {}", i64::MAX)
            );
            EOVERFLOW
        })?;
        let mut name = info.name;
        if let Some(last) = name.last_mut() {
            *last = 0;
        }
        Ok(Self { window, name })
    }
}

/// Changes offset, size limit, name and flags of a bound device. Sleeps.
pub(super) fn set(device: &Device, bdev: &BlockDevice<Loop>, info: &LoopInfo64) -> Result {
    let disk = bdev.disk();
    let mut control = device.control.lock_killable()?;
    let old = control.bound().map_err(errno)?.binding.clone();
    let settings = Settings::parse(device, info)?;

    let moved = settings.window != old.window;
    if moved {
        // What is cached of the device belongs to other places of the file from now on. P4: what
        // could not be written is told.
        disk.sync()?;
        disk.invalidate_cache();
    }
    let flags = old.flags.set_status(info.flags).without(Flags::AUTOCLEAR);
    let autoclear = Flags::AUTOCLEAR.bits() & info.flags != 0;
    let new = old.with(settings.window, flags, settings.name);
    device.reconfigure(disk, &mut control, new, Some(autoclear))?;
    if moved {
        // What was read meanwhile is of the old places.
        disk.invalidate_cache();
    }

    let scan = flags.contains(Flags::PARTSCAN) && !old.flags.contains(Flags::PARTSCAN);
    if scan {
        disk.allow_partition_scan(true);
    }
    drop(control);
    if scan {
        let _ = disk.rescan_partitions();
    }
    Ok(())
}

/// Tells how a bound device is configured. Sleeps.
pub(super) fn get(device: &Device) -> Result<LoopInfo64> {
    // Without the lock of the state: who has that may wait for I/O, and whoever looks for the device
    // of a file asks all of them.
    let published = device.published().ok_or(ENXIO)?;
    // A device that cannot be opened has its binding still, but is bound no more.
    device.open()?;
    let Published { binding, autoclear } = published;
    let identity = binding.file.identity()?;
    let mut flags = binding.flags;
    if autoclear {
        flags = flags.with(Flags::AUTOCLEAR);
    }
    Ok(LoopInfo64 {
        device: identity.device,
        inode: identity.inode,
        rdevice: identity.rdevice,
        offset: binding.window.offset().get(),
        sizelimit: binding.window.sizelimit().get(),
        number: device.index,
        flags: flags.bits(),
        name: binding.name,
        ..LoopInfo64::ZERO
    })
}
