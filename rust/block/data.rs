// SPDX-License-Identifier: GPL-2.0

//! The memory a request reads into or writes from: a chain of bios, each with a table of segments.

use crate::sys;
use core::{marker::PhantomData, slice};
use kernel::bindings::{self, bio_vec};

/// The part of one bio that is still to be transferred.
///
/// Segments may span several pages (`struct bio_vec` of multi-page bvecs).
#[derive(Clone, Copy)]
pub(crate) struct BioData<'a> {
    /// The segments, the first and last of which may be used in part only.
    pub(crate) table: &'a [bio_vec],
    /// Bytes to skip in the first segment.
    pub(crate) skip: u32,
    /// Bytes in all.
    pub(crate) bytes: u32,
}

impl<'a> BioData<'a> {
    /// The segments cut to what is still to be transferred.
    pub(crate) fn segments(self) -> impl Iterator<Item = bio_vec> + 'a {
        let mut skip = self.skip;
        let mut left = self.bytes;
        self.table.iter().filter_map(move |segment| {
            let length = segment.bv_len.saturating_sub(skip).min(left);
            let cut = bio_vec {
                bv_page: segment.bv_page,
                // Within a segment that exists, so it cannot overflow.
                bv_offset: segment.bv_offset.wrapping_add(skip),
                bv_len: length,
            };
            skip = 0;
            left = left.saturating_sub(length);
            (length != 0).then_some(cut)
        })
    }
}

/// Walks the bios of a request.
pub(crate) struct Bios<'a> {
    next: *mut bindings::bio,
    _owner: PhantomData<&'a bindings::bio>,
}

impl Bios<'_> {
    /// Starts at `bio`.
    ///
    /// # Safety
    ///
    /// `bio` must be null or the first unfinished bio of a request that stays owned by the driver
    /// for the lifetime of the result; the request must carry data (read or write).
    pub(super) unsafe fn new(bio: *mut bindings::bio) -> Self {
        Self {
            next: bio,
            _owner: PhantomData,
        }
    }
}

impl<'a> Iterator for Bios<'a> {
    type Item = BioData<'a>;

    fn next(&mut self) -> Option<BioData<'a>> {
        if self.next.is_null() {
            return None;
        }
        // SAFETY: By the contract of `new()` the bio is live and only the driver may change it.
        let bio = unsafe { &*self.next };
        self.next = bio.bi_next;

        // SAFETY: As above.
        let skip = unsafe { sys::rloop_bio_bvec_done(bio) };
        let bytes = bio.bi_iter.bi_size;
        let mut count = 0;
        let mut found: u64 = 0;
        let wanted = u64::from(skip) + u64::from(bytes);
        // SAFETY: `bi_idx` is the current entry of the table or, when nothing is left, one past it.
        let first = unsafe { bio.bi_io_vec.add(bio.bi_iter.bi_idx as usize) };
        while found < wanted {
            // SAFETY: The block layer guarantees entries for all of the `bi_size` bytes that follow
            // the first `bi_bvec_done` bytes of the current entry, and `found` has not got there.
            found += u64::from(unsafe { (*first.add(count)).bv_len });
            count += 1;
        }
        let table = if count == 0 {
            &[]
        } else {
            // SAFETY: The `count` entries were just seen to exist; they do not change while the
            // request is owned.
            unsafe { slice::from_raw_parts(first, count) }
        };
        Some(BioData { table, skip, bytes })
    }
}
