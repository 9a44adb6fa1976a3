// SPDX-License-Identifier: GPL-2.0

//! The drain: its table by example, and long random runs against the oracle.

mod sim;

use proptest::prelude::*;
use rloop_logic::epoch::{
    Action::{
        Nothing,
        Sync, //
    },
    Epochs,
    FlushMode,
    Full,
    Place,
    Round::{
        Current,
        Next, //
    },
    Waiting, //
};
use sim::{
    Event,
    Sim, //
};

/// A drain with room for two flushes.
fn epochs() -> Epochs<Vec<u32>> {
    Epochs::new(vec![0; 3])
}

/// The same with barriers, where the fsync for a first flush is running.
fn syncing_barrier() -> Epochs<Vec<u32>> {
    let mut epochs = epochs();
    epochs.set_mode(FlushMode::Barrier);
    assert_eq!(epochs.accept_flush(), Ok((Current, Sync)));
    epochs
}

/// Accepts a flush that has to wait for others.
fn waits(epochs: &mut Epochs<Vec<u32>>) -> Place {
    match epochs.accept_flush() {
        Ok((Next(place), Nothing)) => place,
        other => panic!("{other:?}"),
    }
}

#[test]
fn without_writes_a_flush_syncs_at_once() {
    let mut epochs = epochs();
    assert_eq!(epochs.accept_flush(), Ok((Current, Sync)));
    assert_eq!(epochs.sync_done(true), (Waiting::None, Nothing));
    assert_eq!(epochs.accept_flush(), Ok((Current, Sync)));
    assert_eq!(epochs.sync_done(false), (Waiting::None, Nothing));
}

#[test]
fn completed_writes_are_not_waited_for() {
    let mut epochs = epochs();
    let write = epochs.accept_write();
    assert_eq!(epochs.complete_write(write), Nothing);
    assert_eq!(epochs.accept_flush(), Ok((Current, Sync)));
}

#[test]
fn a_flush_waits_for_the_last_write_before_it() {
    let mut epochs = epochs();
    let first = epochs.accept_write();
    let second = epochs.accept_write();
    assert_eq!(epochs.accept_flush(), Ok((Current, Nothing)));
    assert_eq!(epochs.complete_write(second), Nothing);
    assert_eq!(epochs.complete_write(first), Sync);
}

#[test]
fn a_flush_waits_for_no_later_write() {
    let mut epochs = epochs();
    let before = epochs.accept_write();
    assert_eq!(epochs.accept_flush(), Ok((Current, Nothing)));
    let after = epochs.accept_write();
    assert_eq!(epochs.complete_write(before), Sync);
    assert_eq!(epochs.sync_done(true), (Waiting::None, Nothing));
    assert_eq!(epochs.complete_write(after), Nothing);
}

#[test]
fn a_flush_joins_a_round_that_drains_if_that_covers_all() {
    let mut epochs = epochs();
    let before = epochs.accept_write();
    assert_eq!(epochs.accept_flush(), Ok((Current, Nothing)));
    assert_eq!(epochs.accept_flush(), Ok((Current, Nothing)));
    let between = epochs.accept_write();
    waits(&mut epochs);
    assert_eq!(epochs.complete_write(between), Nothing);
    assert_eq!(epochs.accept_flush(), Ok((Current, Nothing)));
    assert_eq!(epochs.complete_write(before), Sync);
    let next = waits(&mut epochs);
    assert_eq!(epochs.sync_done(true), (Waiting::Promoted(next), Sync));
    assert_eq!(epochs.sync_done(true), (Waiting::None, Nothing));
}

#[test]
fn the_next_round_waits_for_its_own_writes() {
    let mut epochs = epochs();
    assert_eq!(epochs.accept_flush(), Ok((Current, Sync)));
    let write = epochs.accept_write();
    let next = waits(&mut epochs);
    assert_eq!(epochs.sync_done(true), (Waiting::Promoted(next), Nothing));
    let later = epochs.accept_write();
    assert_eq!(epochs.complete_write(write), Sync);
    assert_eq!(epochs.sync_done(true), (Waiting::None, Nothing));
    assert_eq!(epochs.complete_write(later), Nothing);
}

#[test]
fn a_failed_fsync_fails_those_that_wait() {
    let mut epochs = epochs();
    assert_eq!(epochs.accept_flush(), Ok((Current, Sync)));
    let write = epochs.accept_write();
    waits(&mut epochs);
    assert_eq!(epochs.sync_done(false), (Waiting::Fail, Nothing));
    // The write belongs to the next flush now.
    assert_eq!(epochs.accept_flush(), Ok((Current, Nothing)));
    assert_eq!(epochs.complete_write(write), Sync);
    assert_eq!(epochs.sync_done(true), (Waiting::None, Nothing));
}

#[test]
fn a_flush_that_waits_while_draining_is_not_forgotten() {
    let mut epochs = epochs();
    let before = epochs.accept_write();
    assert_eq!(epochs.accept_flush(), Ok((Current, Nothing)));
    let after = epochs.accept_write();
    let next = waits(&mut epochs);
    assert_eq!(epochs.complete_write(before), Sync);
    assert_eq!(epochs.sync_done(true), (Waiting::Promoted(next), Nothing));
    assert_eq!(epochs.complete_write(after), Sync);
    assert_eq!(epochs.sync_done(true), (Waiting::None, Nothing));
}

#[test]
fn a_barrier_holds_later_writes_until_its_round_has_ended() {
    let mut epochs = epochs();
    epochs.set_mode(FlushMode::Barrier);
    let before = epochs.accept_write();
    assert!(!epochs.is_held(&before));
    assert_eq!(epochs.accept_flush(), Ok((Current, Nothing)));
    assert!(!epochs.is_held(&before));
    let after = epochs.accept_write();
    assert!(epochs.is_held(&after));
    assert_eq!(epochs.complete_write(before), Sync);
    assert!(epochs.is_held(&after));
    assert_eq!(epochs.sync_done(true), (Waiting::None, Nothing));
    assert!(!epochs.is_held(&after));
}

#[test]
fn a_barrier_that_waits_for_another_holds_later_writes_longer() {
    let mut epochs = syncing_barrier();
    let between = epochs.accept_write();
    let next = waits(&mut epochs);
    let after = epochs.accept_write();
    assert!(epochs.is_held(&between) && epochs.is_held(&after));
    assert_eq!(epochs.sync_done(true), (Waiting::Promoted(next), Nothing));
    assert!(!epochs.is_held(&between));
    assert!(epochs.is_held(&after));
    assert_eq!(epochs.complete_write(between), Sync);
    assert_eq!(epochs.sync_done(true), (Waiting::None, Nothing));
    assert!(!epochs.is_held(&after));
}

#[test]
fn barriers_wait_one_behind_the_other() {
    let mut epochs = syncing_barrier();
    let first = epochs.accept_write();
    let second_round = waits(&mut epochs);
    let second = epochs.accept_write();
    let third_round = waits(&mut epochs);
    assert_ne!(second_round, third_round);
    // There is nothing in between.
    assert_eq!(waits(&mut epochs), third_round);
    assert_eq!(
        epochs.sync_done(true),
        (Waiting::Promoted(second_round), Nothing)
    );
    assert!(!epochs.is_held(&first) && epochs.is_held(&second));
    assert_eq!(epochs.complete_write(first), Sync);
    assert_eq!(
        epochs.sync_done(true),
        (Waiting::Promoted(third_round), Nothing)
    );
    assert!(!epochs.is_held(&second));
    assert_eq!(epochs.complete_write(second), Sync);
    assert_eq!(epochs.sync_done(true), (Waiting::None, Nothing));
}

#[test]
fn a_failed_fsync_lets_all_held_writes_begin_and_the_next_flush_waits_for_them() {
    let mut epochs = syncing_barrier();
    let first = epochs.accept_write();
    waits(&mut epochs);
    let second = epochs.accept_write();
    assert_eq!(epochs.sync_done(false), (Waiting::Fail, Nothing));
    let third = epochs.accept_write();
    assert!([&first, &second, &third]
        .iter()
        .all(|write| !epochs.is_held(write)));
    assert_eq!(epochs.accept_flush(), Ok((Current, Nothing)));
    assert_eq!(epochs.complete_write(second), Nothing);
    assert_eq!(epochs.complete_write(third), Nothing);
    assert_eq!(epochs.complete_write(first), Sync);
    assert_eq!(epochs.sync_done(true), (Waiting::None, Nothing));
}

#[test]
fn more_barriers_than_there_is_room_for_are_not_accepted() {
    let mut epochs = syncing_barrier();
    let first = epochs.accept_write();
    let second_round = waits(&mut epochs);
    let second = epochs.accept_write();
    waits(&mut epochs);
    let third = epochs.accept_write();
    assert_eq!(epochs.accept_flush(), Err(Full));
    // Nothing has come of it.
    assert_eq!(
        epochs.sync_done(true),
        (Waiting::Promoted(second_round), Nothing)
    );
    assert!(!epochs.is_held(&first) && epochs.is_held(&second) && epochs.is_held(&third));
    assert_eq!(epochs.complete_write(first), Sync);
    waits(&mut epochs);
}

#[test]
fn without_room_for_any_epoch_there_is_one() {
    let mut epochs = Epochs::new(Vec::new());
    let write = epochs.accept_write();
    assert_eq!(epochs.accept_flush(), Ok((Current, Nothing)));
    assert_eq!(epochs.complete_write(write), Sync);
    assert_eq!(epochs.sync_done(true), (Waiting::None, Nothing));
}

#[test]
fn names_of_modes() {
    for mode in [FlushMode::Drain, FlushMode::Barrier] {
        assert_eq!(FlushMode::parse(mode.as_str()), Some(mode));
        assert!(FlushMode::ALLOWED.contains(mode.as_str()));
    }
    assert_eq!(FlushMode::parse("barriers"), None);
    assert_eq!(epochs().mode(), FlushMode::default());
}

/// A driver that is wrong does no harm here: no panic, no second fsync.
#[test]
fn events_that_cannot_be_are_ignored() {
    let mut epochs = epochs();
    assert_eq!(epochs.sync_done(true), (Waiting::None, Nothing));
    assert_eq!(epochs.sync_done(false), (Waiting::None, Nothing));
    let write = epochs.accept_write();
    assert_eq!(epochs.accept_flush(), Ok((Current, Nothing)));
    assert_eq!(epochs.sync_done(true), (Waiting::None, Nothing));

    // Tickets of another machine: of an open epoch that is empty, ...
    let mut other = self::epochs();
    assert_eq!(other.complete_write(write), Nothing);
    // ... and of one that was closed.
    let stray = self::epochs().accept_write();
    assert_eq!(other.accept_flush(), Ok((Current, Sync)));
    assert_eq!(other.complete_write(stray), Nothing);
    assert_eq!(other.sync_done(true), (Waiting::None, Nothing));
}

proptest! {
    /// Long runs, with few or many requests in flight.
    #[test]
    fn random_runs(
        choices in prop::collection::vec((0..4u8, any::<prop::sample::Index>()), 0..400),
        depth in 1..40usize,
        room in 1..6usize,
        barriers in any::<bool>(),
    ) {
        let mode = if barriers { FlushMode::Barrier } else { FlushMode::Drain };
        let mut sim = Sim::replay(mode, room, &[]).expect("no event");
        let mut trace = Vec::new();
        let mut in_flight = 0usize;
        for (kind, index) in choices {
            let mut events = sim.enabled(usize::MAX, usize::MAX);
            events.retain(|event| match event {
                Event::AcceptWrite => kind == 0 && in_flight < depth,
                Event::CompleteWrite(_) => kind == 1,
                Event::AcceptFlush => kind == 2,
                Event::SyncDone(_) => kind == 3,
            });
            if events.is_empty() {
                continue;
            }
            let event = *index.get(&events);
            match event {
                Event::AcceptWrite => in_flight += 1,
                Event::CompleteWrite(_) => in_flight -= 1,
                Event::AcceptFlush | Event::SyncDone(_) => {}
            }
            trace.push(event);
            if let Err(what) = sim.step(event) {
                prop_assert!(false, "{}, after {:?}", what, trace);
            }
        }
        let replay = || Sim::replay(mode, room, &trace).expect("as before");
        prop_assert_eq!(replay().round_ends_without_later_writes(), Ok(()));
        prop_assert_eq!(replay().all_ends(), Ok(()));
    }
}
