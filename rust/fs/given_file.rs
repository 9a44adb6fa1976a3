// SPDX-License-Identifier: GPL-2.0

//! The file a user gave.

use crate::{
    block::{Disk, Operations},
    core::errno,
    fs::{credentials::ActingAs, mappings::Mappings, BackingFile},
    logic::pseudo,
    sys,
};
use core::ptr::NonNull;
use kernel::{
    bindings,
    error::{code::*, from_err_ptr, Error, Result},
    fs::{File, LocalFile},
    sync::{aref::ARef, Arc},
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
    /// A view of the kernel's own state, see [`pseudo`].
    Pseudo,
    /// The kernel swaps to it.
    Swap,
    /// Open for writing, but has since been made immutable.
    Immutable,
    /// Open for writing, but only at its end.
    AppendOnly,
}

impl Unsuitable {
    /// What to say.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Unsuitable::Kind => "it is neither a regular file nor a block device",
            Unsuitable::NotReadable => "it is not open for reading",
            Unsuitable::NoKernelIo => "its file system cannot read or write it for the kernel",
            Unsuitable::Pseudo => "it is a view of the kernel's own state",
            Unsuitable::Swap => "the kernel swaps to it",
            Unsuitable::Immutable => "it is immutable",
            Unsuitable::AppendOnly => "it can only be appended to",
        }
    }

    /// What would do instead.
    pub(crate) fn allowed(self) -> &'static str {
        match self {
            Unsuitable::NotReadable => "a file open for reading, or for reading and writing",
            Unsuitable::Swap => "a file that is not used for swapping",
            Unsuitable::Immutable | Unsuitable::AppendOnly => "such a file open for reading only",
            _ => "a regular file or a block device",
        }
    }
}

impl From<Unsuitable> for Error {
    fn from(why: Unsuitable) -> Error {
        match why {
            // As `read()` on such a descriptor.
            Unsuitable::NotReadable => EBADF,
            Unsuitable::Kind | Unsuitable::NoKernelIo | Unsuitable::Pseudo => EINVAL,
            // As `write()` to such a file.
            Unsuitable::Swap => ETXTBSY,
            Unsuitable::Immutable | Unsuitable::AppendOnly => EPERM,
        }
    }
}

/// An open file of the calling process.
pub(crate) struct GivenFile(ARef<File>);

impl GivenFile {
    /// The file behind a descriptor of the current process; `EBADF` if there is none, or an
    /// `O_PATH` one. Only in an ioctl.
    pub(crate) fn from_fd(fd: u32) -> Result<Self> {
        let file = LocalFile::fget(fd).map_err(|_| EBADF)?;
        // SAFETY: An ioctl does not use positions of files, so that this thread has called no
        // `fdget_pos()` that has not ended.
        Ok(Self(unsafe { LocalFile::assume_no_fdget_pos(file) }))
    }

    /// A reference of one's own to it.
    pub(super) fn file(&self) -> ARef<File> {
        self.0.clone()
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

    /// The inodes that a file is read from and written to: that of the file, and the one below
    /// where its file system lies over others.
    fn inodes(&self, regular: bool) -> [NonNull<bindings::inode>; 2] {
        let inode = self.inode();
        let real = if regular {
            // SAFETY: An open file holds its dentry, and that all that is below.
            NonNull::new(unsafe { sys::rloop_real_inode(self.as_ptr()) })
        } else {
            // That of a device's node tells nothing about the device.
            None
        };
        [inode, real.unwrap_or(inode)]
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
        let inodes = self.inodes(regular);
        let any = |is: unsafe extern "C" fn(*const bindings::inode) -> bool| {
            // SAFETY: The inodes are held by the open file.
            inodes.iter().any(|inode| unsafe { is(inode.as_ptr()) })
        };
        let pseudo = inodes.iter().any(|inode| {
            // SAFETY: The inodes are held by the open file, and their file systems by them.
            let magic = unsafe { (*(*inode.as_ptr()).i_sb).s_magic };
            pseudo::is_pseudo(magic as u64)
        });
        if pseudo {
            Err(Unsuitable::Pseudo)
        } else if !self.has_kernel_io() {
            Err(Unsuitable::NoKernelIo)
        } else if any(sys::rloop_is_swapfile) {
            Err(Unsuitable::Swap)
        } else if any(sys::rloop_is_immutable) && self.is_writable() {
            Err(Unsuitable::Immutable)
        } else if any(sys::rloop_is_append) && self.is_writable() {
            // The driver's own open file would not be bound to append.
            Err(Unsuitable::AppendOnly)
        } else {
            Ok(())
        }
    }

    /// Whether its file system can read it, and write what was opened for writing, into kernel
    /// memory.
    pub(crate) fn has_kernel_io(&self) -> bool {
        // SAFETY: An open file has operations.
        let ops = unsafe { &*(*self.as_ptr()).f_op };
        ops.read_iter.is_some() && (!self.is_writable() || ops.write_iter.is_some())
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

    /// Opens the same file for the driver itself, as its opener. Fails with `ENXIO` if it is a block
    /// device that is gone, with `ESTALE` if a network file system does not find it any more. May
    /// sleep.
    pub(crate) fn reopen(&self, read_only: bool, mappings: &Arc<Mappings>) -> Result<BackingFile> {
        let access = if read_only {
            sys::RLOOP_O_RDONLY
        } else {
            sys::RLOOP_O_RDWR
        };
        let flags = i32::try_from(access | sys::RLOOP_O_LARGEFILE)?;
        // Some file systems, for instance those that have a session for each user, look at the current
        // credentials, not at those that the file is to have.
        // SAFETY: The file is open.
        let _opener = unsafe { ActingAs::opener_of(self.as_ptr()) };
        // SAFETY: The file is open, so that its path and credentials are held.
        let file = from_err_ptr(unsafe {
            bindings::kernel_file_open(
                sys::rloop_file_path(self.as_ptr()),
                flags,
                (*self.as_ptr()).f_cred,
            )
        })
        .map_err(errno::for_user)?;
        // SAFETY: Freshly opened, and ours.
        let own = unsafe {
            // See `BackingFile::touch()`.
            sys::rloop_file_no_atime(file);
            BackingFile::from_raw(NonNull::new_unchecked(file))
        };
        // A block device is opened by its number, which may be another one's by now.
        // SAFETY: Both files are open.
        if unsafe { (*file).f_mapping != (*self.as_ptr()).f_mapping } {
            return Err(ENXIO);
        }
        own.restrained(mappings)
    }
}

#[kernel::prelude::kunit_tests(rloop_fs_given_file)]
mod tests {
    use super::*;
    use crate::fs::test_file;
    use kernel::bindings::{O_DIRECTORY, O_WRONLY};

    /// As if a user had given an open file.
    fn given(file: &BackingFile) -> GivenFile {
        // SAFETY: The file is open, and nobody uses its position.
        GivenFile(unsafe { File::from_raw_file(file.as_ptr()) }.into())
    }

    #[test]
    fn descriptor_that_is_not_open_is_refused() {
        assert!(GivenFile::from_fd(u32::MAX).err() == Some(EBADF));
    }

    #[test]
    fn regular_file_is_suitable() -> Result {
        assert!(given(&test_file::new(4096)?).check().is_ok());
        Ok(())
    }

    #[test]
    fn unreadable_is_told_as_by_read_and_wrong_kinds_as_invalid() {
        assert!(Error::from(Unsuitable::NotReadable) == EBADF);
        assert!(Error::from(Unsuitable::Kind) == EINVAL);
        assert!(Error::from(Unsuitable::NoKernelIo) == EINVAL);
        assert!(Error::from(Unsuitable::Pseudo) == EINVAL);
    }

    #[test]
    fn what_may_not_be_written_is_told_as_by_write() {
        assert!(Error::from(Unsuitable::Swap) == ETXTBSY);
        assert!(Error::from(Unsuitable::Immutable) == EPERM);
        assert!(Error::from(Unsuitable::AppendOnly) == EPERM);
    }

    #[test]
    fn file_that_is_only_written_is_unsuitable() -> Result {
        let file = test_file::again(&test_file::new(4096)?, O_WRONLY)?;
        let refused = given(&file).check().err();
        assert!(matches!(refused, Some(Unsuitable::NotReadable)));
        Ok(())
    }

    #[test]
    fn directory_is_unsuitable() -> Result {
        let file = test_file::directory_of(&test_file::new(4096)?, O_DIRECTORY)?;
        let refused = given(&file).check().err();
        assert!(matches!(refused, Some(Unsuitable::Kind)));
        Ok(())
    }

    #[test]
    fn access_is_that_of_the_descriptor() -> Result {
        let file = test_file::new(4096)?;
        let read_only = test_file::again(&file, sys::RLOOP_O_RDONLY)?;
        assert!(given(&file).is_writable());
        assert!(!given(&read_only).is_writable());
        Ok(())
    }

    #[test]
    fn direct_io_is_what_the_descriptor_says() -> Result {
        let file = test_file::new(4096)?;
        let direct = test_file::again(&file, sys::RLOOP_O_DIRECT)?;
        assert!(!given(&file).is_direct());
        assert!(given(&direct).is_direct());
        Ok(())
    }

    #[test]
    fn reopened_file_is_another_open_file_of_the_same_data() -> Result {
        let file = test_file::filled(4096, 7)?;
        let own = given(&file).reopen(false, &Mappings::new()?)?;
        assert!(!core::ptr::eq(own.as_ptr(), file.as_ptr()));
        assert!(test_file::is_all(&own, 0, 4096, 7)?);
        Ok(())
    }

    #[test]
    fn reopened_file_is_writable_unless_told_not_to() -> Result {
        let file = test_file::new(4096)?;
        let writable = given(&file).reopen(false, &Mappings::new()?)?;
        let read_only = given(&file).reopen(true, &Mappings::new()?)?;
        assert!(given(&writable).is_writable());
        assert!(!given(&read_only).is_writable());
        Ok(())
    }

    #[test]
    fn reopened_file_does_not_take_over_direct_io() -> Result {
        let direct = test_file::again(&test_file::new(4096)?, sys::RLOOP_O_DIRECT)?;
        assert!(!given(&given(&direct).reopen(true, &Mappings::new()?)?).is_direct());
        Ok(())
    }

    #[test]
    fn reopened_file_has_the_credentials_of_the_given() -> Result {
        let (file, theirs) = test_file::others()?;
        let own = given(&file).reopen(true, &Mappings::new()?)?;
        // SAFETY: The file is open.
        let ours = unsafe { (*own.as_ptr()).f_cred };
        assert!(core::ptr::eq(theirs, ours));
        Ok(())
    }
}
