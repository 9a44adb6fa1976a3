// SPDX-License-Identifier: GPL-2.0

//! The file a user gave.

use crate::{
    block::{Disk, Operations},
    fs::BackingFile,
    sys,
};
use core::ptr::NonNull;
use kernel::{
    bindings,
    error::{code::*, from_err_ptr, Error, Result},
    fs::LocalFile,
    sync::aref::ARef,
};

/// Why a file cannot back a block device.
#[derive(Clone, Copy)]
pub(crate) enum Unsuitable {
    /// Neither a regular file nor a block device.
    Kind,
    /// Not opened for reading.
    NotReadable,
    /// The file system cannot read it, or cannot write what was opened for writing, into kernel
    /// memory.
    NoKernelIo,
}

impl Unsuitable {
    /// What to say.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Unsuitable::Kind => "it is neither a regular file nor a block device",
            Unsuitable::NotReadable => "it is not open for reading",
            Unsuitable::NoKernelIo => "its file system cannot read or write it for the kernel",
        }
    }

    /// What would do instead.
    pub(crate) fn allowed(self) -> &'static str {
        match self {
            Unsuitable::NotReadable => "a file open for reading, or for reading and writing",
            _ => "a regular file or a block device",
        }
    }
}

impl From<Unsuitable> for Error {
    fn from(why: Unsuitable) -> Error {
        match why {
            // As `read()` on such a descriptor.
            Unsuitable::NotReadable => EBADF,
            Unsuitable::Kind | Unsuitable::NoKernelIo => EINVAL,
        }
    }
}

/// An open file of the calling process.
pub(crate) struct GivenFile(ARef<LocalFile>);

impl GivenFile {
    /// The file behind a descriptor of the current process; `EBADF` if there is none, or an
    /// `O_PATH` one.
    pub(crate) fn from_fd(fd: u32) -> Result<Self> {
        Ok(Self(LocalFile::fget(fd).map_err(|_| EBADF)?))
    }

    fn as_ptr(&self) -> *mut bindings::file {
        self.0.as_ptr()
    }

    fn mode(&self) -> u32 {
        // SAFETY: The file is open; the mode bits looked at do not change.
        unsafe { (*self.as_ptr()).f_mode }
    }

    /// The inode that holds the data.
    fn inode(&self) -> NonNull<bindings::inode> {
        // SAFETY: An open file has a mapping with a host inode.
        unsafe { NonNull::new_unchecked((*(*self.as_ptr()).f_mapping).host) }
    }

    fn is_block_device(&self) -> bool {
        // SAFETY: The inode is held by the open file.
        unsafe { sys::rloop_is_blk(self.inode().as_ptr()) }
    }

    /// Whether it can back a block device.
    pub(crate) fn check(&self) -> Result<(), Unsuitable> {
        // SAFETY: The inode is held by the open file.
        let regular = unsafe { sys::rloop_is_reg(self.inode().as_ptr()) };
        if !regular && !self.is_block_device() {
            return Err(Unsuitable::Kind);
        }
        if self.mode() & sys::RLOOP_FMODE_READ == 0 {
            return Err(Unsuitable::NotReadable);
        }
        // SAFETY: An open file has operations.
        let ops = unsafe { &*(*self.as_ptr()).f_op };
        let writable = self.mode() & sys::RLOOP_FMODE_WRITE != 0;
        if ops.read_iter.is_none() || (writable && ops.write_iter.is_none()) {
            return Err(Unsuitable::NoKernelIo);
        }
        Ok(())
    }

    /// Whether it was opened for writing.
    pub(crate) fn is_writable(&self) -> bool {
        self.mode() & sys::RLOOP_FMODE_WRITE != 0
    }

    /// Whether it was opened with `O_DIRECT`.
    pub(crate) fn is_direct(&self) -> bool {
        // SAFETY: The file is open. Flags may be changed by `fcntl()` meanwhile; either is right.
        unsafe { (*self.as_ptr()).f_flags & sys::RLOOP_O_DIRECT != 0 }
    }

    /// The disk of driver `T` that the file is (a partition of), if it is one.
    pub(crate) fn disk<T: Operations>(&self) -> Option<&Disk<T>> {
        if !self.is_block_device() {
            return None;
        }
        // SAFETY: The file is open and holds its block device, and that its disk.
        unsafe { Disk::from_bdev(bindings::I_BDEV(self.inode().as_ptr())) }
    }

    /// Opens the same file for the driver itself, with the opener's credentials. May sleep.
    pub(crate) fn reopen(&self, read_only: bool) -> Result<BackingFile> {
        let access = if read_only {
            sys::RLOOP_O_RDONLY
        } else {
            sys::RLOOP_O_RDWR
        };
        let flags = i32::try_from(access | sys::RLOOP_O_LARGEFILE)?;
        // SAFETY: The file is open, so that its path and credentials are held.
        let file = from_err_ptr(unsafe {
            bindings::kernel_file_open(
                sys::rloop_file_path(self.as_ptr()),
                flags,
                (*self.as_ptr()).f_cred,
            )
        })?;
        // SAFETY: Freshly opened, and ours.
        Ok(unsafe { BackingFile::from_raw(NonNull::new_unchecked(file)) })
    }
}
