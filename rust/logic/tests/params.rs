// SPDX-License-Identifier: GPL-2.0

//! The module's parameters.

use proptest::prelude::*;
use rloop_logic::params::{
    fast_lanes,
    max_loop,
    max_part,
    queue_depth,
    DevicePrefix,
    OnOpen,
    ParamError,
    PrefixError, //
};

/// What a device's name can be read as: prefix, device, partition.
type Reading = (String, u32, Option<u32>);

/// All readings of `name` as a disk or a partition of some prefix.
fn readings(name: &str) -> Vec<Reading> {
    let mut all = Vec::new();
    let number = |digits: &str| {
        let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        let canonical = digits == "0" || !digits.starts_with('0');
        (plain && canonical).then(|| digits.parse().ok()).flatten()
    };
    for split in 0..name.len() {
        let (prefix, rest) = name.split_at(split);
        if DevicePrefix::parse(prefix).is_err() {
            continue;
        }
        if let Some(device) = number(rest) {
            all.push((prefix.to_string(), device, None));
        }
        if let Some((device, partition)) = rest.split_once('p') {
            if let (Some(device), Some(partition)) = (number(device), number(partition)) {
                all.push((prefix.to_string(), device, Some(partition)));
            }
        }
    }
    all
}

#[test]
fn prefixes_by_example() {
    for name in [
        "loop",
        "loopr",
        "loop_",
        "loop-",
        "loopR",
        "loop2x",
        "loopp",
        "loop0px",
        "loopabcdefghijk",
    ] {
        let prefix = DevicePrefix::parse(name).expect(name);
        assert_eq!(prefix.as_str(), name);
        assert_eq!(prefix.is_default(), name == "loop");
    }
    use PrefixError::*;
    for (name, error) in [
        ("", Start),
        ("loo", Start),
        ("Loop", Start),
        ("rloop", Start),
        (" loop", Start),
        ("loop ", Character),
        ("loop\n", Character),
        ("loop/x", Character),
        ("loop.x", Character),
        ("loop!x", Character),
        ("loop\u{fc}", Character),
        ("loop\u{663}", Character),
        ("loop\0", Character),
        ("loop1", Digit),
        ("loopr0", Digit),
        ("loop0p", Partition),
        ("loopr12p", Partition),
        ("loopabcdefghijkl", TooLong),
    ] {
        assert_eq!(DevicePrefix::parse(name), Err(error), "{name:?}");
    }
}

#[test]
fn prefix_errors_say_what_is_allowed() {
    assert!(PrefixError::Start.allowed().contains("\"loop\""));
    assert!(PrefixError::Character.allowed().contains("'_' and '-'"));
    assert!(PrefixError::Digit.allowed().ends_with("in a digit"));
    assert!(PrefixError::Partition.allowed().ends_with("'p'"));
    assert!(PrefixError::TooLong.allowed().contains("15"));
}

/// As `fls()` of the C driver, and its rounding.
#[test]
fn max_part_rounds_up_to_bits() {
    for (value, bits, exported) in [
        (0, 0, 0),
        (1, 1, 1),
        (2, 2, 3),
        (3, 2, 3),
        (4, 3, 7),
        (7, 3, 7),
        (8, 4, 15),
        (15, 4, 15),
        (16, 5, 31),
        (127, 7, 127),
        (128, 8, 255),
        (255, 8, 255),
    ] {
        let shift = max_part(value).unwrap();
        assert_eq!(
            (shift.bits(), shift.max_part(), shift.minors()),
            (bits, exported, exported + 1),
            "{value}"
        );
    }
    for value in [-1, 256, 257, 511, 1 << 32, i64::MIN, i64::MAX] {
        assert_eq!(max_part(value), Err(ParamError::MaxPart), "{value}");
    }
    assert_eq!(ParamError::MaxPart.allowed(), "0..=255");
}

/// The last number that is accepted is the one that the error tells.
#[test]
fn max_loop_allows_what_it_says() {
    for bits in 0..=8u32 {
        let shift = max_part((1 << bits) - 1).unwrap();
        assert_eq!(shift.bits(), bits);
        let most = (1i64 << 20) >> bits;
        assert_eq!(max_loop(most, shift).map(i64::from), Ok(most));
        assert_eq!(max_loop(0, shift), Ok(0));
        for value in [most + 1, -1, 1 << 32, i64::MIN, i64::MAX] {
            let error = max_loop(value, shift).unwrap_err();
            assert_eq!(error, ParamError::MaxLoop(shift));
            assert_eq!(error.allowed(), format!("0..={most}"));
        }
    }
}

#[test]
fn no_more_requests_than_can_be_kept_in_order() {
    assert_eq!(queue_depth(4096, 7), Ok(4096));
    assert_eq!(queue_depth(4096, 8), Err(ParamError::Slots));
    assert_eq!(queue_depth(1, 32_767), Ok(1));
    assert_eq!(queue_depth(128, u32::MAX), Err(ParamError::Slots));
    assert_eq!(queue_depth(4097, 1), Err(ParamError::QueueDepth));
}

#[test]
fn any_device_is_made_on_open_unless_max_loop_was_given() {
    for bits in 0..=8u32 {
        let shift = max_part((1 << bits) - 1).unwrap();
        for given in [None, Some(0)] {
            let on_open = OnOpen::new(given, shift);
            assert_eq!(on_open.device(0), Some(0));
            assert_eq!(on_open.device((1 << 20) - 1), Some((1 << (20 - bits)) - 1));
        }
    }
}

#[test]
fn max_loop_limits_what_is_made_on_open() {
    for bits in [0, 1, 8u32] {
        let on_open = OnOpen::new(Some(3), max_part((1 << bits) - 1).unwrap());
        // Those of the partitions of the last one, too.
        assert_eq!(on_open.device((3 << bits) - 1), Some(2));
        assert_eq!(on_open.device(3 << bits), None);
    }
}

proptest! {
    #[test]
    fn names_fit_and_are_read_in_one_way(
        name in "loop[a-z0-9_p-]{0,21}",
        device in 0..1u32 << 20,
        partition in 1..256u32,
    ) {
        if let Ok(prefix) = DevicePrefix::parse(&name) {
            prop_assert_eq!(prefix.as_str(), &name);
            let control = format!("{name}-control");
            prop_assert!(control.len() <= 31);
            let disk = format!("{name}{device}");
            prop_assert!(disk.len() <= 31);
            let expected = vec![(name.clone(), device, None)];
            prop_assert_eq!(readings(&disk), expected);
            let expected = vec![(name, device, Some(partition))];
            prop_assert_eq!(readings(&format!("{disk}p{partition}")), expected);
        }
    }

    /// Each reason is true, and what has none is accepted.
    #[test]
    fn reasons_are_true(name in prop_oneof!["loop.{0,25}", "loop[0-9a-zA-Z_p-]{0,21}", ".{0,8}"]) {
        let tail = name.strip_prefix("loop");
        let strange = |c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-');
        let digit = |s: &str| s.ends_with(|c: char| c.is_ascii_digit());
        let expected = if tail.is_none() {
            Err(PrefixError::Start)
        } else if name.contains(strange) {
            Err(PrefixError::Character)
        } else if digit(&name) {
            Err(PrefixError::Digit)
        } else if name.strip_suffix('p').is_some_and(digit) {
            Err(PrefixError::Partition)
        } else if name.len() > 15 {
            Err(PrefixError::TooLong)
        } else {
            Ok(name.as_str())
        };
        prop_assert_eq!(DevicePrefix::parse(&name).map(DevicePrefix::as_str), expected);
    }

    #[test]
    fn minors_are_never_exceeded(part in 0..256i64, devices: i64) {
        let shift = max_part(part).expect("in range");
        prop_assert!(i64::from(shift.max_part()) >= part);
        prop_assert!(i64::from(shift.max_part()) < part.max(1) * 2);
        if let Ok(devices) = max_loop(devices % (1 << 22), shift) {
            prop_assert!(u64::from(devices) * u64::from(shift.minors()) <= 1 << 20);
        }
    }
}

#[test]
fn no_more_fast_lanes_than_half_the_processors() {
    for (cpus, lanes) in [(1, 1), (2, 1), (3, 1), (4, 2), (64, 2)] {
        assert_eq!(fast_lanes(0, 2, cpus), lanes, "{cpus} processors");
    }
}

#[test]
fn a_fast_lane_for_each_queue_that_was_asked_for() {
    assert_eq!(fast_lanes(2, 2, 2), 2);
    assert_eq!(fast_lanes(1, 1, 8), 1);
}
