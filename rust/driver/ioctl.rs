// SPDX-License-Identifier: GPL-2.0

//! Ioctls on a loop device: who may, and from and to user space.

use super::{attach, detach, device::Device, loop_driver::Loop, settings, status};
use crate::{
    block::{operations::Mode, BlockDevice},
    core::{
        privilege,
        uapi::{device_ioctl::*, CompatLoopInfo, LoopConfig, LoopInfo, LoopInfo64, OldInfo},
    },
};
use kernel::{
    prelude::*,
    transmute::{AsBytes, FromBytes},
    uaccess::{UserPtr, UserSlice},
};

/// An ioctl of a 64-bit caller.
pub(super) fn ioctl(
    device: &Device,
    bdev: &BlockDevice<Loop>,
    mode: Mode,
    cmd: u32,
    arg: usize,
) -> Result {
    match cmd {
        SET_STATUS => {
            may_change(mode)?;
            status::set(device, bdev, &read::<LoopInfo>(arg)?.to_new())
        }
        GET_STATUS => get_old::<LoopInfo>(device, arg),
        _ => common(device, bdev, mode, cmd, arg),
    }
}

/// An ioctl of a 32-bit caller.
pub(super) fn compat_ioctl(
    device: &Device,
    bdev: &BlockDevice<Loop>,
    mode: Mode,
    cmd: u32,
    arg: usize,
) -> Result {
    match cmd {
        SET_STATUS => {
            may_change(mode)?;
            status::set(device, bdev, &read::<CompatLoopInfo>(arg)?.to_new())
        }
        GET_STATUS => get_old::<CompatLoopInfo>(device, arg),
        // All others pass numbers and structures that are the same for everybody.
        SET_FD | CONFIGURE | CHANGE_FD | CLR_FD | SET_STATUS64 | GET_STATUS64 | SET_CAPACITY
        | SET_DIRECT_IO | SET_BLOCK_SIZE => common(device, bdev, mode, cmd, arg),
        _ => Err(ENOIOCTLCMD),
    }
}

/// The ioctls that are the same for 64-bit and 32-bit callers.
fn common(device: &Device, bdev: &BlockDevice<Loop>, mode: Mode, cmd: u32, arg: usize) -> Result {
    let disk = bdev.disk();
    match cmd {
        SET_FD => {
            let config = LoopConfig {
                fd: descriptor(arg),
                block_size: 0,
                info: LoopInfo64::ZERO,
                reserved: [0; 8],
            };
            attach::configure(device, bdev, mode, &config)
        }
        CONFIGURE => attach::configure(device, bdev, mode, &read(arg)?),
        CHANGE_FD => attach::change_fd(device, bdev, descriptor(arg)),
        CLR_FD => detach::clear(device, disk),
        SET_STATUS64 => {
            may_change(mode)?;
            status::set(device, bdev, &read(arg)?)
        }
        GET_STATUS64 => {
            not_null(arg)?;
            write(arg, &status::get(device)?)
        }
        SET_CAPACITY => {
            may_change(mode)?;
            settings::set_capacity(device, disk)
        }
        SET_DIRECT_IO => {
            may_change(mode)?;
            settings::set_direct_io(device, disk, arg != 0)
        }
        SET_BLOCK_SIZE => {
            may_change(mode)?;
            settings::set_block_size(device, bdev, mode, arg)
        }
        // What the C driver says to an ioctl it does not know.
        _ => Err(EINVAL),
    }
}

/// A file descriptor as the kernel takes it: the lower 32 bits.
fn descriptor(arg: usize) -> u32 {
    arg as u32
}

/// Whoever opened the device for writing may change it, and the administrator.
fn may_change(mode: Mode) -> Result {
    if mode.is_write() || privilege::is_admin() {
        Ok(())
    } else {
        Err(EPERM)
    }
}

fn not_null(arg: usize) -> Result {
    if arg == 0 {
        Err(EINVAL)
    } else {
        Ok(())
    }
}

fn get_old<T: OldInfo>(device: &Device, arg: usize) -> Result {
    not_null(arg)?;
    let info = T::from_new(&status::get(device)?).ok_or(EOVERFLOW)?;
    write(arg, &info)
}

fn read<T: FromBytes>(arg: usize) -> Result<T> {
    UserSlice::new(UserPtr::from_addr(arg), size_of::<T>())
        .reader()
        .read()
}

fn write<T: AsBytes>(arg: usize, value: &T) -> Result {
    UserSlice::new(UserPtr::from_addr(arg), size_of::<T>())
        .writer()
        .write(value)
}
