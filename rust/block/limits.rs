// SPDX-License-Identifier: GPL-2.0

//! What a disk can do: the part of `struct queue_limits` that drivers of this kind set.

use crate::sys;
use kernel::bindings;

/// The largest logical block size the block layer supports, in bytes.
pub(crate) const MAX_BLOCK_SIZE: u32 = sys::RLOOP_BLK_MAX_BLOCK_SIZE;

/// What a disk can do with ranges that are to be deallocated or zeroed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Discard {
    /// The unit in which space is deallocated, in bytes.
    pub(crate) granularity: u32,
    /// The largest discard, in 512-byte sectors; 0: no discards.
    pub(crate) max_discard_sectors: u32,
    /// The largest write zeroes, in 512-byte sectors; 0: none.
    pub(crate) max_write_zeroes_sectors: u32,
}

impl Discard {
    /// Not supported.
    pub(crate) const NONE: Discard = Discard {
        granularity: 0,
        max_discard_sectors: 0,
        max_write_zeroes_sectors: 0,
    };
}

/// Queue limits, see `Documentation/ABI/stable/sysfs-block`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Logical and physical block size and minimal I/O size, in bytes.
    pub(crate) block_size: u32,
    /// Writes may be volatile until a flush: the disk wants flushes, and `REQ_FUA` on writes that
    /// must not be.
    pub(crate) write_cache: bool,
    /// The medium below is a spinning disk.
    pub(crate) rotational: bool,
    /// Deallocation.
    pub(crate) discard: Discard,
    /// What the address of an I/O buffer must be a multiple of, minus one, in bytes.
    pub(crate) dma_alignment: u32,
}

impl Limits {
    /// Those of a disk that shows nothing.
    pub(crate) const UNBOUND: Limits = Limits {
        block_size: 512,
        write_cache: false,
        rotational: false,
        discard: Discard::NONE,
        dma_alignment: 511,
    };

    /// `same_medium`: whether it is a spinning disk stays as it is, perhaps by the administrator's will.
    pub(super) fn apply(&self, raw: &mut bindings::queue_limits, same_medium: bool) {
        raw.logical_block_size = self.block_size;
        raw.physical_block_size = self.block_size;
        raw.io_min = self.block_size;
        raw.dma_alignment = self.dma_alignment;
        set(
            &mut raw.features,
            sys::RLOOP_BLK_FEAT_WRITE_CACHE,
            self.write_cache,
        );
        // A write can be made stable by itself wherever there is something to be made stable.
        set(&mut raw.features, sys::RLOOP_BLK_FEAT_FUA, self.write_cache);
        if !same_medium {
            set(
                &mut raw.features,
                sys::RLOOP_BLK_FEAT_ROTATIONAL,
                self.rotational,
            );
        }
        raw.discard_granularity = self.discard.granularity;
        raw.max_hw_discard_sectors = self.discard.max_discard_sectors;
        raw.max_write_zeroes_sectors = self.discard.max_write_zeroes_sectors;
    }
}

fn set(word: &mut u32, bit: u32, on: bool) {
    *word = if on { *word | bit } else { *word & !bit };
}

#[kernel::prelude::kunit_tests(rloop_block_limits)]
mod tests {
    use super::*;
    use kernel::prelude::*;

    /// A bit of `features` that is none of those set here.
    const ANOTHER: u32 = 1 << 31;

    const ALL: Limits = Limits {
        block_size: 4096,
        write_cache: true,
        rotational: true,
        discard: Discard {
            granularity: 8192,
            max_discard_sectors: 64,
            max_write_zeroes_sectors: 128,
        },
        dma_alignment: 3,
    };

    /// What `limits` make of limits with all, or no, features.
    fn applied(limits: &Limits, features: u32) -> Result<KBox<bindings::queue_limits>> {
        // SAFETY: All zeroes is a valid `struct queue_limits`.
        let raw = unsafe { ::core::mem::zeroed::<bindings::queue_limits>() };
        let mut raw = KBox::new(raw, GFP_KERNEL)?;
        raw.features = features;
        limits.apply(&mut raw, false);
        Ok(raw)
    }

    #[test]
    fn block_size_is_logical_and_physical_and_minimal_io() -> Result {
        let raw = applied(&ALL, 0)?;
        assert_eq!(raw.logical_block_size, 4096);
        assert_eq!(raw.physical_block_size, 4096);
        assert_eq!(raw.io_min, 4096);
        Ok(())
    }

    #[test]
    fn memory_alignment_is_taken_over() -> Result {
        assert_eq!(applied(&ALL, 0)?.dma_alignment, 3);
        Ok(())
    }

    #[test]
    fn discards_and_zeroing_have_limits_of_their_own() -> Result {
        let raw = applied(&ALL, 0)?;
        assert_eq!(raw.discard_granularity, 8192);
        assert_eq!(raw.max_hw_discard_sectors, 64);
        assert_eq!(raw.max_write_zeroes_sectors, 128);
        Ok(())
    }

    #[test]
    fn features_are_switched_on() -> Result {
        let features = applied(&ALL, 0)?.features;
        assert!(features & sys::RLOOP_BLK_FEAT_WRITE_CACHE != 0);
        assert!(features & sys::RLOOP_BLK_FEAT_ROTATIONAL != 0);
        Ok(())
    }

    #[test]
    fn features_are_switched_off() -> Result {
        let features = applied(&Limits::UNBOUND, u32::MAX)?.features;
        assert_eq!(features & sys::RLOOP_BLK_FEAT_WRITE_CACHE, 0);
        assert_eq!(features & sys::RLOOP_BLK_FEAT_ROTATIONAL, 0);
        Ok(())
    }

    #[test]
    fn other_features_are_left_alone() -> Result {
        assert_eq!(applied(&ALL, 0)?.features & ANOTHER, 0);
        assert!(applied(&Limits::UNBOUND, u32::MAX)?.features & ANOTHER != 0);
        Ok(())
    }

    #[test]
    fn unbound_disk_wants_no_flushes_and_discards() -> Result {
        let raw = applied(&Limits::UNBOUND, 0)?;
        assert_eq!(raw.features, 0);
        assert_eq!(raw.max_hw_discard_sectors, 0);
        assert_eq!(raw.max_write_zeroes_sectors, 0);
        Ok(())
    }
}
