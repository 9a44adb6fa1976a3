// SPDX-License-Identifier: GPL-2.0

//! Direct I/O, against trying all requests out.

use proptest::prelude::*;
use rloop_logic::{
    block_size::BlockSize,
    direct::{
        aligned,
        check,
        Alignment,
        Obstacle, //
    },
    units::Bytes,
    window::Window, //
};

fn block(bytes: u32) -> BlockSize {
    BlockSize::new(bytes.into(), bytes).expect("a block size")
}

fn at(offset: u64) -> Window {
    Window::new(offset, 0).expect("a position")
}

const fn alignment(offset: u32, memory: u32) -> Alignment {
    Alignment { offset, memory }
}

#[test]
fn by_example() {
    use Obstacle::*;
    for (can, need, size, offset, expected) in [
        (true, 512, 512, 0, Ok(())),
        (true, 512, 4096, 1024, Ok(())),
        (true, 1, 512, 7, Ok(())),
        (true, 4096, 4096, 4096, Ok(())),
        (false, 512, 512, 0, Err(NotSupported)),
        (true, 0, 512, 0, Err(NotSupported)),
        (false, 4096, 512, 7, Err(NotSupported)),
        (
            true,
            4096,
            512,
            0,
            Err(BlockSize {
                have: 512,
                need: 4096,
            }),
        ),
        (
            true,
            4096,
            512,
            7,
            Err(BlockSize {
                have: 512,
                need: 4096,
            }),
        ),
        (
            true,
            1536,
            4096,
            0,
            Err(BlockSize {
                have: 4096,
                need: 1536,
            }),
        ),
        (
            true,
            512,
            512,
            7,
            Err(Offset {
                have: Bytes::new(7),
                need: 512,
            }),
        ),
        (
            true,
            4096,
            4096,
            2048,
            Err(Offset {
                have: Bytes::new(2048),
                need: 4096,
            }),
        ),
    ] {
        let result = check(can, alignment(need, need), block(size), &at(offset));
        assert_eq!(result, expected, "{can} {need} {size} {offset}");
    }
}

#[test]
fn words_are_stable() {
    let have = Bytes::new(1);
    assert_eq!(Obstacle::NotSupported.as_str(), "not-supported");
    assert_eq!(
        Obstacle::BlockSize { have: 1, need: 2 }.as_str(),
        "block-size"
    );
    assert_eq!(Obstacle::Offset { have, need: 2 }.as_str(), "offset");
}

#[test]
fn unknown_is_never_aligned() {
    let zero = Bytes::new(0);
    assert!(!aligned(alignment(0, 512), zero, zero));
    assert!(!aligned(alignment(512, 0), zero, zero));
    assert!(aligned(alignment(512, 4), zero, zero));
}

/// As much of the request's memory as is transferred must be aligned too, and
/// this is only so if it follows from what is known.
#[test]
fn memory_must_follow_from_the_offset() {
    let bytes = Bytes::new;
    assert!(aligned(alignment(512, 512), bytes(512), bytes(512)));
    assert!(!aligned(alignment(512, 4096), bytes(512), bytes(512)));
    assert!(!aligned(alignment(3072, 2048), bytes(3072), bytes(3072)));
    assert!(aligned(alignment(3072, 1536), bytes(3072), bytes(3072)));
}

/// Small demands, sensible ones, and those that are no power of two.
fn needs() -> impl Strategy<Value = u32> {
    prop_oneof![
        0..10u32,
        (0..20u32).prop_map(|n| 1 << n),
        prop::sample::select(vec![768, 1536, 3072, 12288, u32::MAX]),
    ]
}

proptest! {
    /// Possible means that each request that the device can get is aligned.
    /// Their positions and lengths are all multiples of the block size, and
    /// are aligned if the offset, and the first block's length, are.
    #[test]
    fn possible_means_for_every_request(
        can: bool,
        need in needs(),
        shift in 9..17u32,
        offset in prop_oneof![0..100_000u64, (0..64u64).prop_map(|n| n * 4096)],
    ) {
        let size = 1u32 << shift;
        let result = check(can, alignment(need, 1), block(size), &at(offset));
        let fits = |bytes: u64| need != 0 && bytes % u64::from(need) == 0;
        let every = (0..100u64).all(|n| fits(offset + n * u64::from(size)))
            && (1..100u64).all(|n| fits(n * u64::from(size)));
        prop_assert_eq!(result.is_ok(), can && every);
        match result {
            Ok(()) => {}
            Err(Obstacle::NotSupported) => prop_assert!(!can || need == 0),
            Err(Obstacle::BlockSize { have, need: told }) => {
                prop_assert_eq!((have, told), (size, need));
                prop_assert!(!fits(size.into()));
            }
            Err(Obstacle::Offset { have, need: told }) => {
                prop_assert_eq!((have.get(), told), (offset, need));
                prop_assert!(fits(size.into()) && !fits(offset));
            }
        }
    }

    /// Wherever a transfer from aligned memory stops, it may only go on by
    /// direct I/O if position, length and memory of the rest are aligned.
    #[test]
    fn a_rest_is_aligned_in_all_respects(
        offset in needs(),
        memory in needs(),
        start in 0..64u64,
        done in 0..100_000u64,
        len in 0..100_000u64,
    ) {
        let start = start * u64::from(offset);
        let yes = aligned(alignment(offset, memory), Bytes::new(start + done), Bytes::new(len));
        if yes {
            prop_assert_eq!(done % u64::from(offset), 0);
            prop_assert_eq!(len % u64::from(offset), 0);
            prop_assert_eq!(done % u64::from(memory), 0);
        } else {
            prop_assert!(
                offset == 0
                    || memory == 0
                    || done % u64::from(offset) != 0
                    || len % u64::from(offset) != 0
                    || offset % memory != 0
            );
        }
    }
}
