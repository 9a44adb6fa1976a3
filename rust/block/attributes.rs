// SPDX-License-Identifier: GPL-2.0

//! Directories of attributes below a disk in sysfs.

use crate::{
    block::{Disk, Operations},
    sys,
};
use core::{fmt, marker::PhantomData, mem::zeroed, slice};
use kernel::{
    bindings, error::to_result, ffi, page::PAGE_SIZE, prelude::*, str::CStr, sync::aref::ARef,
};

/// A directory of attributes.
pub(crate) trait Group: Send + Sync + 'static {
    /// The driver whose disks have it.
    type Driver: Operations;

    /// The directory's name.
    const NAME: &'static CStr;

    /// The names of its files.
    const FILES: &'static [&'static CStr];

    /// Writes the content of the file that is number `file` in `FILES`, without a newline at its
    /// end. May sleep. Must not wait for a lock that is held while the directory is removed.
    fn show(disk: &Disk<Self::Driver>, file: usize, out: &mut Output<'_>) -> Result;

    /// Whether root can write to the file.
    fn is_writable(_file: usize) -> bool {
        false
    }

    /// Root has written `text`, which comes without white space around it, to a writable file. May
    /// sleep. Must not wait for a lock that is held while the directory is removed.
    fn store(_disk: &Disk<Self::Driver>, _file: usize, _text: &[u8]) -> Result {
        Err(EINVAL)
    }
}

/// The page an attribute's content is written to.
pub(crate) struct Output<'a> {
    page: &'a mut [u8],
    used: usize,
}

impl Output<'_> {
    /// Appends bytes that need not be UTF-8. `ENOSPC` if the page is full.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Result {
        let end = self.used.checked_add(bytes.len()).ok_or(ENOSPC)?;
        self.page
            .get_mut(self.used..end)
            .ok_or(ENOSPC)?
            .copy_from_slice(bytes);
        self.used = end;
        Ok(())
    }
}

impl Output<'_> {
    /// Appends text.
    pub(crate) fn text(&mut self, text: &str) -> Result {
        self.bytes(text.as_bytes())
    }

    /// How many more bytes the page has room for, without the newline at the end.
    pub(crate) fn room(&self) -> usize {
        self.page.len().saturating_sub(self.used).saturating_sub(1)
    }

    /// Appends a decimal number.
    pub(crate) fn number(&mut self, number: u64) -> Result {
        fmt::Write::write_fmt(self, format_args!("{number}")).map_err(|_| ENOSPC)
    }
}

impl fmt::Write for Output<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.bytes(text.as_bytes()).map_err(|_| fmt::Error)
    }
}

/// A registered directory; it is removed when this is dropped, which waits for readers.
///
/// # Invariants
///
/// `group` and what it points to are registered with the disk's kobject and do not move.
pub(crate) struct Attributes<G: Group> {
    disk: ARef<Disk<G::Driver>>,
    group: KBox<bindings::attribute_group>,
    _pointers: KVec<*mut bindings::attribute>,
    _files: KVec<bindings::device_attribute>,
    _group: PhantomData<G>,
}

// SAFETY: The raw pointers point into vectors this object owns.
unsafe impl<G: Group> Send for Attributes<G> {}
// SAFETY: A shared reference gives access to nothing.
unsafe impl<G: Group> Sync for Attributes<G> {}

impl<G: Group> Attributes<G> {
    /// Makes the directory. May sleep.
    pub(crate) fn new(disk: ARef<Disk<G::Driver>>) -> Result<Self> {
        let mut files = KVec::with_capacity(G::FILES.len(), GFP_KERNEL)?;
        for (number, name) in G::FILES.iter().enumerate() {
            // SAFETY: All zeroes is a valid attribute without callbacks.
            let mut file: bindings::device_attribute = unsafe { zeroed() };
            file.attr.name = name.as_char_ptr();
            file.attr.mode = 0o444;
            file.__bindgen_anon_1.show = Some(show::<G>);
            if G::is_writable(number) {
                file.attr.mode = 0o644;
                file.__bindgen_anon_2.store = Some(store::<G>);
            }
            #[cfg(CONFIG_DEBUG_LOCK_ALLOC)]
            {
                file.attr.key = kernel::static_lock_class!().as_ptr();
            }
            files.push(file, GFP_KERNEL)?;
        }
        let mut pointers = KVec::with_capacity(G::FILES.len().saturating_add(1), GFP_KERNEL)?;
        for file in files.iter_mut() {
            pointers.push(&raw mut file.attr, GFP_KERNEL)?;
        }
        pointers.push(core::ptr::null_mut(), GFP_KERNEL)?;
        // SAFETY: All zeroes is a valid, empty group.
        let mut group: bindings::attribute_group = unsafe { zeroed() };
        group.name = G::NAME.as_char_ptr();
        group.__bindgen_anon_2.attrs = pointers.as_mut_ptr();
        let group = KBox::new(group, GFP_KERNEL)?;
        // SAFETY: The disk was added, so its kobject is registered; the group and the heap memory
        // it points to stay until it is removed.
        to_result(unsafe {
            let dev = sys::rloop_disk_dev(disk.as_ptr());
            bindings::sysfs_create_group(&raw mut (*dev).kobj, &*group)
        })?;
        // INVARIANT: Just registered.
        Ok(Self {
            disk,
            group,
            _pointers: pointers,
            _files: files,
            _group: PhantomData,
        })
    }
}

impl<G: Group> Drop for Attributes<G> {
    fn drop(&mut self) {
        // SAFETY: Registered, by the type invariant.
        unsafe {
            let dev = sys::rloop_disk_dev(self.disk.as_ptr());
            bindings::sysfs_remove_group(&raw mut (*dev).kobj, &*self.group);
        }
    }
}

/// # Safety
///
/// Only for sysfs to call, on an attribute of [`Attributes<G>`].
unsafe extern "C" fn show<G: Group>(
    dev: *mut bindings::device,
    attr: *mut bindings::device_attribute,
    buf: *mut ffi::c_char,
) -> isize {
    // SAFETY: The device is that of a disk of `G::Driver`, live while the attribute is registered;
    // `Disk` is transparent.
    let disk = unsafe { &*sys::rloop_dev_disk(dev).cast::<Disk<G::Driver>>() };
    // SAFETY: Sysfs passes a page of its own, and warns of a whole one.
    let page = unsafe { slice::from_raw_parts_mut(buf.cast::<u8>(), PAGE_SIZE - 1) };
    // SAFETY: The attribute is registered.
    let Some(file) = (unsafe { number::<G>(attr) }) else {
        return EIO.to_errno() as isize;
    };
    let mut out = Output { page, used: 0 };
    match G::show(disk, file, &mut out).and_then(|()| out.bytes(b"\n")) {
        Ok(()) => out.used as isize,
        Err(error) => error.to_errno() as isize,
    }
}

/// # Safety
///
/// Only for sysfs to call, on a writable attribute of [`Attributes<G>`].
unsafe extern "C" fn store<G: Group>(
    dev: *mut bindings::device,
    attr: *mut bindings::device_attribute,
    buf: *const ffi::c_char,
    count: usize,
) -> isize {
    // SAFETY: As in `show()`.
    let disk = unsafe { &*sys::rloop_dev_disk(dev).cast::<Disk<G::Driver>>() };
    // SAFETY: Sysfs passes `count` bytes that were written.
    let text = unsafe { slice::from_raw_parts(buf.cast::<u8>(), count) };
    // SAFETY: The attribute is registered.
    let Some(file) = (unsafe { number::<G>(attr) }) else {
        return EIO.to_errno() as isize;
    };
    match G::store(disk, file, text.trim_ascii()) {
        Ok(()) => count as isize,
        Err(error) => error.to_errno() as isize,
    }
}

/// Which file of its group an attribute is.
///
/// # Safety
///
/// `attr` must be an attribute of [`Attributes<G>`] that is registered.
unsafe fn number<G: Group>(attr: *const bindings::device_attribute) -> Option<usize> {
    // SAFETY: Its name is a static string.
    let name = unsafe { CStr::from_char_ptr((*attr).attr.name) };
    G::FILES.iter().position(|file| *file == name)
}
