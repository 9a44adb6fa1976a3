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

#[kernel::prelude::kunit_tests(rloop_block_data)]
mod tests {
    use super::*;
    use core::{mem::zeroed, ptr::null_mut};
    use kernel::prelude::*;

    fn segment(offset: u32, length: u32) -> bio_vec {
        bio_vec {
            bv_page: null_mut(),
            bv_len: length,
            bv_offset: offset,
        }
    }

    /// Two segments, of 4096 bytes at 0 and of 8192 bytes at 512, and one more that is another's.
    fn table() -> [bio_vec; 3] {
        [segment(0, 4096), segment(512, 8192), segment(0, 512)]
    }

    /// How many segments a bio's table has.
    fn table_length(bio: &mut bindings::bio) -> Option<usize> {
        // SAFETY: The bio stays as it is, and has a table of all its bytes.
        unsafe { Bios::new(bio) }.next().map(|bio| bio.table.len())
    }

    /// A read bio of `bytes` bytes in `table`, of which the first `done` are done.
    fn bio(table: &mut [bio_vec], bytes: u32, done: u32) -> Result<KBox<bindings::bio>> {
        // SAFETY: All zeroes is a valid `struct bio`: a read without data.
        let mut bio = KBox::new(unsafe { zeroed::<bindings::bio>() }, GFP_KERNEL)?;
        bio.bi_io_vec = table.as_mut_ptr();
        bio.bi_iter.bi_size = bytes;
        // SAFETY: The bio is nobody else's, and has at least as many bytes.
        unsafe { bindings::__bio_advance(&mut *bio, done) };
        Ok(bio)
    }

    /// Offsets and lengths of what is left of a chain of bios, one after the other.
    fn left(first: &mut bindings::bio) -> Result<KVec<(u32, u32)>> {
        let mut found = KVec::new();
        // SAFETY: The chain stays as it is, and has tables of all its bytes.
        for bio in unsafe { Bios::new(first) } {
            for segment in bio.segments() {
                found.push((segment.bv_offset, segment.bv_len), GFP_KERNEL)?;
            }
        }
        Ok(found)
    }

    #[test]
    fn untouched_bio_is_its_table() -> Result {
        let mut table = table();
        let found = left(&mut *bio(&mut table, 12288, 0)?)?;
        assert_eq!(found.as_slice(), [(0, 4096), (512, 8192)]);
        Ok(())
    }

    #[test]
    fn what_is_done_of_a_segment_is_skipped() -> Result {
        let mut table = table();
        let found = left(&mut *bio(&mut table, 12288, 1024)?)?;
        assert_eq!(found.as_slice(), [(1024, 3072), (512, 8192)]);
        Ok(())
    }

    #[test]
    fn segments_that_are_done_are_skipped() -> Result {
        let mut table = table();
        let found = left(&mut *bio(&mut table, 12288, 4096 + 512)?)?;
        assert_eq!(found.as_slice(), [(1024, 7680)]);
        Ok(())
    }

    #[test]
    fn last_segment_may_be_another_bios_in_part() -> Result {
        let mut table = table();
        let found = left(&mut *bio(&mut table, 4096 + 512, 0)?)?;
        assert_eq!(found.as_slice(), [(0, 4096), (512, 512)]);
        Ok(())
    }

    #[test]
    fn one_segment_may_be_cut_at_both_ends() -> Result {
        let mut table = table();
        let found = left(&mut *bio(&mut table, 2048, 512)?)?;
        assert_eq!(found.as_slice(), [(512, 1536)]);
        Ok(())
    }

    #[test]
    fn table_reaches_no_further_than_the_bytes() -> Result {
        let mut table = table();
        let length = table_length(&mut *bio(&mut table, 4096, 0)?);
        assert_eq!(length, Some(1));
        Ok(())
    }

    #[test]
    fn bio_that_is_done_has_no_table() -> Result {
        let mut table = table();
        let length = table_length(&mut *bio(&mut table, 12288, 12288)?);
        assert_eq!(length, Some(0));
        Ok(())
    }

    #[test]
    fn chain_is_walked_in_order() -> Result {
        let mut tables = [1, 2, 3].map(|offset| [segment(offset, 512), segment(0, 512)]);
        let [first, second, third] = &mut tables;
        let mut third = bio(third, 512, 0)?;
        let mut second = bio(second, 512, 0)?;
        let mut first = bio(first, 512, 0)?;
        second.bi_next = &mut *third;
        first.bi_next = &mut *second;
        let found = left(&mut first)?;
        assert_eq!(found.as_slice(), [(1, 512), (2, 512), (3, 512)]);
        Ok(())
    }
}
