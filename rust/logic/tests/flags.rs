// SPDX-License-Identifier: GPL-2.0

//! The flags, bit by bit.

use proptest::prelude::*;
use rloop_logic::flags::Flags;

const ALL: [(Flags, u32); 4] = [
    (Flags::READ_ONLY, 1),
    (Flags::AUTOCLEAR, 4),
    (Flags::PARTSCAN, 8),
    (Flags::DIRECT_IO, 16),
];

/// All sets of flags.
fn sets() -> impl Strategy<Value = Flags> {
    prop::sample::subsequence(ALL.to_vec(), 0..=ALL.len()).prop_map(|set| {
        set.into_iter()
            .fold(Flags::default(), |set, (flag, _)| set.with(flag))
    })
}

#[test]
fn bits_are_those_of_the_uapi() {
    assert_eq!(Flags::default().bits(), 0);
    for (flag, bits) in ALL {
        assert_eq!(flag.bits(), bits);
        assert_eq!(Flags::from_configure(bits), Ok(flag));
    }
}

#[test]
fn contains_means_all() {
    let both = Flags::READ_ONLY.with(Flags::PARTSCAN);
    assert!(both.contains(Flags::READ_ONLY));
    assert!(both.contains(both));
    assert!(both.contains(Flags::default()));
    assert!(!both.contains(Flags::AUTOCLEAR));
    assert!(!Flags::READ_ONLY.contains(both));
    assert_eq!(both.without(Flags::READ_ONLY), Flags::PARTSCAN);
    assert_eq!(both.without(Flags::AUTOCLEAR), both);
}

#[test]
fn configure_names_what_it_does_not_know() {
    assert_eq!(Flags::from_configure(2), Err(2));
    assert_eq!(Flags::from_configure(1 | 2 | 32), Err(2 | 32));
    assert_eq!(Flags::from_configure(u32::MAX), Err(!29));
    assert_eq!(Flags::from_configure(0), Ok(Flags::default()));
    assert_eq!(Flags::from_configure(29).map(Flags::bits), Ok(29));
}

proptest! {
    #[test]
    fn configure_accepts_known_bits_only(
        requested in prop_oneof![0..64u32, any::<u32>()],
    ) {
        match Flags::from_configure(requested) {
            Ok(flags) => {
                prop_assert_eq!(flags.bits(), requested);
                prop_assert!((0..32).all(|n| requested & (1 << n) == 0 || [0, 2, 3, 4].contains(&n)));
            }
            Err(unknown) => {
                prop_assert_ne!(unknown, 0);
                let strange = (0..32)
                    .filter(|n| requested & (1 << n) != 0 && ![0, 2, 3, 4].contains(n))
                    .fold(0, |bits, n| bits | (1u32 << n));
                prop_assert_eq!(unknown, strange);
            }
        }
    }

    /// Autoclear follows the request, partscan can only come, all else stays.
    #[test]
    fn set_status_changes_two_flags(before in sets(), requested: u32) {
        let after = before.set_status(requested);
        for (flag, bit) in ALL {
            let had = before.contains(flag);
            let asked = requested & bit != 0;
            let expected = match bit {
                4 => asked,
                8 => had || asked,
                _ => had,
            };
            prop_assert_eq!(after.contains(flag), expected, "{:?}", flag);
        }
        prop_assert_eq!(after.bits() & !29, 0);
    }

    #[test]
    fn with_and_without_are_of_sets(a in sets(), b in sets()) {
        for (flag, _) in ALL {
            prop_assert_eq!(a.with(b).contains(flag), a.contains(flag) || b.contains(flag));
            prop_assert_eq!(a.without(b).contains(flag), a.contains(flag) && !b.contains(flag));
        }
    }
}
