// SPDX-License-Identifier: GPL-2.0

//! Disks.

use crate::core::{errno::enametoolong, module::THIS_MODULE};
use crate::{
    block::{
        frozen::Frozen,
        limits::Limits,
        live_disks::{LiveDisk, LiveDisks},
        operations::DiskData,
        part::parts,
        tag_set::{Queues, TagSet},
        vtable::DiskVtable,
        Operations,
    },
    sys,
};
use core::{any::TypeId, cell::UnsafeCell, mem::zeroed, pin::Pin, ptr::NonNull};
use kernel::{
    bindings,
    error::{from_err_ptr, to_result},
    ffi, new_mutex,
    prelude::*,
    str::CStr,
    sync::{aref::AlwaysRefCounted, Arc, ArcBorrow},
    types::Opaque,
};

/// A disk whose driver is `T`: `struct gendisk`.
///
/// References come from the block layer's callbacks, or from [`GenDisk`], or are counted (`ARef`).
#[repr(transparent)]
pub(crate) struct Disk<T: Operations> {
    inner: Opaque<bindings::gendisk>,
    _driver: core::marker::PhantomData<T>,
}

// SAFETY: All methods may be called from any thread.
unsafe impl<T: Operations> Send for Disk<T> {}
// SAFETY: All methods use functions of the block layer that lock for themselves.
unsafe impl<T: Operations> Sync for Disk<T> {}

// SAFETY: Counts by the reference count of the disk's embedded device.
unsafe impl<T: Operations> AlwaysRefCounted for Disk<T> {
    fn inc_ref(&self) {
        // SAFETY: `self` is live, and so is its device.
        unsafe { bindings::get_device(sys::rloop_disk_dev(self.as_ptr())) };
    }

    unsafe fn dec_ref(obj: NonNull<Self>) {
        // SAFETY: The caller owns a reference and gives it up.
        unsafe { bindings::put_disk(obj.as_ptr().cast()) };
    }
}

impl<T: Operations> Disk<T> {
    pub(super) fn as_ptr(&self) -> *mut bindings::gendisk {
        self.inner.get()
    }

    /// The disk of a block device, if its driver is `T`.
    ///
    /// # Safety
    ///
    /// `bdev` must be open for `'a`.
    pub(crate) unsafe fn from_bdev<'a>(bdev: *mut bindings::block_device) -> Option<&'a Self> {
        // SAFETY: An open block device holds its disk, and that its table of operations.
        let (disk, owner) = unsafe {
            let disk = (*bdev).bd_disk;
            (disk, (*(*disk).fops).owner)
        };
        if !core::ptr::eq(owner, THIS_MODULE) {
            return None;
        }
        // SAFETY: All disks of this module are made by `GenDisk::new`, with a `DiskData` of some
        // driver as private data, whose first member is the driver's type.
        let driver = unsafe { *(*disk).private_data.cast::<TypeId>() };
        // SAFETY: A disk of `T`, live for `'a`; `Disk` is transparent.
        (driver == TypeId::of::<T>()).then(|| unsafe { &*disk.cast::<Self>() })
    }

    pub(super) fn queue(&self) -> *mut bindings::request_queue {
        // SAFETY: A disk has its queue from its making to its end.
        unsafe { (*self.as_ptr()).queue }
    }

    pub(super) fn data(&self) -> &DiskData<T> {
        // SAFETY: Set before the disk was added, freed with the disk.
        unsafe { &*(*self.as_ptr()).private_data.cast::<DiskData<T>>() }
    }

    /// The driver's data of the device.
    pub(crate) fn device(&self) -> ArcBorrow<'_, T::Device> {
        self.data().device.as_arc_borrow()
    }

    /// How many opens of the disk and its partitions there are. A snapshot, unless
    /// `disk->open_mutex` is held, as it is in `open` and `release`.
    pub(crate) fn openers(&self) -> u32 {
        // SAFETY: The disk is live.
        unsafe { sys::rloop_disk_openers(self.as_ptr()) }
    }

    /// Stops all I/O, so that queue data can be changed. May sleep; waits for the requests in flight.
    pub(crate) fn freeze(&self) -> Frozen<'_, T> {
        Frozen::new(self)
    }

    /// The same, and sets the queue limits. On an error (`EINVAL`: impossible limits) nothing is
    /// changed.
    pub(crate) fn freeze_with(&self, limits: &Limits) -> Result<Frozen<'_, T>> {
        Frozen::with_limits(self, limits, None)
    }

    /// The same where the limits were set to `before`: what of them was changed in sysfs since then, and
    /// is not to be changed now, stays.
    pub(crate) fn freeze_to_change(
        &self,
        before: &Limits,
        limits: &Limits,
    ) -> Result<Frozen<'_, T>> {
        Frozen::with_limits(self, limits, Some(before))
    }

    /// Up to how many pages of a file are read ahead at a time.
    pub(super) fn read_ahead(&self) -> usize {
        // SAFETY: A live disk has its `bdi`; a word that others may change at any time.
        unsafe { (&raw const (*(*self.as_ptr()).bdi).ra_pages).read_volatile() }
    }

    /// Sets that. Under the queue's `limits_lock`, or while the queue is frozen.
    pub(super) fn set_read_ahead(&self, pages: usize) {
        // SAFETY: As above; it is written as a whole (`queue_ra_store()` in `block/blk-sysfs.c`).
        unsafe { (&raw mut (*(*self.as_ptr()).bdi).ra_pages).write_volatile(pages) };
    }

    /// Gives the disk as many hardware queues as `count`, or leaves it those it has if there is no
    /// memory for them. Sleeps; waits for the requests in flight.
    ///
    /// LOCKING: Takes the tag set's `update_nr_hwq_lock`, inside of which `del_gendisk()` takes
    /// `open_mutex`: not to be called with that held.
    pub(crate) fn set_hw_queues(&self, count: u32) {
        // SAFETY: The disk, its queue and the queue's tag set are live; the latter belongs to this
        // disk alone.
        unsafe { sys::rloop_set_hw_queues(self.queue(), count) };
    }

    /// How many hardware queues the disk has now.
    pub(crate) fn hw_queues(&self) -> u32 {
        // SAFETY: The disk, its queue and the queue's tag set are live.
        unsafe { sys::rloop_hw_queues(self.queue()) }
    }

    /// Sets the capacity in 512-byte sectors and tells user space, with a `change` uevent that
    /// has `RESIZE=1` where the block layer sends one, else a plain one. May sleep.
    pub(crate) fn set_capacity(&self, sectors: u64) {
        // SAFETY: The disk is live.
        if !unsafe { bindings::set_capacity_and_notify(self.as_ptr(), sectors) } {
            self.notify_change();
        }
    }

    /// The capacity in 512-byte sectors.
    pub(crate) fn capacity(&self) -> u64 {
        // SAFETY: The disk is live, and with it its whole.
        unsafe { (*(*self.as_ptr()).part0).bd_nr_sectors }
    }

    /// Makes the whole disk read-only or writable.
    pub(crate) fn set_read_only(&self, read_only: bool) {
        // SAFETY: The disk is live.
        unsafe { bindings::set_disk_ro(self.as_ptr(), read_only) };
    }

    /// The content has changed as a whole: a new disk sequence number and a media change event.
    pub(crate) fn media_changed(&self) {
        // SAFETY: The disk is live.
        unsafe { bindings::disk_force_media_change(self.as_ptr()) };
    }

    /// Sets the capacity to nothing and drops what is cached of the disk. Sleeps.
    pub(crate) fn invalidate_all(&self) {
        // SAFETY: The disk is live.
        unsafe { bindings::invalidate_disk(self.as_ptr()) };
    }

    /// Writes back what is dirty in the page caches of the device and its partitions. The errno of the
    /// first that fails. Sleeps.
    pub(crate) fn sync(&self) -> Result {
        let results = parts(self).map(|part| part.sync());
        results.reduce(Result::and).unwrap_or(Ok(()))
    }

    /// Drops clean pages of these page caches. Sleeps.
    pub(crate) fn invalidate_cache(&self) {
        parts(self).for_each(|part| part.invalidate_cache());
    }

    /// Sends a `change` uevent.
    pub(crate) fn notify_change(&self) {
        // SAFETY: The disk is live.
        unsafe { sys::rloop_disk_uevent_change(self.as_ptr()) };
    }

    /// Holds back all uevents of the disk until the result is dropped.
    pub(crate) fn hold_uevents(&self) -> HeldUevents<'_, T> {
        // SAFETY: The disk is live.
        unsafe { sys::rloop_disk_uevent_suppress(self.as_ptr(), true) };
        HeldUevents(self)
    }

    /// Whether the kernel may look for partitions on this disk.
    pub(crate) fn allow_partition_scan(&self, allow: bool) {
        // SAFETY: The disk is live; the bit is changed atomically.
        unsafe { sys::rloop_disk_suppress_partscan(self.as_ptr(), !allow) };
    }

    /// Reads the partition table again, or drops all partitions if scanning is not allowed. Sleeps;
    /// takes `disk->open_mutex`.
    pub(crate) fn rescan_partitions(&self) -> Result {
        // SAFETY: The disk is live.
        to_result(unsafe { sys::rloop_disk_rescan(self.as_ptr()) })
    }

    /// The same for a caller that holds `disk->open_mutex` already, as in `release`.
    pub(crate) fn rescan_partitions_locked(&self) -> Result {
        // SAFETY: The disk is live.
        to_result(unsafe { bindings::bdev_disk_changed(self.as_ptr(), false) })
    }
}

/// Uevents are held back while this lives.
pub(crate) struct HeldUevents<'a, T: Operations>(&'a Disk<T>);

impl<T: Operations> Drop for HeldUevents<'_, T> {
    fn drop(&mut self) {
        // SAFETY: The disk is live.
        unsafe { sys::rloop_disk_uevent_suppress(self.0.as_ptr(), false) };
    }
}

/// The largest request, in 512-byte sectors: 1280 KiB as with the C driver, to which read-ahead and
/// `max_sectors_kb` are bound. The block layer's own default, for want of any, is 127 KiB: a transfer
/// of 1 MiB comes as nine requests (measured: 0.55 of the bandwidth).
const MAX_SECTORS: u32 = 2560;

/// Where a disk goes.
pub(crate) struct Place<'a> {
    /// Its name below `/dev`, at most 31 bytes.
    pub(crate) name: &'a CStr,
    /// Major number.
    pub(crate) major: u32,
    /// Minor number of the whole disk.
    pub(crate) first_minor: u32,
    /// Minor numbers that belong to the disk and its partitions.
    pub(crate) minors: u32,
}

/// A disk in use: it can be opened until this is dropped.
///
/// # Invariants
///
/// `disk` was added and this object owns one reference to it.
pub(crate) struct GenDisk<T: Operations> {
    disk: NonNull<Disk<T>>,
    // Freed after the disk was deleted, whose queue uses it until then.
    _tags: Pin<KBox<TagSet<T>>>,
}

// SAFETY: May be used and dropped on any thread.
unsafe impl<T: Operations> Send for GenDisk<T> {}
// SAFETY: Shared use is use of `&Disk<T>`, which is `Sync`.
unsafe impl<T: Operations> Sync for GenDisk<T> {}

impl<T: Operations> GenDisk<T> {
    /// Makes a disk of capacity 0 and adds it; it is one of `disks` until it is freed, whatever the
    /// result. Once this is called, `open` may be, too. May sleep.
    pub(crate) fn new(
        disks: Arc<LiveDisks>,
        place: Place<'_>,
        queues: Queues,
        partition_scan: bool,
        device: Arc<T::Device>,
        queue_data: T::QueueData,
    ) -> Result<Self> {
        let tags = KBox::pin_init(TagSet::<T>::new(queues), GFP_KERNEL)?;
        let data = KBox::pin_init(
            pin_init!(DiskData::<T> {
                driver: TypeId::of::<T>(),
                device,
                queue_data: UnsafeCell::new(queue_data),
                freezing <- new_mutex!((), "rloop::freezing"),
                live: LiveDisk::new(disks),
            }),
            GFP_KERNEL,
        )?;
        // SAFETY: The box is not moved out of until it is made a pinned box again.
        let data = NonNull::from(KBox::leak(unsafe { Pin::into_inner_unchecked(data) }));

        // SAFETY: All zeroes means default limits.
        let mut limits: bindings::queue_limits = unsafe { zeroed() };
        limits.max_hw_sectors = MAX_SECTORS;
        // SAFETY: `tags` is allocated and lives longer than the disk's queue.
        let disk = from_err_ptr(unsafe {
            sys::rloop_alloc_disk(tags.as_ptr(), &mut limits, data.as_ptr().cast())
        });
        let disk = match disk {
            Ok(disk) => disk,
            Err(error) => {
                // SAFETY: From above, and nobody else has it.
                unsafe { free_data::<T>(data.as_ptr().cast()) };
                return Err(error);
            }
        };

        let added = (|| {
            // SAFETY: Freshly made, so that nobody else uses it.
            let raw = unsafe { &mut *disk };
            raw.major = i32::try_from(place.major)?;
            raw.first_minor = i32::try_from(place.first_minor)?;
            raw.minors = i32::try_from(place.minors)?;
            raw.fops = DiskVtable::<T>::table();
            raw.private_data = data.as_ptr().cast();
            raw.events = u16::try_from(sys::RLOOP_DISK_EVENT_MEDIA_CHANGE)?;
            raw.event_flags = u16::try_from(sys::RLOOP_DISK_EVENT_FLAG_UEVENT)?;
            let name = place.name.to_bytes_with_nul();
            if name.len() > raw.disk_name.len() {
                return Err(enametoolong());
            }
            for (to, from) in raw.disk_name.iter_mut().zip(name) {
                *to = *from as ffi::c_char;
            }
            // SAFETY: As above.
            unsafe { sys::rloop_disk_suppress_partscan(disk, !partition_scan) };
            // SAFETY: The disk is complete.
            to_result(unsafe {
                bindings::device_add_disk(core::ptr::null_mut(), disk, core::ptr::null_mut())
            })
        })();
        if let Err(error) = added {
            // SAFETY: This is the only reference to a disk that was not added, so the block layer
            // will not call `free_disk`, and `data` is ours again afterwards.
            unsafe {
                bindings::put_disk(disk);
                free_data::<T>(data.as_ptr().cast());
            }
            return Err(error);
        }
        // INVARIANT: Added just now; the reference is the one `rloop_alloc_disk()` returned.
        Ok(Self {
            // SAFETY: Not an error pointer and not null.
            disk: unsafe { NonNull::new_unchecked(disk.cast()) },
            _tags: tags,
        })
    }
}

/// Frees what a disk owned.
///
/// # Safety
///
/// `data` must be from `GenDisk::new`, and not be used any more.
pub(super) unsafe fn free_data<T: Operations>(data: *mut ffi::c_void) {
    // SAFETY: By this function's contract; it was a pinned box and is one again.
    drop(unsafe { Pin::new_unchecked(KBox::from_raw(data.cast::<DiskData<T>>())) });
}

impl<T: Operations> core::ops::Deref for GenDisk<T> {
    type Target = Disk<T>;

    fn deref(&self) -> &Disk<T> {
        // SAFETY: Live by the type invariant.
        unsafe { self.disk.as_ref() }
    }
}

impl<T: Operations> Drop for GenDisk<T> {
    fn drop(&mut self) {
        let disk = self.as_ptr();
        // SAFETY: Added, by the type invariant, and the reference is owned. `del_gendisk()` waits
        // for the requests in flight and lets the queue go of the tag set.
        unsafe {
            bindings::del_gendisk(disk);
            bindings::put_disk(disk);
        }
    }
}
