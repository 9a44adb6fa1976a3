// SPDX-License-Identifier: GPL-2.0

//! The driver's own open file.

use crate::{
    block::{limits::Discard, Disk, Operations},
    core::{clock, errno},
    fs::{
        credentials::ActingAs,
        mappings::{Mappings, Restraint},
        stat::{self, Identity},
        GivenFile,
    },
    logic::{direct::Alignment, errcursor::Position, units::Bytes},
    sys,
};
use core::{ptr::NonNull, slice};
use kernel::{
    bindings,
    error::{from_err_ptr, to_result, Error, Result},
    ffi::c_ulong,
    fs::File,
    page::PAGE_SHIFT,
    str::{CStr, CStrExt as _},
    sync::{
        aref::ARef,
        atomic::{Acquire, Atomic, Full, Relaxed, Release},
        Arc,
    },
};

/// How long the access time of a file that is read may be behind, in seconds.
const TOUCH_EVERY: i64 = 10;

/// A file opened by the driver for itself: flags, position and errseq cursor are its own.
///
/// # Invariants
///
/// `file` is an open file on which this object owns a reference.
pub(crate) struct BackingFile {
    file: NonNull<bindings::file>,
    /// The cursor where that of the open file does not move, as it is the file below that tells of
    /// errors: an `errseq_t`.
    own_cursor: Option<Atomic<u32>>,
    /// The user's open file, only to be kept open: a claim (`O_EXCL`) or a lock (`flock()`) that
    /// goes with it is in force as long.
    given: Option<ARef<File>>,
    /// How often ranges were changed without writing data; one at the start, for what was done before.
    changes: Atomic<u64>,
    /// What [`changes`](Self::changes) was before the last sync of all metadata.
    synced: Atomic<u64>,
    /// When its access time was last brought up to date, in seconds since the machine was started;
    /// the least number: not yet.
    touched: Atomic<i64>,
    /// Its page cache is not to take memory that has to be had by I/O.
    restraint: Option<Restraint>,
}

// SAFETY: An open file may be used and closed from any thread.
unsafe impl Send for BackingFile {}
// SAFETY: The VFS locks for itself.
unsafe impl Sync for BackingFile {}

impl BackingFile {
    /// # Safety
    ///
    /// `file` must be an open file, a reference to which is given up to the result.
    pub(super) unsafe fn from_raw(file: NonNull<bindings::file>) -> Self {
        // INVARIANT: By this function's contract.
        let mut own = Self {
            file,
            own_cursor: None,
            given: None,
            changes: Atomic::new(1),
            synced: Atomic::new(0),
            touched: Atomic::new(i64::MIN),
            restraint: None,
        };
        // SAFETY: The inode is held by the open file, and its file system by that.
        if unsafe { sys::rloop_is_stacked(own.inode()) } {
            own.own_cursor = Some(Atomic::new(Position::default().get()));
        }
        own
    }

    /// The same, for whose page cache, or that of the file that has its data, no memory is to be had by
    /// I/O as long as it is open. Fails with `ENOMEM`. May sleep.
    pub(super) fn restrained(mut self, mappings: &Arc<Mappings>) -> Result<Self> {
        // SAFETY: An open file has a mapping, and an inode that holds the data, which its dentry holds,
        // and with overlayfs that of the file below; the restraint is dropped before the file is closed.
        self.restraint = Some(unsafe {
            let mapping = if sys::rloop_is_stacked(self.inode()) {
                (*sys::rloop_real_inode(self.as_ptr())).i_mapping
            } else {
                (*self.as_ptr()).f_mapping
            };
            mappings.restrain(NonNull::new_unchecked(mapping))?
        });
        Ok(self)
    }

    /// The same, which keeps the user's open file open as well.
    pub(crate) fn keeping(mut self, given: &GivenFile) -> Self {
        self.given = Some(given.file());
        self
    }

    pub(super) fn as_ptr(&self) -> *mut bindings::file {
        self.file.as_ptr()
    }

    /// The open file whose ranges are to be deallocated or zeroed. For a block device that is the
    /// user's: if that has claimed it (`O_EXCL`), the kernel drops what is cached for no other one.
    pub(super) fn for_changes(&self) -> *mut bindings::file {
        match &self.given {
            Some(given) if self.is_block_device() => given.as_ptr(),
            _ => self.as_ptr(),
        }
    }

    /// A range was changed without writing data. Any context.
    pub(super) fn note_change(&self) {
        self.changes.fetch_add(1, Release);
    }

    /// It was read. Whether it is time to [`touch`](Self::touch) it. Any context.
    pub(crate) fn note_read(&self) -> bool {
        let (now, last) = (clock::seconds(), self.touched.load(Relaxed));
        let behind = now.saturating_sub(last) >= TOUCH_EVERY;
        behind && self.touched.cmpxchg(last, now, Relaxed).is_ok()
    }

    /// Sets its access time, if its file system wants that. Sleeps, perhaps for the file system's journal:
    /// that is why those who read it do not.
    pub(crate) fn touch(&self) {
        // SAFETY: Open by the type invariant.
        unsafe { bindings::touch_atime(sys::rloop_file_path(self.as_ptr())) };
    }

    /// Drops from its page cache, between two positions, what is clean and not in use. Returns whether
    /// nothing of the file, wherever, was still to be written to the disk before. Sleeps, but waits for
    /// no I/O (`invalidate_mapping_pages()` in `mm/truncate.c`).
    pub(crate) fn drop_cached(&self, from: Bytes, to: Bytes) -> bool {
        let page = |at: u64| c_ulong::try_from(at >> PAGE_SHIFT).unwrap_or(c_ulong::MAX);
        let last = page(to.get().saturating_sub(1));
        // SAFETY: An open file has a mapping.
        unsafe {
            let mapping = (*self.as_ptr()).f_mapping;
            let all_written = !sys::rloop_mapping_is_unwritten(mapping);
            bindings::invalidate_mapping_pages(mapping, page(from.get()), last);
            all_written
        }
    }

    /// Acts with the opener's credentials until the result is dropped.
    pub(super) fn acting_as_opener(&self) -> ActingAs<'_> {
        // SAFETY: Open by the type invariant.
        unsafe { ActingAs::opener_of(self.as_ptr()) }
    }

    fn inode(&self) -> *mut bindings::inode {
        // SAFETY: An open file has a mapping with a host inode.
        unsafe { (*(*self.as_ptr()).f_mapping).host }
    }

    fn operations(&self) -> &bindings::file_operations {
        // SAFETY: An open file has operations, which live as long.
        unsafe { &*(*self.as_ptr()).f_op }
    }

    /// The block device that the file is, or that its file system is on.
    fn block_device(&self) -> Option<NonNull<bindings::block_device>> {
        let inode = self.inode();
        // SAFETY: The inode is held by the open file, and holds its super block.
        NonNull::new(unsafe {
            if sys::rloop_is_blk(inode) {
                bindings::I_BDEV(inode)
            } else {
                (*(*inode).i_sb).s_bdev
            }
        })
    }

    /// Whether the file is a block device.
    pub(crate) fn is_block_device(&self) -> bool {
        // SAFETY: The inode is held by the open file.
        unsafe { sys::rloop_is_blk(self.inode()) }
    }

    /// Its size now. May sleep.
    pub(crate) fn size(&self) -> Result<Bytes> {
        if self.is_block_device() {
            // SAFETY: The inode is held by the open file.
            let size = unsafe { sys::rloop_i_size_read(self.inode()) };
            return Ok(Bytes::new(u64::try_from(size)?));
        }
        let _opener = self.acting_as_opener();
        // SAFETY: Open by the type invariant.
        unsafe { stat::size(self.as_ptr()) }
    }

    /// Which file it is. May sleep.
    pub(crate) fn identity(&self) -> Result<Identity> {
        // SAFETY: Open by the type invariant.
        unsafe { stat::identity(self.as_ptr()) }
    }

    /// The disk of driver `T` that the file is (a partition of), if it is one.
    pub(crate) fn disk<T: Operations>(&self) -> Option<&Disk<T>> {
        if !self.is_block_device() {
            return None;
        }
        // SAFETY: The file is open and holds its block device, and that its disk.
        unsafe { Disk::from_bdev(bindings::I_BDEV(self.inode())) }
    }

    /// The disk of driver `T` that the file is (a partition of), or that the file system is on.
    pub(crate) fn lies_on<T: Operations>(&self) -> Option<&Disk<T>> {
        if self.is_block_device() {
            return self.disk();
        }
        // SAFETY: The file is open and holds its file system, and that its block device, if it has
        // one.
        unsafe {
            let bdev = (*(*self.inode()).i_sb).s_bdev;
            if bdev.is_null() {
                return None;
            }
            Disk::from_bdev(bdev)
        }
    }

    /// Writes the path of the file, as the current task sees it, to `show`. `ENAMETOOLONG` if it
    /// does not fit into `buffer`. Takes RCU and seqlocks only.
    pub(crate) fn path<'b>(&self, buffer: &'b mut [u8]) -> Result<&'b [u8]> {
        let length = i32::try_from(buffer.len())?;
        // SAFETY: Open by the type invariant; the buffer is as long as said.
        let start = from_err_ptr(unsafe {
            bindings::file_path(self.as_ptr(), buffer.as_mut_ptr().cast(), length)
        })?;
        // SAFETY: `file_path()` returns a NUL-terminated string inside the buffer.
        let path = unsafe { CStr::from_char_ptr(start) }.to_bytes();
        // SAFETY: The same bytes, borrowed as long as the buffer is.
        Ok(unsafe { slice::from_raw_parts(path.as_ptr(), path.len()) })
    }

    /// Whether the file system can make the file stable at all.
    pub(crate) fn can_sync(&self) -> bool {
        self.operations().fsync.is_some()
    }

    /// Makes data, and the metadata needed to find it, stable: `fdatasync`. Reports each
    /// writeback error once, by the cursor of this open file. Nothing to do where the file system
    /// [cannot](Self::can_sync). Sleeps.
    ///
    /// It is `fsync` when ranges were changed: f2fs, for one, does not take zeroed blocks for data
    /// (`f2fs_do_sync_file()` in `fs/f2fs/file.c`).
    pub(crate) fn sync_data(&self) -> Result {
        if !self.can_sync() {
            return Ok(());
        }
        let _opener = self.acting_as_opener();
        // What is changed from here on is for the next one.
        let changes = self.changes.load(Acquire);
        let only_data = changes == self.synced.load(Relaxed);
        // SAFETY: Open by the type invariant.
        let result = to_result(unsafe { bindings::vfs_fsync(self.as_ptr(), only_data.into()) });
        match result {
            // Of two at the same time the one that knows of less may come last: then the next one
            // does more than it has to.
            Ok(()) => self.synced.store(changes, Relaxed),
            Err(error) => self.was_told(error),
        }
        result
    }

    /// A sync of this open file, or a stable write to it, has failed: moves the cursor on unless
    /// the file system does. Any context.
    pub(crate) fn was_told(&self, error: Error) {
        let Some(cursor) = &self.own_cursor else {
            return;
        };
        let mut old = cursor.load(Relaxed);
        loop {
            let new = Position::new(old).after(errno::to_logic(error)).get();
            match cursor.cmpxchg(old, new, Full) {
                Ok(_) => break,
                Err(now) => old = now,
            }
        }
    }

    /// Whether the file system does direct I/O to this file.
    pub(crate) fn can_direct(&self) -> bool {
        // SAFETY: The file is open; the bit does not change.
        unsafe { (*self.as_ptr()).f_mode & sys::RLOOP_FMODE_CAN_ODIRECT != 0 }
    }

    /// Whether reads can be told to come back when what they wait for is in the page cache,
    /// [`transfer_or_wake`](crate::fs::io::transfer_or_wake).
    pub(crate) fn can_wake(&self) -> bool {
        // SAFETY: The file is open; its operations do not change.
        unsafe { (*(*self.as_ptr()).f_op).fop_flags & sys::RLOOP_FOP_BUFFER_RASYNC != 0 }
    }

    /// Whether reads and writes can be told to leave nothing in the page cache.
    pub(crate) fn can_uncached(&self) -> bool {
        // SAFETY: The file is open; its operations do not change.
        unsafe { (*(*self.as_ptr()).f_op).fop_flags & sys::RLOOP_FOP_DONTCACHE != 0 }
    }

    /// The position of the cursor that tells which of the file's writeback errors were seen
    /// (`f_wb_err`, see `lib/errseq.c`). Any context.
    pub(crate) fn error_cursor(&self) -> Position {
        Position::new(match &self.own_cursor {
            Some(cursor) => cursor.load(Acquire),
            // SAFETY: The file is open.
            None => unsafe { sys::rloop_error_cursor(self.as_ptr()) },
        })
    }

    /// Whether reads and writes can be told not to wait.
    pub(crate) fn can_nowait(&self) -> bool {
        // SAFETY: The file is open; the bits do not change.
        unsafe { sys::rloop_file_can_nowait(self.as_ptr()) }
    }

    /// What direct I/O must be aligned to: what the file system says, else the logical block size
    /// of the device below, else a sector. May sleep.
    pub(crate) fn direct_alignment(&self) -> Alignment {
        let opener = self.acting_as_opener();
        // SAFETY: Open by the type invariant.
        let said = unsafe { stat::direct_alignment(self.as_ptr()) };
        drop(opener);
        said.unwrap_or_else(|| {
            let below = self.block_device().map_or(512, |bdev| {
                // SAFETY: The open file holds the block device.
                unsafe { sys::rloop_bdev_logical_block_size(bdev.as_ptr()) }
            });
            Alignment {
                offset: below,
                memory: below,
            }
        })
    }

    /// Whether the device below is a spinning disk.
    pub(crate) fn is_rotational(&self) -> bool {
        self.block_device().is_some_and(|bdev| {
            // SAFETY: The open file holds the block device.
            unsafe { sys::rloop_bdev_rotational(bdev.as_ptr()) }
        })
    }

    /// What can be hoped for from deallocation and zeroing. May sleep.
    ///
    /// A block device below zeroes what is discarded, so its limit for that counts. A file system
    /// is only seen to lack an operation when that is tried.
    pub(crate) fn discard(&self) -> Discard {
        if self.is_block_device() {
            // SAFETY: The open file is, and holds, the block device.
            let (sectors, granularity) = unsafe {
                let bdev = bindings::I_BDEV(self.inode());
                (
                    sys::rloop_bdev_write_zeroes_sectors(bdev),
                    sys::rloop_bdev_discard_granularity(bdev),
                )
            };
            if sectors == 0 {
                return Discard::NONE;
            }
            return Discard {
                granularity,
                max_discard_sectors: sectors,
                max_write_zeroes_sectors: sectors,
            };
        }
        if self.operations().fallocate.is_none() {
            return Discard::NONE;
        }
        let _opener = self.acting_as_opener();
        // SAFETY: The file is open.
        match u32::try_from(unsafe { sys::rloop_file_block_size(self.as_ptr()) }) {
            Ok(granularity) if granularity != 0 => Discard {
                granularity,
                max_discard_sectors: u32::MAX >> 9,
                max_write_zeroes_sectors: u32::MAX >> 9,
            },
            _ => Discard::NONE,
        }
    }
}

impl Drop for BackingFile {
    /// May sleep.
    fn drop(&mut self) {
        self.restraint = None;
        // SAFETY: The reference is owned by the type invariant. The last `fput()` is finished by a task
        // work or a worker.
        unsafe { bindings::fput(self.as_ptr()) };
    }
}

#[kernel::prelude::kunit_tests(rloop_fs_backing_file)]
mod tests {
    use super::*;
    use crate::{core::errno::enametoolong, fs::test_file};
    use kernel::error::code;

    #[test]
    fn size_is_that_of_the_file() -> Result {
        assert_eq!(test_file::new(12345)?.size()?.get(), 12345);
        Ok(())
    }

    #[test]
    fn identity_tells_files_apart() -> Result {
        let (first, second) = (test_file::new(0)?, test_file::new(0)?);
        let (first, second) = (first.identity()?, second.identity()?);
        assert_eq!(first.device, second.device);
        assert!(first.inode != second.inode);
        Ok(())
    }

    #[test]
    fn identity_is_the_same_each_time() -> Result {
        let file = test_file::new(0)?;
        assert_eq!(file.identity()?.inode, file.identity()?.inode);
        Ok(())
    }

    #[test]
    fn file_that_is_no_device_has_no_device_number() -> Result {
        assert_eq!(test_file::new(0)?.identity()?.rdevice, 0);
        Ok(())
    }

    #[test]
    fn path_has_the_name() -> Result {
        let mut buffer = [0; 64];
        let file = test_file::new(0)?;
        let path = file.path(&mut buffer)?;
        let name = test_file::NAME.to_bytes();
        assert!(path.windows(name.len()).any(|part| part == name));
        Ok(())
    }

    #[test]
    fn path_that_does_not_fit_is_refused() -> Result {
        let mut buffer = [0; 4];
        let error = test_file::new(0)?.path(&mut buffer).err();
        assert!(error == Some(enametoolong()));
        Ok(())
    }

    #[test]
    fn regular_file_is_no_block_device() -> Result {
        assert!(!test_file::new(0)?.is_block_device());
        Ok(())
    }

    #[test]
    fn sync_of_a_healthy_file_succeeds() -> Result {
        let file = test_file::filled(4096, 1)?;
        assert!(file.can_sync());
        assert!(file.sync_data() == Ok(()));
        Ok(())
    }

    #[test]
    fn all_metadata_is_synced_once_after_each_change() -> Result {
        let file = test_file::filled(4096, 1)?;
        let all_is_synced = || file.changes.load(Relaxed) == file.synced.load(Relaxed);
        assert!(!all_is_synced());
        file.sync_data()?;
        assert!(all_is_synced());
        file.note_change();
        assert!(!all_is_synced());
        file.sync_data()?;
        assert!(all_is_synced());
        Ok(())
    }

    #[test]
    fn what_is_told_leaves_the_cursor_to_the_file_system() -> Result {
        let file = test_file::new(4096)?;
        let before = file.error_cursor();
        file.was_told(code::EIO);
        assert!(file.error_cursor() == before);
        Ok(())
    }

    #[test]
    fn direct_alignment_is_a_sector_where_nobody_knows() -> Result {
        let alignment = test_file::new(0)?.direct_alignment();
        assert_eq!((alignment.offset, alignment.memory), (512, 512));
        Ok(())
    }

    #[test]
    fn file_in_memory_is_not_rotational() -> Result {
        assert!(!test_file::new(0)?.is_rotational());
        Ok(())
    }

    #[test]
    fn discards_are_in_blocks_of_the_file_system() -> Result {
        let discard = test_file::new(4096)?.discard();
        assert_eq!(discard.granularity, kernel::page::PAGE_SIZE as u32);
        assert!(discard.max_discard_sectors > 0);
        assert!(discard.max_write_zeroes_sectors > 0);
        Ok(())
    }
}
