// SPDX-License-Identifier: GPL-2.0

//! Bytes and sectors, against 128-bit arithmetic.

use proptest::prelude::*;
use rloop_logic::units::{
    Bytes,
    Sectors,
    SECTOR_SIZE, //
};

#[test]
fn a_sector_has_512_bytes() {
    assert_eq!(SECTOR_SIZE, 512);
    assert_eq!(Sectors::new(1).to_bytes(), Some(Bytes::new(512)));
    assert_eq!(Bytes::new(511).to_sectors(), Sectors::new(0));
    assert_eq!(Bytes::new(512).to_sectors(), Sectors::new(1));
    assert_eq!(Bytes::default().get(), 0);
    assert_eq!(Sectors::default().get(), 0);
}

#[test]
fn sectors_beyond_64_bits_of_bytes_are_none() {
    let last = u64::MAX / 512;
    assert!(Sectors::new(last).to_bytes().is_some());
    assert_eq!(Sectors::new(last + 1).to_bytes(), None);
    assert_eq!(Sectors::new(u64::MAX).to_bytes(), None);
}

proptest! {
    #[test]
    fn sectors_to_bytes_is_exact(sectors: u64) {
        let exact = u64::try_from(u128::from(sectors) * 512).ok();
        prop_assert_eq!(Sectors::new(sectors).to_bytes().map(Bytes::get), exact);
    }

    #[test]
    fn bytes_to_sectors_rounds_down(bytes: u64) {
        let sectors = u128::from(Bytes::new(bytes).to_sectors().get());
        prop_assert!(sectors * 512 <= u128::from(bytes));
        prop_assert!((sectors + 1) * 512 > u128::from(bytes));
    }

    #[test]
    fn order_is_that_of_the_numbers(a: u64, b: u64) {
        prop_assert_eq!(Bytes::new(a).cmp(&Bytes::new(b)), a.cmp(&b));
        prop_assert_eq!(Sectors::new(a).cmp(&Sectors::new(b)), a.cmp(&b));
        prop_assert_eq!(Bytes::new(a).get(), a);
        prop_assert_eq!(Sectors::new(a).get(), a);
    }
}
