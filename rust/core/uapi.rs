// SPDX-License-Identifier: GPL-2.0

//! What user space passes to and gets from loop devices: `include/uapi/linux/loop.h`.
//!
//! Own definitions with every byte named, so that they can be copied from and to user space as
//! they are; their sizes are checked against the C ones.

use crate::sys;
use kernel::transmute::{AsBytes, FromBytes};

#[cfg(CONFIG_KUNIT = "y")]
mod tests;

/// `LO_NAME_SIZE`.
pub(crate) const NAME_SIZE: usize = 64;
/// `LO_KEY_SIZE`.
pub(crate) const KEY_SIZE: usize = 32;

/// Numbers of the ioctls on a loop device.
pub(crate) mod device_ioctl {
    use crate::sys;

    /// `LOOP_SET_FD`.
    pub(crate) const SET_FD: u32 = sys::LOOP_SET_FD;
    /// `LOOP_CLR_FD`.
    pub(crate) const CLR_FD: u32 = sys::LOOP_CLR_FD;
    /// `LOOP_SET_STATUS`.
    pub(crate) const SET_STATUS: u32 = sys::LOOP_SET_STATUS;
    /// `LOOP_GET_STATUS`.
    pub(crate) const GET_STATUS: u32 = sys::LOOP_GET_STATUS;
    /// `LOOP_SET_STATUS64`.
    pub(crate) const SET_STATUS64: u32 = sys::LOOP_SET_STATUS64;
    /// `LOOP_GET_STATUS64`.
    pub(crate) const GET_STATUS64: u32 = sys::LOOP_GET_STATUS64;
    /// `LOOP_CHANGE_FD`.
    pub(crate) const CHANGE_FD: u32 = sys::LOOP_CHANGE_FD;
    /// `LOOP_SET_CAPACITY`.
    pub(crate) const SET_CAPACITY: u32 = sys::LOOP_SET_CAPACITY;
    /// `LOOP_SET_DIRECT_IO`.
    pub(crate) const SET_DIRECT_IO: u32 = sys::LOOP_SET_DIRECT_IO;
    /// `LOOP_SET_BLOCK_SIZE`.
    pub(crate) const SET_BLOCK_SIZE: u32 = sys::LOOP_SET_BLOCK_SIZE;
    /// `LOOP_CONFIGURE`.
    pub(crate) const CONFIGURE: u32 = sys::LOOP_CONFIGURE;
}

/// Numbers of the ioctls on the control node.
pub(crate) mod control_ioctl {
    use crate::sys;

    /// `LOOP_CTL_ADD`.
    pub(crate) const ADD: u32 = sys::LOOP_CTL_ADD;
    /// `LOOP_CTL_REMOVE`.
    pub(crate) const REMOVE: u32 = sys::LOOP_CTL_REMOVE;
    /// `LOOP_CTL_GET_FREE`.
    pub(crate) const GET_FREE: u32 = sys::LOOP_CTL_GET_FREE;
}

/// `struct loop_info64`.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct LoopInfo64 {
    /// Device of the backing file's file system.
    pub(crate) device: u64,
    /// Inode of the backing file.
    pub(crate) inode: u64,
    /// The device that the backing file stands for.
    pub(crate) rdevice: u64,
    /// Where in the file the device begins, in bytes.
    pub(crate) offset: u64,
    /// How much of the file it shows at most, in bytes; 0: all of it.
    pub(crate) sizelimit: u64,
    /// The device's number.
    pub(crate) number: u32,
    /// Obsolete; 0.
    pub(crate) encrypt_type: u32,
    /// Obsolete; 0.
    pub(crate) encrypt_key_size: u32,
    /// `LO_FLAGS_*`.
    pub(crate) flags: u32,
    /// User space's name for the file.
    pub(crate) name: [u8; NAME_SIZE],
    /// Obsolete.
    pub(crate) crypt_name: [u8; NAME_SIZE],
    /// Obsolete.
    pub(crate) encrypt_key: [u8; KEY_SIZE],
    /// Not used.
    pub(crate) init: [u64; 2],
}

impl LoopInfo64 {
    /// All zeroes.
    pub(crate) const ZERO: LoopInfo64 = LoopInfo64 {
        device: 0,
        inode: 0,
        rdevice: 0,
        offset: 0,
        sizelimit: 0,
        number: 0,
        encrypt_type: 0,
        encrypt_key_size: 0,
        flags: 0,
        name: [0; NAME_SIZE],
        crypt_name: [0; NAME_SIZE],
        encrypt_key: [0; KEY_SIZE],
        init: [0; 2],
    };
}

/// `struct loop_config`.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct LoopConfig {
    /// Descriptor of the backing file.
    pub(crate) fd: u32,
    /// Logical block size in bytes; 0: the default.
    pub(crate) block_size: u32,
    /// The rest.
    pub(crate) info: LoopInfo64,
    /// Not used.
    pub(crate) reserved: [u64; 8],
}

/// `struct loop_info` of a 64-bit caller.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct LoopInfo {
    number: i32,
    _pad0: u32,
    device: u64,
    inode: u64,
    rdevice: u64,
    offset: i32,
    encrypt_type: i32,
    encrypt_key_size: i32,
    flags: i32,
    name: [u8; NAME_SIZE],
    encrypt_key: [u8; KEY_SIZE],
    init: [u64; 2],
    reserved: [u8; 4],
    _pad1: u32,
}

/// `struct loop_info` of a 32-bit caller.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct CompatLoopInfo {
    number: i32,
    device: u16,
    _pad0: u16,
    inode: u32,
    rdevice: u16,
    _pad1: u16,
    offset: i32,
    encrypt_type: i32,
    encrypt_key_size: i32,
    flags: i32,
    name: [u8; NAME_SIZE],
    encrypt_key: [u8; KEY_SIZE],
    init: [u32; 2],
    reserved: [u8; 4],
}

const _: () = {
    assert!(size_of::<LoopInfo64>() == size_of::<sys::loop_info64>());
    assert!(size_of::<LoopConfig>() == size_of::<sys::loop_config>());
    assert!(size_of::<LoopInfo>() == size_of::<sys::loop_info>());
    assert!(size_of::<CompatLoopInfo>() == 140);
};

// SAFETY: Integers and arrays of them only: every pattern of bits is a value.
unsafe impl FromBytes for LoopInfo64 {}
// SAFETY: As above.
unsafe impl FromBytes for LoopConfig {}
// SAFETY: As above.
unsafe impl FromBytes for LoopInfo {}
// SAFETY: As above.
unsafe impl FromBytes for CompatLoopInfo {}
// SAFETY: No padding and no interior mutability: all bytes are initialised.
unsafe impl AsBytes for LoopInfo64 {}
// SAFETY: As above; what C pads has a name here.
unsafe impl AsBytes for LoopInfo {}
// SAFETY: As above.
unsafe impl AsBytes for CompatLoopInfo {}

/// A form of `struct loop_info64` of old.
pub(crate) trait OldInfo: FromBytes + AsBytes + Sized {
    /// The same in today's form. What the old form has no room for is 0, and so is what it has to
    /// say about encryption, as ever.
    fn to_new(&self) -> LoopInfo64;

    /// The same in the old form; `None` if a value does not fit.
    fn from_new(info: &LoopInfo64) -> Option<Self>;
}

impl OldInfo for LoopInfo {
    fn to_new(&self) -> LoopInfo64 {
        LoopInfo64 {
            // As C converts: sign-extended, so that a negative offset is refused as too large.
            offset: i64::from(self.offset) as u64,
            flags: self.flags as u32,
            name: self.name,
            ..LoopInfo64::ZERO
        }
    }

    fn from_new(info: &LoopInfo64) -> Option<Self> {
        Some(Self {
            number: i32::try_from(info.number).ok()?,
            _pad0: 0,
            device: info.device,
            inode: info.inode,
            rdevice: info.rdevice,
            offset: i32::try_from(info.offset).ok()?,
            encrypt_type: 0,
            encrypt_key_size: 0,
            flags: i32::try_from(info.flags).ok()?,
            name: info.name,
            encrypt_key: [0; KEY_SIZE],
            init: [0; 2],
            reserved: [0; 4],
            _pad1: 0,
        })
    }
}

impl OldInfo for CompatLoopInfo {
    fn to_new(&self) -> LoopInfo64 {
        LoopInfo64 {
            offset: i64::from(self.offset) as u64,
            flags: self.flags as u32,
            name: self.name,
            ..LoopInfo64::ZERO
        }
    }

    fn from_new(info: &LoopInfo64) -> Option<Self> {
        Some(Self {
            number: i32::try_from(info.number).ok()?,
            device: u16::try_from(info.device).ok()?,
            _pad0: 0,
            inode: u32::try_from(info.inode).ok()?,
            rdevice: u16::try_from(info.rdevice).ok()?,
            _pad1: 0,
            offset: i32::try_from(info.offset).ok()?,
            encrypt_type: 0,
            encrypt_key_size: 0,
            flags: i32::try_from(info.flags).ok()?,
            name: info.name,
            encrypt_key: [0; KEY_SIZE],
            init: [0; 2],
            reserved: [0; 4],
        })
    }
}
