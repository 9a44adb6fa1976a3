// SPDX-License-Identifier: GPL-2.0

//! Short transfers, against a file system that does as it likes.

use proptest::prelude::*;
use rloop_logic::transfer::{
    Step,
    Transfer, //
};

#[test]
fn by_example() {
    let mut transfer = Transfer::new(10);
    assert_eq!((transfer.done(), transfer.remaining()), (0, 10));
    assert_eq!(transfer.advance(4), Step::Continue);
    assert_eq!((transfer.done(), transfer.remaining()), (4, 6));
    assert_eq!(transfer.advance(7), Step::Stuck);
    assert_eq!(transfer.advance(0), Step::Stuck);
    assert_eq!((transfer.done(), transfer.remaining()), (4, 6));
    assert_eq!(transfer.advance(6), Step::Complete);
    assert_eq!((transfer.done(), transfer.remaining()), (10, 0));
    assert_eq!(transfer.advance(1), Step::Stuck);
}

#[test]
fn nothing_to_do_is_complete() {
    assert_eq!(Transfer::new(0).advance(0), Step::Complete);
    assert_eq!(Transfer::new(0).advance(1), Step::Stuck);
}

#[test]
fn a_result_beyond_32_bits_is_no_small_one() {
    let mut transfer = Transfer::new(u32::MAX);
    assert_eq!(transfer.advance(usize::MAX), Step::Stuck);
    #[cfg(target_pointer_width = "64")]
    assert_eq!(transfer.advance((1 << 32) + 1), Step::Stuck);
    assert_eq!(transfer.done(), 0);
    assert_eq!(transfer.advance(u32::MAX as usize), Step::Complete);
}

proptest! {
    /// A file system may return anything: the sum of what was accepted is what
    /// is done, complete means all of it, and the number of steps is bounded.
    #[test]
    fn every_byte_counts_once(
        total in prop_oneof![0..64u32, any::<u32>()],
        parts in prop::collection::vec(prop_oneof![0..20usize, any::<usize>()], 0..80),
    ) {
        let mut transfer = Transfer::new(total);
        let mut sum = 0u128;
        for part in parts {
            let left = u128::from(total) - sum;
            let expected = match part as u128 {
                part if part > left => Step::Stuck,
                part if part == left => Step::Complete,
                0 => Step::Stuck,
                _ => Step::Continue,
            };
            prop_assert_eq!(transfer.advance(part), expected);
            if expected != Step::Stuck {
                sum += part as u128;
            }
            prop_assert_eq!(u128::from(transfer.done()), sum);
            prop_assert_eq!(u128::from(transfer.remaining()), u128::from(total) - sum);
            if expected == Step::Complete {
                break;
            }
        }
    }

    /// A file system that always gets somewhere gets to the end.
    #[test]
    fn progress_ends(total in 1..5000u32, most in 1..100u32) {
        let mut transfer = Transfer::new(total);
        let mut steps = 0u32;
        loop {
            steps += 1;
            let part = transfer.remaining().min(most);
            match transfer.advance(part as usize) {
                Step::Continue => prop_assert!(transfer.remaining() > 0),
                Step::Complete => break,
                Step::Stuck => prop_assert!(false, "stuck at {}", transfer.done()),
            }
        }
        prop_assert_eq!(transfer.done(), total);
        prop_assert_eq!(steps, total.div_ceil(most));
    }
}
