// SPDX-License-Identifier: GPL-2.0

//! Reads and changes that share workers.

use proptest::prelude::*;
use rloop_logic::turns::{Kind, Turns};

/// Takes what is next of that.
fn take(turns: &mut Turns, reads: bool, changes: bool) -> Option<Kind> {
    let kind = turns.next(reads, changes);
    if let Some(kind) = kind {
        turns.take(kind);
    }
    kind
}

/// How many changes get a worker of so many, if none is done.
fn changes_of(workers: u32) -> u32 {
    let mut turns = Turns::new(workers);
    let mut taken = 0;
    while taken < workers && take(&mut turns, false, true).is_some() {
        taken += 1;
    }
    taken
}

#[test]
fn changes_get_three_quarters() {
    assert_eq!(changes_of(8), 6);
    assert_eq!(changes_of(32), 24);
    assert_eq!(changes_of(512), 384);
}

#[test]
fn one_of_few_is_left_to_reads() {
    assert_eq!(changes_of(2), 1);
    assert_eq!(changes_of(3), 2);
    assert_eq!(changes_of(5), 4);
}

#[test]
fn a_single_worker_is_for_both() {
    assert_eq!(changes_of(1), 1);
    let mut turns = Turns::new(1);
    assert_eq!(take(&mut turns, true, false), Some(Kind::Read));
}

#[test]
fn no_workers_at_all_are_as_one() {
    let mut turns = Turns::new(0);
    assert_eq!(take(&mut turns, false, true), Some(Kind::Change));
}

#[test]
fn reads_and_changes_take_turns() {
    let mut turns = Turns::new(8);
    let taken: Vec<_> = (0..4)
        .filter_map(|_| take(&mut turns, true, true))
        .collect();
    assert_eq!(taken, [Kind::Read, Kind::Change, Kind::Read, Kind::Change]);
}

#[test]
fn a_change_that_is_done_makes_room_for_the_next() {
    let mut turns = Turns::new(2);
    assert_eq!(take(&mut turns, false, true), Some(Kind::Change));
    assert_eq!(turns.next(false, true), None);
    turns.done(Kind::Change);
    assert_eq!(turns.next(false, true), Some(Kind::Change));
}

proptest! {
    /// Whatever comes and is done in whatever order: reads have a worker, nobody waits while there
    /// is one for him, and nothing is taken that does not wait.
    #[test]
    fn a_read_finds_a_worker_that_no_change_has(
        workers in 2u32..40,
        steps in prop::collection::vec((any::<bool>(), any::<bool>(), any::<bool>()), 0..200),
    ) {
        let mut turns = Turns::new(workers);
        // What the workers are at.
        let mut busy: Vec<Kind> = Vec::new();
        for (reads, changes, first_done) in steps {
            if first_done && !busy.is_empty() {
                turns.done(busy.remove(0));
            }
            if busy.len() == workers as usize {
                turns.done(busy.remove(0));
            }
            let changing = busy.iter().filter(|&&kind| kind == Kind::Change).count();
            let taken = take(&mut turns, reads, changes);
            prop_assert!(taken != Some(Kind::Read) || reads);
            prop_assert!(taken != Some(Kind::Change) || changes);
            prop_assert!(!reads || taken.is_some(), "a read waits beside a worker");
            if taken == Some(Kind::Change) {
                prop_assert!(changing + 1 < workers as usize, "changes have all workers");
            }
            if changes && changing == 0 {
                prop_assert!(taken.is_some(), "nothing ever ends that a change waits for");
            }
            busy.extend(taken);
        }
    }
}
