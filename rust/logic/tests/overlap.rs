// SPDX-License-Identifier: GPL-2.0

//! The order of overlapping requests: by example, and long random runs against
//! the oracle.

mod overlap_sim;

use std::{
    hint::black_box,
    time::{
        Duration,
        Instant, //
    },
};

use overlap_sim::{
    Event,
    Request,
    Sim, //
};
use proptest::prelude::*;
use rloop_logic::{
    overlap::{
        Access::{
            self,
            Read,
            Write, //
        },
        Misuse,
        Node,
        Order,
        Verdict::{
            self,
            Ready,
            Waits, //
        }, //
    },
    units::Sectors,
};

type TestOrder = Order<Vec<Node>>;

fn order(slots: usize) -> TestOrder {
    Order::new(vec![Node::IDLE; slots])
}

fn accept(order: &mut TestOrder, slot: u16, access: Access, start: u64, sectors: u64) -> Verdict {
    let (start, sectors) = (Sectors::new(start), Sectors::new(sectors));
    order
        .accept(slot, access, start, sectors)
        .expect("an idle slot")
}

fn complete(order: &mut TestOrder, slot: u16) -> Vec<u16> {
    let mut ready = Vec::new();
    order
        .complete(slot, |slot| ready.push(slot))
        .expect("a request in flight");
    ready
}

#[test]
fn a_node_is_small() {
    assert_eq!(size_of::<Node>(), 32);
}

#[test]
fn writes_of_a_sector_take_turns() {
    let mut order = order(3);
    assert_eq!(accept(&mut order, 2, Write, 5, 1), Ready);
    assert_eq!(accept(&mut order, 0, Write, 5, 1), Waits);
    assert_eq!(accept(&mut order, 1, Write, 5, 1), Waits);
    assert_eq!(complete(&mut order, 2), [0]);
    assert_eq!(accept(&mut order, 2, Write, 5, 1), Waits);
    assert_eq!(complete(&mut order, 0), [1]);
    assert_eq!(complete(&mut order, 1), [2]);
    assert_eq!(complete(&mut order, 2), []);
}

#[test]
fn reads_do_not_wait_for_reads() {
    let mut order = order(4);
    assert_eq!(accept(&mut order, 0, Read, 0, 8), Ready);
    assert_eq!(accept(&mut order, 1, Read, 0, 8), Ready);
    assert_eq!(accept(&mut order, 2, Write, 7, 1), Waits);
    // Nor does it overtake a write that waits.
    assert_eq!(accept(&mut order, 3, Read, 7, 1), Waits);
    assert_eq!(complete(&mut order, 1), []);
    assert_eq!(complete(&mut order, 0), [2]);
    assert_eq!(complete(&mut order, 2), [3]);
    assert_eq!(complete(&mut order, 3), []);
}

#[test]
fn neighbours_are_independent() {
    let mut order = order(4);
    assert_eq!(accept(&mut order, 0, Write, 8, 8), Ready);
    assert_eq!(accept(&mut order, 1, Write, 16, 1), Ready);
    assert_eq!(accept(&mut order, 2, Write, 0, 8), Ready);
    assert_eq!(accept(&mut order, 3, Write, 17, 1 << 20), Ready);
}

/// Two requests that meet in two regions wait for each other once.
#[test]
fn a_pair_is_counted_once() {
    for (start, sectors) in [
        (4, 8),
        (100, 100),
        (1 << 12, 1 << 11),
        ((1 << 63) - 8, 1 << 20),
    ] {
        let mut order = order(3);
        assert_eq!(accept(&mut order, 0, Write, start, sectors), Ready);
        assert_eq!(accept(&mut order, 1, Read, start, sectors), Waits);
        assert_eq!(accept(&mut order, 2, Read, start + 1, sectors), Waits);
        assert_eq!(complete(&mut order, 0), [1, 2]);
    }
}

#[test]
fn a_discard_of_everything_waits_for_all_and_all_for_it() {
    const SMALL: u16 = 4000;
    let mut order = order(usize::from(2 * SMALL + 1));
    // Slots have nothing to do with the order.
    let slot = |n: u16| n * 7 % SMALL;
    for n in 0..SMALL {
        let start = u64::from(n) * 16;
        assert_eq!(accept(&mut order, slot(n), Write, start, 8), Ready);
    }
    let discard = 2 * SMALL;
    assert_eq!(accept(&mut order, discard, Write, 0, 1 << 23), Waits);
    for n in 0..SMALL {
        let start = u64::from(n) * 16;
        assert_eq!(accept(&mut order, SMALL + slot(n), Read, start, 8), Waits);
    }
    for n in 0..SMALL {
        let expected: &[_] = if n + 1 == SMALL { &[discard] } else { &[] };
        assert_eq!(complete(&mut order, n), expected);
    }
    let all: Vec<_> = (0..SMALL).map(|n| SMALL + slot(n)).collect();
    assert_eq!(complete(&mut order, discard), all);
}

/// What never began is out of the way, but not what it waited for.
#[test]
fn a_request_that_waits_may_complete() {
    let mut order = order(4);
    assert_eq!(accept(&mut order, 0, Write, 0, 8), Ready);
    assert_eq!(accept(&mut order, 1, Write, 0, 16), Waits);
    assert_eq!(accept(&mut order, 2, Read, 0, 16), Waits);
    assert_eq!(accept(&mut order, 3, Read, 8, 8), Waits);
    assert_eq!(complete(&mut order, 1), [3]);
    assert_eq!(complete(&mut order, 0), [2]);
    // Nothing is left that waits for itself.
    assert_eq!(complete(&mut order, 2), []);
    assert_eq!(accept(&mut order, 2, Write, 0, 8), Ready);
}

#[test]
fn without_sectors_nothing_conflicts() {
    let mut order = order(2);
    assert_eq!(accept(&mut order, 0, Write, 5, 0), Ready);
    assert_eq!(accept(&mut order, 1, Write, 0, 10), Ready);
    assert_eq!(complete(&mut order, 0), []);
    assert_eq!(accept(&mut order, 0, Write, 5, 0), Ready);
    assert_eq!(complete(&mut order, 1), []);
    assert_eq!(complete(&mut order, 0), []);
}

/// No request is that long, and no sector there. Nothing goes wrong, though.
#[test]
fn ranges_that_cannot_be() {
    let mut order = order(4);
    assert_eq!(accept(&mut order, 0, Write, u64::MAX, u64::MAX), Ready);
    assert_eq!(accept(&mut order, 1, Write, u64::MAX, 1), Waits);
    assert_eq!(
        accept(&mut order, 2, Write, 0, u64::from(u32::MAX) - 1),
        Ready
    );
    assert_eq!(complete(&mut order, 0), [1]);
    // From 2 TiB on it is all or nothing.
    assert_eq!(accept(&mut order, 0, Write, 1 << 33, 1 << 32), Waits);
    assert_eq!(accept(&mut order, 3, Read, u64::MAX, 1), Waits);
    assert_eq!(complete(&mut order, 1), [0]);
    assert_eq!(complete(&mut order, 0), [3]);
}

#[test]
fn misuse_is_refused() {
    let accept =
        |order: &mut TestOrder, slot| order.accept(slot, Write, Sectors::new(0), Sectors::new(8));
    let nobody = |slot| panic!("{slot} is ready");

    let mut small = order(2);
    assert_eq!(accept(&mut small, 2), Err(Misuse::NoSuchSlot));
    assert_eq!(accept(&mut small, u16::MAX), Err(Misuse::NoSuchSlot));
    assert_eq!(small.complete(2, nobody), Err(Misuse::NoSuchSlot));
    assert_eq!(small.complete(1, nobody), Err(Misuse::Idle));
    assert_eq!(accept(&mut small, 1), Ok(Ready));
    assert_eq!(accept(&mut small, 1), Err(Misuse::InFlight));
    assert_eq!(small.complete(1, nobody), Ok(()));
    assert_eq!(small.complete(1, nobody), Err(Misuse::Idle));
    assert_eq!(accept(&mut order(0), 0), Err(Misuse::NoSuchSlot));

    // More nodes than slots.
    for nodes in [32_768, 70_000] {
        let mut large = order(nodes);
        assert_eq!(accept(&mut large, 32_766), Ok(Ready));
        assert_eq!(accept(&mut large, 32_767), Err(Misuse::NoSuchSlot));
        assert_eq!(accept(&mut large, u16::MAX), Err(Misuse::NoSuchSlot));
        assert_eq!(accept(&mut large, 0), Ok(Waits));
        assert_eq!(large.complete(32_767, nobody), Err(Misuse::NoSuchSlot));
        assert_eq!(complete(&mut large, 32_766), [0]);
    }
}

/// The nodes are whatever they are from an earlier attachment.
#[test]
fn old_nodes_are_no_harm() {
    let mut nodes = vec![Node::IDLE; 3];
    let mut order = Order::new(&mut nodes[..]);
    for slot in 0..3 {
        let _ = order.accept(slot, Write, Sectors::new(4), Sectors::new(8));
    }
    let mut order = Order::new(nodes);
    assert_eq!(accept(&mut order, 1, Write, 4, 8), Ready);
    assert_eq!(accept(&mut order, 0, Write, 4, 8), Waits);
    assert_eq!(complete(&mut order, 1), [0]);
}

/// Where cells begin and end.
fn disks() -> impl Strategy<Value = Vec<u64>> {
    let sorted = |mut bounds: Vec<u64>| {
        bounds.sort_unstable();
        bounds
    };
    prop_oneof![
        // A few blocks.
        (2..8u64).prop_map(|blocks| (0..=blocks).map(|block| block * 8).collect()),
        // Many blocks, and many of a size that asks for large regions.
        Just((0..=300).map(|block| block * 8).collect()),
        Just((0..=100).map(|block| block * 100).collect()),
        Just((0..=100).map(|block| block * 3000).collect()),
        // Around the edges of regions; cells may have no sectors.
        prop::collection::vec(
            (0..6u64, prop::sample::select(vec![3, 7, 11, 15]), 0..9u64),
            3..30
        )
        .prop_map(|edges| edges
            .into_iter()
            .map(|(n, shift, delta)| ((n + 1) << shift) + delta - 4)
            .collect())
        .prop_map(sorted),
        // Of all sizes, up to everything. Lengths of 2 TiB or more are left to
        // an example, for they mean something else.
        prop::collection::vec((0..32u32, any::<u32>()), 3..30)
            .prop_map(|bounds| bounds
                .into_iter()
                .map(|(shift, random)| u64::from(random >> shift))
                .collect())
            .prop_map(sorted),
        prop::collection::vec((0..32u32, any::<u32>()), 3..30)
            .prop_map(|bounds| bounds
                .into_iter()
                .map(|(shift, random)| u64::MAX - u64::from(random >> shift))
                .collect())
            .prop_map(sorted),
    ]
}

#[derive(Clone, Copy, Debug)]
struct Choice {
    kind: u8,
    write: bool,
    slot: prop::sample::Index,
    from: prop::sample::Index,
    /// Cells, where that many are left.
    length: usize,
}

fn choices() -> impl Strategy<Value = Choice> {
    (
        0..20u8,
        any::<bool>(),
        any::<prop::sample::Index>(),
        any::<prop::sample::Index>(),
        prop_oneof![8 => 1..3usize, 2 => 0..10usize, 1 => Just(usize::MAX)],
    )
        .prop_map(|(kind, write, slot, from, length)| Choice {
            kind,
            write,
            slot,
            from,
            length,
        })
}

/// What a choice means now, if anything.
fn event(sim: &Sim, slots: u16, choice: Choice) -> Option<Event> {
    let Choice {
        kind,
        write,
        slot,
        from,
        length,
    } = choice;
    let pick = |slots: Vec<u16>| (!slots.is_empty()).then(|| *slot.get(&slots));
    match kind {
        0..=9 => {
            let from = from.index(sim.cells());
            let to = from.saturating_add(length).min(sim.cells());
            let access = if write { Write } else { Read };
            let busy = [sim.busy(true), sim.busy(false)].concat();
            let idle = (0..slots).filter(|slot| !busy.contains(slot)).collect();
            pick(idle).map(|slot| Event::Accept(slot, Request { access, from, to }))
        }
        10..=13 => pick(sim.busy(true)).map(Event::Transfer),
        14..=18 => pick(sim.busy(true)).map(Event::Complete),
        _ => pick(sim.busy(false)).map(Event::Complete),
    }
}

/// Everything completes, in some order.
fn all_ends(sim: &mut Sim, choice: prop::sample::Index) -> Result<(), String> {
    while !(sim.busy(true).is_empty() && sim.busy(false).is_empty()) {
        let ready = sim.busy(true);
        if ready.is_empty() {
            return Err("all wait for each other".to_string());
        }
        sim.step(Event::Complete(*choice.get(&ready)))?;
    }
    sim.is_sequential()
}

proptest! {
    /// Long runs, with few or many requests in flight.
    #[test]
    fn random_runs(
        bounds in disks(),
        slots in prop_oneof![1..8u16, 20..100u16],
        choices in prop::collection::vec(choices(), 0..400),
        last in any::<prop::sample::Index>(),
    ) {
        let mut sim = Sim::new(bounds, slots);
        let mut trace = Vec::new();
        for choice in choices {
            let Some(event) = event(&sim, slots, choice) else {
                continue;
            };
            trace.push(event);
            if let Err(what) = sim.step(event) {
                prop_assert!(false, "{}, after {:?}", what, trace);
            }
        }
        prop_assert_eq!(all_ends(&mut sim, last), Ok(()));
    }
}

/// Prints what an acceptance and a completion cost together:
/// `cargo test --release --test overlap -- --ignored --nocapture`.
#[test]
#[ignore = "measures"]
fn cost() {
    /// What the next request does, by its number and a random number.
    type Load = fn(u64, u64) -> (Access, u64, u64);

    let loads: [(&str, Load); 9] = [
        ("4k random write", |_, r| (Write, r % (1 << 24) * 8, 8)),
        ("4k random read", |_, r| (Read, r % (1 << 24) * 8, 8)),
        ("4k random read/write", |_, r| match r >> 63 {
            0 => (Read, r % (1 << 24) * 8, 8),
            _ => (Write, r % (1 << 24) * 8, 8),
        }),
        ("4k sequential write", |n, _| (Write, n * 8, 8)),
        ("64k random write", |_, r| (Write, r % (1 << 24) * 128, 128)),
        ("1M sequential write", |n, _| (Write, n * 2048, 2048)),
        ("1M and, 1 of 16, 4k write", |n, r| match r >> 60 {
            0 => (Write, (1 << 40) + r % (1 << 24) * 8, 8),
            _ => (Write, n * 2048, 2048),
        }),
        ("512 to 64k write", |_, r| {
            (Write, r % (1 << 40), 1 << ((r >> 40) & 7))
        }),
        ("4k write, all the same", |_, _| (Write, 8, 8)),
    ];
    for (name, load) in loads {
        for in_flight in [64, 256] {
            let cost = (0..10).map(|_| turns(in_flight, load)).min();
            let cost = cost.expect("there was one").as_nanos();
            println!("{name:26} {in_flight:4} in flight {cost:5} ns");
        }
    }

    /// Keeps so many requests in flight; returns what it took to replace one.
    fn turns(in_flight: u16, load: Load) -> Duration {
        const TURNS: u32 = 200_000;
        // A few times as many slots as are in use.
        let mut order = order(usize::from(in_flight) * 8);
        let mut slots: Vec<_> = (0..in_flight).map(|n| n * 8).collect();
        let mut random = 0x1234_5678_9abc_def1;
        let mut next = |number: u64| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            load(number, random)
        };
        let mut number = 0;
        for &slot in &slots {
            let (access, start, sectors) = next(number);
            let _ = accept(&mut order, slot, access, start, sectors);
            number += 1;
        }
        let begin = Instant::now();
        let mut place = 0;
        for turn in 0..TURNS {
            // Not quite first in, first out.
            place = (place + if turn % 4 == 0 { 3 } else { 1 }) % slots.len();
            let _ = order.complete(slots[place], |slot| {
                black_box(slot);
            });
            slots[place] ^= 5;
            let (access, start, sectors) = next(number);
            let verdict = order.accept(
                slots[place],
                access,
                Sectors::new(start),
                Sectors::new(sectors),
            );
            let _ = black_box(verdict);
            number += 1;
        }
        begin.elapsed() / TURNS
    }
}
