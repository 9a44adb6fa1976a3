// SPDX-License-Identifier: GPL-2.0

//! `rloop/uncached`: dropping from the page cache what was written.
//!
//! The kernel itself drops what was written with `IOCB_DONTCACHE`, at the end of its writeback, but only
//! if that is told to a thread (`folio_end_dropbehind()` in `mm/filemap.c`). A disk tells it in an
//! interrupt, and not all file systems pass it on to a thread: with ext4 all would stay in the page cache
//! for good. So what is clean is dropped here, again and again until everything is.

use super::{
    binding::Binding,
    device::{work, Device},
};
use crate::core::{clock, workqueue::Locality};
use kernel::{
    sync::Arc,
    time::{msecs_to_jiffies, Msecs},
};

/// How long after a write that is done for the first time, in milliseconds: the kernel has begun to write
/// it to the disk at once.
const PAUSE: Msecs = 1000;

/// No more than one part in so many of a processor's time is spent looking for what is clean among what
/// is not.
const SHARE: u64 = 32;

const NANOSECONDS_PER_MILLISECOND: u64 = 1_000_000;

/// The backing file of an uncached device was changed. Any context.
pub(super) fn note_change(device: &Arc<Device>) {
    later(device, PAUSE);
}

/// Has it done after so many milliseconds, if that is not to come anyway.
fn later(device: &Arc<Device>, pause: Msecs) {
    let owned = device.clone();
    let _ = device
        .workqueue(Locality::Anywhere)
        .enqueue_delayed::<Arc<Device>, { work::DROP }>(owned, msecs_to_jiffies(pause));
}

/// Drops what can be. Sleeps.
pub(super) fn run(device: &Arc<Device>) {
    let mut pause = PAUSE;
    // Under the lock: what comes after `losetup -d` finds the file unused. Who has it may wait for other
    // work, for which there may be no other thread.
    if let Some(control) = device.control.try_lock() {
        let Ok(attached) = control.bound() else {
            return;
        };
        let begun = clock::now();
        if drop_written(&attached.binding) {
            return;
        }
        let took = clock::now().since(begun).saturating_mul(SHARE) / NANOSECONDS_PER_MILLISECOND;
        pause = pause.max(Msecs::try_from(took).unwrap_or(Msecs::MAX));
    }
    later(device, pause);
}

/// Drops what is clean, if the device is uncached. Returns whether nothing is left for later. Sleeps, but
/// waits for no I/O.
pub(super) fn drop_written(binding: &Binding) -> bool {
    let window = &binding.window;
    !binding.is_uncached() || binding.file.drop_cached(window.offset(), window.end())
}
