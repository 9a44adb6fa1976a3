// SPDX-License-Identifier: GPL-2.0

//! Requests one at a time, and several.

use rloop_logic::{
    pace::{is_late, Mistake, Pace},
    units::Moment,
};

fn one_at_a_time(pace: &mut Pace, count: usize) -> Vec<bool> {
    (0..count)
        .map(|_| {
            let alone = pace.accept();
            pace.complete();
            alone
        })
        .collect()
}

#[test]
fn one_at_a_time_is_a_habit_soon() {
    let alone = one_at_a_time(&mut Pace::new(), 6);
    assert_eq!(alone, [false, false, false, false, true, true]);
}

#[test]
fn the_first_of_a_burst_is_none() {
    let mut pace = Pace::new();
    for _ in 0..10 {
        assert_eq!([pace.accept(), pace.accept()], [false, false]);
        pace.complete();
        pace.complete();
    }
}

#[test]
fn a_burst_ends_the_habit() {
    let mut pace = Pace::new();
    one_at_a_time(&mut pace, 5);
    assert_eq!([pace.accept(), pace.accept()], [true, false]);
    pace.complete();
    pace.complete();
    assert_eq!(
        one_at_a_time(&mut pace, 5),
        [false, false, false, false, true]
    );
}

/// After a mistake so many requests one at a time are not taken for that.
fn not_trusted(mistake: Mistake, count: usize) {
    let mut pace = Pace::new();
    assert!(one_at_a_time(&mut pace, 5)[4]);
    pace.was_misplaced(mistake);
    assert!(!one_at_a_time(&mut pace, count).contains(&true));
    assert_eq!(one_at_a_time(&mut pace, 2), [true, true]);
}

#[test]
fn who_was_late_is_not_trusted_for_long() {
    not_trusted(Mistake::Late, 4096);
}

#[test]
fn who_was_awake_is_not_trusted_for_a_while() {
    not_trusted(Mistake::Awake, 64);
}

#[test]
fn who_is_late_again_pays_again() {
    let mut pace = Pace::new();
    pace.was_misplaced(Mistake::Late);
    assert!(one_at_a_time(&mut pace, 4097)[4096]);
    pace.was_misplaced(Mistake::Late);
    assert!(!one_at_a_time(&mut pace, 4096).contains(&true));
}

#[test]
fn one_at_a_time_is_seen_before_it_is_a_habit_again() {
    let mut pace = Pace::new();
    pace.was_misplaced(Mistake::Late);
    one_at_a_time(&mut pace, 3);
    assert!(!pace.is_one_at_a_time());
    one_at_a_time(&mut pace, 1);
    assert!(pace.is_one_at_a_time());
}

#[test]
fn one_at_a_time_ends_with_the_first_that_is_not() {
    let mut pace = Pace::new();
    one_at_a_time(&mut pace, 4);
    pace.accept();
    assert!(pace.is_one_at_a_time());
    pace.accept();
    assert!(!pace.is_one_at_a_time());
}

#[test]
fn late_is_more_than_a_millisecond() {
    let at = Moment::new;
    assert!(!is_late(at(5), at(1_000_005)));
    assert!(is_late(at(5), at(1_000_006)));
    // Clocks of two processors may differ.
    assert!(!is_late(at(2_000_000), at(5)));
}
