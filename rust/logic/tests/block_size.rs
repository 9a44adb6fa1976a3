// SPDX-License-Identifier: GPL-2.0

//! The block size, against the list of all that there are.

use proptest::prelude::*;
use rloop_logic::block_size::{
    BlockSize,
    BlockSizeError, //
};

/// The maximum where the kernel supports large blocks.
const MAX: u32 = 65536;

#[test]
fn exactly_these_are_block_sizes() {
    let accepted: Vec<u32> = (0..=u64::from(MAX) * 4)
        .filter_map(|bytes| BlockSize::new(bytes, MAX).ok())
        .map(BlockSize::get)
        .collect();
    assert_eq!(accepted, [512, 1024, 2048, 4096, 8192, 16384, 32768, 65536]);
}

#[test]
fn each_refusal_has_its_reason() {
    use BlockSizeError::*;
    for (bytes, max, reason) in [
        (0, MAX, TooSmall),
        (256, MAX, TooSmall),
        (511, MAX, TooSmall),
        (513, MAX, NotPowerOfTwo),
        (3072, MAX, NotPowerOfTwo),
        (8192, 4096, TooLarge),
        (4097, 4096, TooLarge),
        (131072, MAX, TooLarge),
        (1 << 32, u32::MAX, TooLarge),
        ((1 << 32) + 512, u32::MAX, TooLarge),
        (u64::MAX, u32::MAX, TooLarge),
    ] {
        assert_eq!(BlockSize::new(bytes, max), Err(reason), "{bytes} {max}");
    }
}

#[test]
fn a_sector_is_the_smallest() {
    assert_eq!(BlockSize::SECTOR.get(), 512);
    assert_eq!(BlockSize::new(512, 512), Ok(BlockSize::SECTOR));
}

proptest! {
    #[test]
    fn accepted_means_all_of_it(
        bytes in prop_oneof![any::<u64>(), (0..40u32).prop_map(|n| 1u64 << n), 0..20000u64],
        max: u32,
    ) {
        let good = bytes >= 512 && bytes <= u64::from(max) && bytes.count_ones() == 1;
        match BlockSize::new(bytes, max) {
            Ok(block) => prop_assert!(good && u64::from(block.get()) == bytes),
            Err(BlockSizeError::TooSmall) => prop_assert!(bytes < 512),
            Err(BlockSizeError::TooLarge) => prop_assert!(bytes > u64::from(max)),
            Err(BlockSizeError::NotPowerOfTwo) => prop_assert!(bytes.count_ones() != 1),
        }
    }
}
