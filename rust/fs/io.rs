// SPDX-License-Identifier: GPL-2.0

//! Reading and writing a backing file on behalf of block requests.
//!
//! A request carries everything its I/O needs in its [`IoData`], which is why starting an I/O
//! allocates nothing (but for the table of a merged request, and it goes on without one).
//!
//! # Asynchronous I/O
//!
//! [`submit`] gives the request up to the I/O in flight. Two parties then have to be done with it
//! before it comes back through [`FileIo::io_done`]: the file system, which says so by
//! `ki_complete`, and the submitting call, which may go on to touch file and kiocb after the
//! I/O has completed on another CPU. Whoever is the second hands it over.
//!
//! # Waiting for the page cache without a thread
//!
//! [`transfer_or_wake`] reads what is cached. If that still is on its way from the disk, the request
//! is left in the wait queue of the folio (as `io_uring` does it), and comes back through
//! [`FileIo::io_ready`] to be begun again. The two parties here are the waker and the call.

use crate::{
    block::{Operations, Request},
    fs::{credentials::ActingAs, BackingFile},
    logic::units::Bytes,
    sys,
};
use core::{cell::UnsafeCell, marker::PhantomPinned, mem::MaybeUninit, pin::Pin, ptr::NonNull};
use kernel::{
    alloc::flags::__GFP_NOWARN,
    bindings::{self, bio_vec},
    container_of, ffi,
    prelude::*,
    sync::atomic::{Atomic, Full, Relaxed},
};

/// Which way the data goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Direction {
    /// From the file into the request's memory.
    Read,
    /// From the request's memory into the file.
    Write,
}

impl Direction {
    fn iter(self) -> u32 {
        match self {
            Direction::Read => sys::RLOOP_ITER_DEST,
            Direction::Write => sys::RLOOP_ITER_SOURCE,
        }
    }

    fn iocb_flags(self) -> i32 {
        match self {
            Direction::Read => 0,
            Direction::Write => sys::RLOOP_IOCB_WRITE,
        }
    }
}

/// How a file operation shall be done.
#[derive(Clone, Copy)]
pub(crate) struct Manner {
    /// Which way the data goes.
    pub(crate) direction: Direction,
    /// Rather fail with `EAGAIN` than wait for anything. The file must be able to,
    /// [`BackingFile::can_nowait`].
    pub(crate) nowait: bool,
    /// Rather fail with `EAGAIN` than bring anything into the page cache.
    pub(crate) only_cached: bool,
    /// What is written is stable when it is done (`O_DSYNC`).
    pub(crate) stable: bool,
    /// What it leaves in the page cache is dropped from there when it is clean (`RWF_DONTCACHE`).
    /// The file must be able to, [`BackingFile::can_uncached`].
    pub(crate) uncached: bool,
}

impl Manner {
    fn iocb_flags(self) -> i32 {
        let mut flags = self.direction.iocb_flags();
        if self.nowait {
            flags |= sys::RLOOP_IOCB_NOWAIT;
        }
        if self.only_cached {
            flags |= sys::RLOOP_IOCB_NOIO;
        }
        if self.stable {
            flags |= sys::RLOOP_IOCB_DSYNC;
        }
        if self.uncached {
            flags |= sys::RLOOP_IOCB_DONTCACHE;
        }
        flags
    }
}

/// A block driver whose requests do file I/O.
pub(crate) trait FileIo:
    Operations<RequestData = IoData<<Self as FileIo>::PerRequest>>
{
    /// The driver's own data of each request.
    type PerRequest: Send + Sync + 'static;

    /// The file a request is for; `None` if there is none (any more).
    fn file(rq: &Request<Self>) -> Option<&BackingFile>;

    /// An I/O started by [`submit`] is over: bytes transferred, or why none were. Called from
    /// within [`submit`] or later, in any context, also hard interrupts.
    fn io_done(rq: Request<Self>, result: Result<usize>);

    /// What a read had to wait for in [`transfer_or_wake`] may be there now. Called from within that
    /// or later, in any context, also hard interrupts, and under a wait queue's lock.
    fn io_ready(rq: Request<Self>);
}

/// What each request carries for its file I/O, and for its driver.
#[pin_data]
#[repr(C)]
pub(crate) struct IoData<D> {
    // The first member of a `repr(C)` struct: a pointer to it is a pointer to the whole.
    flight: UnsafeCell<Flight>,
    /// 1 when one of the two parties is done with the I/O in flight.
    half_done: Atomic<i32>,
    /// What `ki_complete` was told.
    result: Atomic<i64>,
    /// The segments of a merged request in flight. (`None` instead of an empty vector: the kernel
    /// crate asks the allocator to free that, too.)
    table: Option<KVec<bio_vec>>,
    driver: D,
    #[pin]
    _pin: PhantomPinned,
}

/// What an I/O in flight needs, of one kind or the other.
#[repr(C)]
#[derive(Clone, Copy)]
union Flight {
    iocb: bindings::kiocb,
    wait: bindings::wait_page_queue,
}

// SAFETY: The raw pointers in `flight` and `table` are only used by the one who owns the request.
unsafe impl<D: Send> Send for IoData<D> {}
// SAFETY: A shared reference gives access to nothing but atomics.
unsafe impl<D: Sync> Sync for IoData<D> {}

impl<D> IoData<D> {
    /// Idle data.
    pub(crate) fn new(driver: D) -> impl PinInit<Self> {
        pin_init!(Self {
            // SAFETY: All zeroes is a valid `struct kiocb`.
            flight: UnsafeCell::new(unsafe { core::mem::zeroed() }),
            half_done: Atomic::new(0),
            result: Atomic::new(0),
            table: None,
            driver,
            _pin: PhantomPinned,
        })
    }

    /// The driver's part.
    pub(crate) fn driver(self: Pin<&mut Self>) -> &mut D {
        // SAFETY: `driver` is not structurally pinned.
        unsafe { &mut self.get_unchecked_mut().driver }
    }
}

/// Why [`transfer`] or [`submit`] could make nothing of a request.
fn no_data() -> Error {
    EINVAL
}

/// Reads or writes, through the page cache, the first unfinished bio of a request at `at` in the
/// file. Returns the bytes transferred, which may be fewer than the bio has. Sleeps.
pub(crate) fn transfer<T: FileIo>(rq: &Request<T>, manner: Manner, at: Bytes) -> Result<usize> {
    // SAFETY: Nothing to wait for is passed.
    to_bytes(unsafe { through_cache(rq, manner, at, core::ptr::null_mut()) }? as i64)
}

/// What became of a read that does not wait.
pub(crate) enum Outcome<T: FileIo> {
    /// It is over: bytes transferred, or why none were.
    Over(Request<T>, Result<usize>),
    /// It comes back through [`FileIo::io_ready`], or has done so already.
    Waits,
}

/// Reads like [`transfer`], but does not wait for I/O under way. The file must be able to,
/// [`BackingFile::can_wake`]. May sleep, for memory and for locks.
pub(crate) fn transfer_or_wake<T: FileIo>(
    mut rq: Request<T>,
    manner: Manner,
    at: Bytes,
) -> Outcome<T> {
    // SAFETY: Nothing is moved out of the data.
    let data = unsafe { rq.data().get_unchecked_mut() };
    data.half_done.store(0, Relaxed);
    let wait = data.flight.get().cast::<bindings::wait_page_queue>();
    // SAFETY: The memory is the request's, and not in use, as no I/O of it is in flight.
    unsafe {
        wait.write(core::mem::zeroed());
        (*wait).wait.func = Some(wake::<T>);
        sys::rloop_init_list(&raw mut (*wait).wait.entry);
    }
    let data = rq.data_ptr();
    // SAFETY: `wait` is initialised, and stays until the request is handed over, which it is not
    // before it has left the queue, and the call has returned.
    let ret = match unsafe { through_cache(&rq, manner, at, wait) } {
        Ok(ret) => ret,
        Err(error) => return Outcome::Over(rq, Err(error)),
    };
    if ret != -(sys::RLOOP_EIOCBQUEUED as isize) {
        return Outcome::Over(rq, to_bytes(ret as i64));
    }
    // From here on the request belongs to the second of the two parties.
    let _ = rq.into_raw();
    // SAFETY: The data is valid as long as one of the two parties is not done.
    let woken = unsafe { &(*data.as_ptr()).half_done }.xchg(1, Full) == 1;
    if woken {
        // SAFETY: The second of the two parties, and the request was given up above.
        T::io_ready(unsafe { Request::<T>::from_data(data) });
    }
    Outcome::Waits
}

/// Calls the file system for [`transfer`], and for [`transfer_or_wake`] if `wait` is not null.
/// Returns what it says.
///
/// # Safety
///
/// `wait`, if not null, must be initialised, and stay until its function was called if `EIOCBQUEUED`
/// is returned.
unsafe fn through_cache<T: FileIo>(
    rq: &Request<T>,
    manner: Manner,
    at: Bytes,
    wait: *mut bindings::wait_page_queue,
) -> Result<isize> {
    let file = T::file(rq).ok_or(EIO)?;
    let data = rq.first_bio().ok_or_else(no_data)?;
    let mut iter = MaybeUninit::<bindings::iov_iter>::uninit();
    // SAFETY: All zeroes is a valid `struct kiocb`: one that completes synchronously.
    let mut iocb: bindings::kiocb = unsafe { core::mem::zeroed() };
    iocb.ki_filp = file.as_ptr();
    iocb.ki_pos = i64::try_from(at.get())?;
    iocb.ki_flags = manner.iocb_flags();
    iocb.ki_ioprio = rq.ioprio();
    if !wait.is_null() {
        iocb.ki_flags |= sys::RLOOP_IOCB_WAITQ;
        iocb.ki_waitq = wait;
    }
    let _opener = file.acting_as_opener();
    // SAFETY: The table and the memory it describes belong to the request, which is borrowed until
    // the call, which is synchronous but for `wait`, has returned; the file is open.
    Ok(unsafe {
        bindings::iov_iter_bvec(
            iter.as_mut_ptr(),
            manner.direction.iter(),
            data.table.as_ptr(),
            data.table.len(),
            data.bytes as usize,
        );
        let iter = iter.assume_init_mut();
        iter.iov_offset = data.skip as usize;
        match manner.direction {
            Direction::Read => sys::rloop_read_iter(file.as_ptr(), &mut iocb, iter),
            Direction::Write => sys::rloop_write_iter(file.as_ptr(), &mut iocb, iter),
        }
    })
}

/// The function of a wait queue entry of [`transfer_or_wake`]: something has happened to a folio of
/// the same queue. Any context, under the queue's lock.
///
/// # Safety
///
/// Only for folios' wait queues to call.
unsafe extern "C" fn wake<T: FileIo>(
    entry: *mut bindings::wait_queue_entry,
    _mode: ffi::c_uint,
    _flags: ffi::c_int,
    key: *mut ffi::c_void,
) -> ffi::c_int {
    // SAFETY: The entry is that of a wait for a folio, and `key` tells which one this is about.
    // Once it has left the queue, which is locked, this is not called again.
    if !unsafe { sys::rloop_folio_woken(entry, key) } {
        return 0;
    }
    // SAFETY: The entry is part of the `wait_page_queue` that is the first member of the data, which
    // is valid as long as one of the two parties is not done.
    let (data, called) = unsafe {
        let wait = container_of!(entry, bindings::wait_page_queue, wait);
        let data = NonNull::new_unchecked(wait.cast::<IoData<T::PerRequest>>());
        (data, (*data.as_ptr()).half_done.xchg(1, Full) == 1)
    };
    if called {
        // SAFETY: The second of the two parties, and the call has given the request up.
        T::io_ready(unsafe { Request::<T>::from_data(data) });
    }
    1
}

/// Starts direct I/O for what is left of a request, at `at` in the file. The request comes back
/// through [`FileIo::io_done`], perhaps before this returns. May sleep.
///
/// Covers all bios of the request if there is memory for a table of their segments, else the
/// first: the result then is short, as any may be.
pub(crate) fn submit<T: FileIo>(mut rq: Request<T>, manner: Manner, at: Bytes) {
    let Ok(position) = i64::try_from(at.get()) else {
        return T::io_done(rq, Err(EINVAL));
    };
    let Some(raw_file) = T::file(&rq).map(|file| file.as_ptr()) else {
        return T::io_done(rq, Err(EIO));
    };
    let table = gather(&rq);
    let ioprio = rq.ioprio();

    // SAFETY: Nothing is moved out of the data.
    let data = unsafe { rq.data().get_unchecked_mut() };
    data.table = table;
    data.half_done.store(0, Relaxed);
    // SAFETY: The data is the request's, no I/O of which is in flight; all zeroes is a valid
    // `struct kiocb`.
    let iocb = unsafe {
        let iocb = data.flight.get().cast::<bindings::kiocb>();
        iocb.write(core::mem::zeroed());
        &mut *iocb
    };
    iocb.ki_filp = raw_file;
    iocb.ki_pos = position;
    iocb.ki_complete = Some(complete::<T>);
    iocb.ki_flags = manner.iocb_flags() | sys::RLOOP_IOCB_DIRECT;
    iocb.ki_ioprio = ioprio;
    let own_table = data.table.as_deref().map(NonNull::from);

    let first = rq.first_bio();
    let (table, skip, bytes) = match (own_table, first) {
        (None, None) => return T::io_done(rq, Err(no_data())),
        (None, Some(bio)) => (bio.table, bio.skip as usize, bio.bytes as usize),
        (Some(own), _) => {
            // SAFETY: The vector is not touched while the I/O is in flight.
            let own = unsafe { own.as_ref() };
            let bytes = own.iter().map(|segment| segment.bv_len as usize).sum();
            (own, 0, bytes)
        }
    };
    let (segments, count) = (table.as_ptr(), table.len());
    let data = rq.data_ptr();
    // From here on the request belongs to the I/O.
    let _ = rq.into_raw();
    let iocb: *mut bindings::kiocb = data.as_ptr().cast();

    let mut iter = MaybeUninit::<bindings::iov_iter>::uninit();
    // SAFETY: The file was borrowed from the request. Nobody has that now, so nothing that can be
    // reached through it changes before `io_done`, which cannot be called before this function is
    // done.
    let opener = unsafe { ActingAs::opener_of(raw_file) };
    // SAFETY: Table, memory, file and kiocb stay until `io_done`, which cannot be called
    // before this function is done, see the module documentation.
    let ret = unsafe {
        bindings::iov_iter_bvec(
            iter.as_mut_ptr(),
            manner.direction.iter(),
            segments,
            count,
            bytes,
        );
        let iter = iter.assume_init_mut();
        iter.iov_offset = skip;
        match manner.direction {
            Direction::Read => sys::rloop_read_iter(raw_file, iocb, iter),
            Direction::Write => sys::rloop_write_iter(raw_file, iocb, iter),
        }
    };
    drop(opener);

    if ret == -(sys::RLOOP_EIOCBQUEUED as isize) {
        // SAFETY: The data is valid as long as one of the two parties is not done.
        let other_done = unsafe { &(*data.as_ptr()).half_done }.xchg(1, Full) == 1;
        if other_done {
            // SAFETY: The second of the two parties.
            unsafe { hand_over::<T>(data) };
        }
    } else {
        // It is over already, and `ki_complete` will not be called.
        // SAFETY: The only party.
        unsafe {
            (*data.as_ptr()).result.store(ret as i64, Relaxed);
            hand_over::<T>(data);
        }
    }
}

/// A table of all segments of a request with several bios; `None` if it has but one, or there is no
/// memory at once. (It could be waited for, but perhaps until this request has made some free.)
fn gather<T: FileIo>(rq: &Request<T>) -> Option<KVec<bio_vec>> {
    let mut bios = rq.bios();
    let (Some(_), Some(_)) = (bios.next(), bios.next()) else {
        return None;
    };
    let count = rq.bios().map(|bio| bio.table.len()).sum();
    let mut table = KVec::with_capacity(count, GFP_NOWAIT | __GFP_NOWARN).ok()?;
    for segment in rq.bios().flat_map(|bio| bio.segments()) {
        // The capacity was counted; if that was wrong, do without.
        table.push(segment, GFP_NOWAIT | __GFP_NOWARN).ok()?;
    }
    Some(table)
}

/// `ki_complete`. Any context.
///
/// # Safety
///
/// Only for file systems to call, once, on a kiocb started by [`submit`].
unsafe extern "C" fn complete<T: FileIo>(iocb: *mut bindings::kiocb, ret: ffi::c_long) {
    // SAFETY: `iocb` is the first member of the data.
    let data = unsafe { NonNull::new_unchecked(iocb.cast::<IoData<T::PerRequest>>()) };
    // SAFETY: The data is valid as long as one of the two parties is not done. The write was begun
    // in `rloop_write_iter()`, which leaves it to the completion to end it.
    let other_done = unsafe {
        if (*iocb).ki_flags & sys::RLOOP_IOCB_WRITE != 0 {
            sys::rloop_kiocb_end_write(iocb);
        }
        let data = data.as_ref();
        data.result.store(ret as i64, Relaxed);
        data.half_done.xchg(1, Full) == 1
    };
    if other_done {
        // SAFETY: The second of the two parties.
        unsafe { hand_over::<T>(data) };
    }
}

/// Gives a request whose I/O is over back to its driver.
///
/// # Safety
///
/// Both parties must be done with it, and this be called once.
unsafe fn hand_over<T: FileIo>(data: NonNull<IoData<T::PerRequest>>) {
    // SAFETY: The request was given up in `submit()`, and nobody else has it any more.
    let mut rq = unsafe { Request::<T>::from_data(data) };
    // SAFETY: Nothing is moved out of the data but the table, which may be.
    let data = unsafe { rq.data().get_unchecked_mut() };
    data.table = None;
    let result = to_bytes(data.result.load(Relaxed));
    T::io_done(rq, result);
}

/// Makes a `Result` of a file operation's return value.
fn to_bytes(ret: i64) -> Result<usize> {
    match usize::try_from(ret) {
        Ok(bytes) => Ok(bytes),
        Err(_) => Err(Error::from_errno(i32::try_from(ret)?)),
    }
}
