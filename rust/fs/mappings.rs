// SPDX-License-Identifier: GPL-2.0

//! What memory for the page cache of backing files is not taken from.
//!
//! Whoever reads or writes a backing file, be it a backup, fills its page cache, and may hold locks of
//! the file system meanwhile that a worker needs for the next write of the device. If he has to reclaim
//! memory, and waits for pages that are swapped out, or written back, to that very device, both wait for
//! ever (P9). So memory for these page caches is not to be had by I/O, whoever wants it.

use crate::{core::context::IoContext, sys};
use core::ptr::NonNull;
use kernel::{
    bindings, new_mutex,
    prelude::*,
    sync::{Arc, Mutex},
};

/// A page cache that is restrained.
struct Held {
    /// Its address, only for comparison.
    mapping: usize,
    /// How many of the driver's open files it is that of.
    files: usize,
    /// What it was allowed before.
    before: bindings::gfp_t,
}

/// The page caches of all backing files.
#[pin_data]
pub(crate) struct Mappings {
    // LOCKING: Innermost. Whoever has it does not wait for I/O.
    #[pin]
    held: Mutex<KVec<Held>>,
}

impl Mappings {
    /// None. Fails with `ENOMEM`. May sleep.
    pub(crate) fn new() -> Result<Arc<Self>> {
        Arc::pin_init(
            pin_init!(Self {
                held <- new_mutex!(KVec::new(), "rloop::mappings"),
            }),
            GFP_KERNEL,
        )
    }

    /// Restrains a page cache until the result is dropped. Fails with `ENOMEM`. May sleep.
    ///
    /// # Safety
    ///
    /// `mapping` must live as long as the result.
    pub(super) unsafe fn restrain(
        self: &Arc<Self>,
        mapping: NonNull<bindings::address_space>,
    ) -> Result<Restraint> {
        let _io = IoContext::enter();
        let mut all = self.held.lock();
        match all
            .iter_mut()
            .find(|held| held.mapping == mapping.addr().get())
        {
            Some(held) => held.files = held.files.saturating_add(1),
            None => {
                all.reserve(1, GFP_KERNEL)?;
                // SAFETY: Live, by this function's contract.
                let before = unsafe { sys::rloop_mapping_restrain(mapping.as_ptr()) };
                let _ = all.push_within_capacity(Held {
                    mapping: mapping.addr().get(),
                    files: 1,
                    before,
                });
            }
        }
        // INVARIANT: It is counted, and live by this function's contract.
        Ok(Restraint {
            mappings: self.clone(),
            mapping,
        })
    }
}

/// One of the driver's open files, whose page cache is restrained.
///
/// # Invariants
///
/// `mapping` is live, and this object is counted in `mappings`.
pub(super) struct Restraint {
    mappings: Arc<Mappings>,
    mapping: NonNull<bindings::address_space>,
}

// SAFETY: Nothing of it belongs to a thread.
unsafe impl Send for Restraint {}
// SAFETY: It is never used through a shared reference.
unsafe impl Sync for Restraint {}

impl Drop for Restraint {
    /// May sleep.
    fn drop(&mut self) {
        let mut all = self.mappings.held.lock();
        let found = all
            .iter_mut()
            .enumerate()
            .find(|(_, held)| held.mapping == self.mapping.addr().get());
        match found {
            Some((_, held)) if held.files > 1 => held.files = held.files.saturating_sub(1),
            Some((place, _)) => {
                if let Ok(held) = all.remove(place) {
                    // SAFETY: Live by the type invariant.
                    unsafe { sys::rloop_mapping_release(self.mapping.as_ptr(), held.before) };
                }
                if all.is_empty() {
                    *all = KVec::new();
                }
            }
            // It is counted by the type invariant.
            None => {}
        }
    }
}

#[kernel::prelude::kunit_tests(rloop_fs_mappings)]
mod tests {
    use super::*;
    use crate::fs::{test_file, BackingFile};

    /// What the page cache of a file is allowed.
    fn allowed(file: &BackingFile) -> bindings::gfp_t {
        // SAFETY: The file is open, and has a mapping.
        unsafe { (*(*file.as_ptr()).f_mapping).gfp_mask }
    }

    fn restrain(mappings: &Arc<Mappings>, file: &BackingFile) -> Result<Restraint> {
        // SAFETY: The file, which the tests keep open, has it.
        unsafe {
            let mapping = (*file.as_ptr()).f_mapping;
            mappings.restrain(NonNull::new(mapping).ok_or(EINVAL)?)
        }
    }

    #[test]
    fn page_cache_is_restrained_until_the_last_one_is_dropped() -> Result {
        let mappings = Mappings::new()?;
        let file = test_file::new(4096)?;
        let before = allowed(&file);
        let first = restrain(&mappings, &file)?;
        let second = restrain(&mappings, &file)?;
        let with_both = allowed(&file);
        drop(first);
        let with_one = allowed(&file);
        drop(second);
        let after = allowed(&file);
        assert!(before & sys::RLOOP_GFP_IO_FS != 0);
        assert_eq!(with_both, before & !sys::RLOOP_GFP_IO_FS);
        assert_eq!(with_one, with_both);
        assert_eq!(after, before);
        Ok(())
    }

    #[test]
    fn others_are_as_they_were() -> Result {
        let mappings = Mappings::new()?;
        let (file, other) = (test_file::new(4096)?, test_file::new(4096)?);
        let before = allowed(&other);
        let _first = restrain(&mappings, &file)?;
        let meanwhile = allowed(&other);
        drop(restrain(&mappings, &other)?);
        let after = allowed(&other);
        assert_eq!(meanwhile, before);
        assert_eq!(after, before);
        assert!(allowed(&file) & sys::RLOOP_GFP_IO_FS == 0);
        Ok(())
    }

    #[test]
    fn nothing_is_kept_when_none_is_restrained() -> Result {
        let mappings = Mappings::new()?;
        let file = test_file::new(4096)?;
        drop(restrain(&mappings, &file)?);
        assert_eq!(mappings.held.lock().capacity(), 0);
        Ok(())
    }
}
