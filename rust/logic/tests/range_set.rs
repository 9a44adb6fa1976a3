// SPDX-License-Identifier: GPL-2.0

//! The set of sectors: by example, and random operations against an exact set.

use std::collections::BTreeSet;

use proptest::prelude::*;
use rloop_logic::{
    range_set::{
        Range,
        RangeSet, //
    },
    units::Sectors, //
};

type Set = RangeSet<Vec<Range>>;

fn set(room: usize) -> Set {
    RangeSet::new(vec![Range::UNUSED; room])
}

fn range(first: u64, length: u64) -> Range {
    Range::new(Sectors::new(first), Sectors::new(length))
}

fn listed(set: &Set) -> Vec<(u64, u64)> {
    let pair = |range: &Range| (range.first().get(), range.length().get());
    set.ranges().iter().map(pair).collect()
}

fn sectors(set: &Set) -> BTreeSet<u64> {
    listed(set)
        .into_iter()
        .flat_map(|(first, length)| first..first + length)
        .collect()
}

fn filled(room: usize, ranges: &[(u64, u64)]) -> Set {
    let mut set = set(room);
    for &(first, length) in ranges {
        set.insert(range(first, length));
    }
    set
}

#[test]
fn ranges_that_touch_or_overlap_become_one() {
    assert_eq!(listed(&filled(4, &[(0, 2), (2, 2)])), [(0, 4)]);
    assert_eq!(listed(&filled(4, &[(2, 2), (0, 2)])), [(0, 4)]);
    assert_eq!(listed(&filled(4, &[(0, 4), (1, 2)])), [(0, 4)]);
    assert_eq!(
        listed(&filled(4, &[(0, 1), (4, 1), (8, 1), (1, 7)])),
        [(0, 9)]
    );
    assert_eq!(listed(&filled(4, &[(4, 1), (0, 1)])), [(0, 1), (4, 1)]);
}

#[test]
fn the_smallest_gap_is_closed_when_there_is_no_room() {
    let ranges = [(0, 1), (10, 1), (12, 1), (30, 1)];
    assert_eq!(listed(&filled(3, &ranges)), [(0, 1), (10, 3), (30, 1)]);
    // The gap to the new one is the smallest.
    let ranges = [(0, 1), (10, 1), (30, 1), (28, 1)];
    assert_eq!(listed(&filled(3, &ranges)), [(0, 1), (10, 1), (28, 3)]);
    let ranges = [(0, 1), (10, 1), (30, 1), (2, 1)];
    assert_eq!(listed(&filled(3, &ranges)), [(0, 3), (10, 1), (30, 1)]);
    assert_eq!(listed(&filled(1, &[(0, 1), (10, 1)])), [(0, 11)]);
}

#[test]
fn taking_away_splits() {
    let mut set = filled(2, &[(0, 10)]);
    set.remove(range(4, 2));
    assert_eq!(listed(&set), [(0, 4), (6, 4)]);
    set.remove(range(3, 4));
    assert_eq!(listed(&set), [(0, 3), (7, 3)]);
    set.remove(range(0, 8));
    assert_eq!(listed(&set), [(8, 2)]);
    set.remove(range(0, 100));
    assert!(set.is_empty());
}

#[test]
fn what_is_taken_away_stays_if_it_is_the_smallest_gap() {
    let mut set = filled(2, &[(0, 10), (20, 10)]);
    set.remove(range(4, 2));
    assert_eq!(listed(&set), [(0, 10), (20, 10)]);
    let mut set = filled(2, &[(0, 10), (11, 10)]);
    set.remove(range(4, 2));
    assert_eq!(listed(&set), [(0, 4), (6, 15)]);
}

#[test]
fn sectors_beyond_the_last_possible_do_not_exist() {
    let mut set = filled(2, &[(u64::MAX - 1, 10), (0, 0)]);
    assert_eq!(listed(&set), [(u64::MAX - 1, 1)]);
    set.remove(range(u64::MAX - 1, u64::MAX));
    assert!(set.is_empty());
}

proptest! {
    #[test]
    fn no_sector_is_ever_missing(
        room in 1usize..6,
        operations in prop::collection::vec((any::<bool>(), 0u64..64, 0u64..12), 0..80),
    ) {
        let mut set = set(room);
        let mut exact = BTreeSet::new();
        for (insert, first, length) in operations {
            let before = sectors(&set);
            if insert {
                set.insert(range(first, length));
                exact.extend(first..first + length);
            } else {
                set.remove(range(first, length));
                exact.retain(|sector| !(first..first + length).contains(sector));
            }
            let now = sectors(&set);
            prop_assert!(now.is_superset(&exact), "{:?} instead of {:?}", listed(&set), exact);
            prop_assert!(set.ranges().len() <= room);
            // Ascending, not empty, not touching.
            for (_, length) in listed(&set) {
                prop_assert!(length > 0);
            }
            for pair in listed(&set).windows(2) {
                prop_assert!(pair[0].0 + pair[0].1 < pair[1].0);
            }
            // Never coarser than it has to be to take a range away.
            if !insert && before.len() >= now.len() && set.ranges().len() < room {
                prop_assert!(now.iter().all(|sector| before.contains(sector)));
            }
        }
        // In order, everything can be taken away.
        for first in 0..80 {
            set.remove(range(first, 1));
        }
        prop_assert!(set.is_empty());
    }

    #[test]
    fn with_room_it_is_exact(
        operations in prop::collection::vec((any::<bool>(), 0u64..64, 0u64..12), 0..80),
    ) {
        let mut set = set(40);
        let mut exact = BTreeSet::new();
        for (insert, first, length) in operations {
            if insert {
                set.insert(range(first, length));
                exact.extend(first..first + length);
            } else {
                set.remove(range(first, length));
                exact.retain(|sector| !(first..first + length).contains(sector));
            }
            prop_assert_eq!(sectors(&set), exact.clone());
            prop_assert_eq!(set.is_empty(), exact.is_empty());
        }
    }

    #[test]
    fn all_of_another_set_is_taken_over(
        some in prop::collection::vec((0u64..64, 0u64..12), 0..10),
        others in prop::collection::vec((0u64..64, 0u64..12), 0..10),
    ) {
        let (mut one, other) = (filled(40, &some), filled(40, &others));
        let both = sectors(&one).union(&sectors(&other)).copied().collect::<BTreeSet<_>>();
        one.insert_all(&other);
        prop_assert_eq!(sectors(&one), both);
    }
}
