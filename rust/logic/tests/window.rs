// SPDX-License-Identifier: GPL-2.0

//! The window, against 128-bit arithmetic.

use proptest::prelude::*;
use rloop_logic::{
    units::{
        Bytes,
        Sectors, //
    },
    window::{
        Window,
        WindowError, //
    },
};

const MAX: u64 = i64::MAX as u64;

/// Numbers around zero, around the limits, and everywhere.
fn interesting() -> impl Strategy<Value = u64> {
    prop_oneof![
        0..2048u64,
        (0..2048u64).prop_map(|n| MAX - 1024 + n),
        (0..2048u64).prop_map(|n| u64::MAX - n),
        (0..2048u64).prop_map(|n| MAX / 512 - 1024 + n),
        any::<u64>(),
    ]
}

fn windows() -> impl Strategy<Value = Window> {
    (interesting(), interesting()).prop_map(|(offset, limit)| {
        Window::new(offset & MAX, limit & MAX).expect("both are small enough")
    })
}

/// What the C driver computes, without its overflows.
fn expected_capacity(window: &Window, file_size: u64) -> u64 {
    let mut size = i128::from(file_size) - i128::from(window.offset().get());
    if size < 0 {
        return 0;
    }
    let limit = i128::from(window.sizelimit().get());
    if limit > 0 && limit < size {
        size = limit;
    }
    u64::try_from(size / 512).expect("a part of the file")
}

#[test]
fn limits_are_inclusive() {
    assert!(Window::new(MAX, MAX).is_ok());
    assert_eq!(Window::new(MAX + 1, 0), Err(WindowError::OffsetTooLarge));
    assert_eq!(Window::new(0, MAX + 1), Err(WindowError::SizeLimitTooLarge));
    assert_eq!(
        Window::new(u64::MAX, u64::MAX),
        Err(WindowError::OffsetTooLarge)
    );
}

#[test]
fn the_whole_file_is_shown() {
    let size = Bytes::new(1024 * 1024);
    let whole = Window::new(0, 0).expect("zero fits");
    assert_eq!(whole.capacity(size), size.to_sectors());
}

#[test]
fn capacity_by_example() {
    for (offset, limit, size, sectors) in [
        (0, 0, 0, 0),
        (0, 0, 511, 0),
        (0, 0, 1535, 2),
        (512, 0, 1536, 2),
        (1, 0, 1025, 2),
        (1, 0, 1024, 1),
        (4096, 0, 4095, 0),
        (4096, 0, 4096, 0),
        (0, 1024, 4096, 2),
        (0, 1023, 4096, 1),
        (0, 511, 4096, 0),
        (0, 8192, 4096, 8),
        (3072, 8192, 4096, 2),
        (3072, 512, 4096, 1),
    ] {
        let window = Window::new(offset, limit).unwrap();
        assert_eq!(
            window.capacity(Bytes::new(size)),
            Sectors::new(sectors),
            "{offset} {limit} {size}"
        );
    }
}

#[test]
fn the_last_position_is_a_position() {
    let window = Window::new(MAX - 512, 0).unwrap();
    let position = |sector, done| window.position(Sectors::new(sector), Bytes::new(done));
    assert_eq!(position(0, 512), Some(Bytes::new(MAX)));
    assert_eq!(position(1, 0), Some(Bytes::new(MAX)));
    assert_eq!(position(0, 513), None);
    assert_eq!(position(1, 1), None);
    assert_eq!(position(u64::MAX, 0), None);
    assert_eq!(position(0, u64::MAX), None);
}

proptest! {
    #[test]
    fn new_keeps_what_it_accepts(offset in interesting(), limit in interesting()) {
        match Window::new(offset, limit) {
            Ok(window) => {
                prop_assert!(offset <= MAX && limit <= MAX);
                prop_assert_eq!(window.offset().get(), offset);
                prop_assert_eq!(window.sizelimit().get(), limit);
            }
            Err(WindowError::OffsetTooLarge) => prop_assert!(offset > MAX),
            Err(WindowError::SizeLimitTooLarge) => prop_assert!(offset <= MAX && limit > MAX),
        }
    }

    #[test]
    fn capacity_is_that_of_the_c_driver(window in windows(), size in interesting()) {
        let sectors = window.capacity(Bytes::new(size)).get();
        prop_assert_eq!(sectors, expected_capacity(&window, size));
    }

    /// Who covers another shows each byte that the other shows, of any file.
    #[test]
    fn covering_is_showing_all(a in windows(), b in windows(), size in 0..=MAX) {
        let shown = |window: &Window| {
            let from = window.offset().get();
            let limit = window.sizelimit().get();
            (from, size.min(if limit == 0 { MAX } else { from.saturating_add(limit) }))
        };
        let ((a_from, a_end), (b_from, b_end)) = (shown(&a), shown(&b));
        if a.covers(&b) && b_from < b_end {
            prop_assert!(a_from <= b_from && b_end <= a_end);
        }
        prop_assert!(a.covers(&a));
    }

    #[test]
    fn position_is_exact_or_none(window in windows(), sector in interesting(), done in interesting()) {
        let exact =
            u128::from(window.offset().get()) + u128::from(sector) * 512 + u128::from(done);
        let expected = u64::try_from(exact).ok().filter(|&position| position <= MAX);
        let position = window.position(Sectors::new(sector), Bytes::new(done));
        prop_assert_eq!(position.map(Bytes::get), expected);
    }

    /// What the capacity shows lies within the file and within the limit.
    #[test]
    fn no_sector_reaches_beyond(window in windows(), size in 0..=MAX) {
        let sectors = window.capacity(Bytes::new(size));
        if sectors > Sectors::new(0) {
            let end = window.position(sectors, Bytes::new(0)).expect("within the file");
            prop_assert!(end.get() <= size);
            let limit = window.sizelimit().get();
            prop_assert!(limit == 0 || end.get() - window.offset().get() <= limit);
        }
    }
}
