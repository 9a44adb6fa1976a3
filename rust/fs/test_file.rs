// SPDX-License-Identifier: GPL-2.0

//! Files for tests: in memory, without a name in any directory.

use crate::{fs::BackingFile, sys};
use core::ptr::NonNull;
use kernel::{bindings, error::from_err_ptr, prelude::*};

/// What files are called in `/proc`.
pub(super) const NAME: &CStr = c"rloop-test";

/// A new file, all zeroes, of the given size.
pub(super) fn new(size: u64) -> Result<BackingFile> {
    // SAFETY: The name is copied.
    let file = from_err_ptr(unsafe {
        sys::rloop_test_file(NAME.as_char_ptr().cast(), i64::try_from(size)?)
    })?;
    // SAFETY: Just opened, and ours.
    Ok(unsafe { BackingFile::from_raw(NonNull::new_unchecked(file)) })
}

/// A new file that was opened with credentials of its own, and these, for comparison.
pub(super) fn others() -> Result<(BackingFile, *const bindings::cred)> {
    // SAFETY: Copies the current task's credentials; the copy is this function's.
    let cred = unsafe { bindings::prepare_creds() };
    if cred.is_null() {
        return Err(ENOMEM);
    }
    // SAFETY: The copy is in force for this task only and until the file is open, which then holds
    // it.
    let file = unsafe {
        let old = sys::rloop_override_creds(cred);
        let file = new(4096);
        sys::rloop_revert_creds(old);
        bindings::put_cred(cred);
        file
    };
    Ok((file?, cred))
}

/// A new file with the given content.
pub(super) fn with(content: &[u8]) -> Result<BackingFile> {
    let file = new(content.len() as u64)?;
    let mut at = 0;
    // SAFETY: The file is open, and the memory as long as said.
    let written = unsafe {
        bindings::kernel_write(
            file.as_ptr(),
            content.as_ptr().cast(),
            content.len(),
            &mut at,
        )
    };
    if written != content.len() as isize {
        return Err(EIO);
    }
    Ok(file)
}

/// A new file of `size` bytes, each of them `byte`.
pub(super) fn filled(size: usize, byte: u8) -> Result<BackingFile> {
    with(&KVec::from_elem(byte, size, GFP_KERNEL)?)
}

/// Opens a path as the opener of `file` would, with flags of `open()`.
fn open(path: &bindings::path, file: &BackingFile, flags: u32) -> Result<BackingFile> {
    // SAFETY: The path is held by the open file, which also holds its opener's credentials.
    let file = from_err_ptr(unsafe {
        bindings::kernel_file_open(path, i32::try_from(flags)?, (*file.as_ptr()).f_cred)
    })?;
    // SAFETY: Just opened, and ours.
    Ok(unsafe { BackingFile::from_raw(NonNull::new_unchecked(file)) })
}

/// The path of a file, as long as that is open.
fn path(file: &BackingFile) -> &bindings::path {
    // SAFETY: The file is open.
    unsafe { &*sys::rloop_file_path(file.as_ptr()) }
}

/// Opens the file once more.
pub(super) fn again(file: &BackingFile, flags: u32) -> Result<BackingFile> {
    open(path(file), file, flags)
}

/// Opens the root directory of the file's file system.
pub(super) fn directory_of(file: &BackingFile, flags: u32) -> Result<BackingFile> {
    let mnt = path(file).mnt;
    // SAFETY: The open file holds its mount, and that its root.
    let dentry = unsafe { (*mnt).mnt_root };
    open(&bindings::path { mnt, dentry }, file, flags)
}

/// The content of a file from `at` on, `length` bytes or up to its end.
pub(super) fn content(file: &BackingFile, at: u64, length: usize) -> Result<KVec<u8>> {
    let mut content = KVec::from_elem(0u8, length, GFP_KERNEL)?;
    let mut at = i64::try_from(at)?;
    // SAFETY: The file is open, and the memory as long as said.
    let read = unsafe {
        bindings::kernel_read(
            file.as_ptr(),
            content.as_mut_ptr().cast(),
            content.len(),
            &mut at,
        )
    };
    content.truncate(usize::try_from(read).map_err(|_| EIO)?);
    Ok(content)
}

/// Whether a part of a file consists of `length` times `byte`.
pub(super) fn is_all(file: &BackingFile, at: u64, length: usize, byte: u8) -> Result<bool> {
    let content = content(file, at, length)?;
    Ok(content.len() == length && content.iter().all(|found| *found == byte))
}
