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

#[test]
fn without_writes_a_flush_syncs_at_once() {
    let mut epochs = Epochs::new();
    assert_eq!(epochs.accept_flush(), (Current, Sync));
    assert_eq!(epochs.sync_done(true), (Waiting::None, Nothing));
    assert_eq!(epochs.accept_flush(), (Current, Sync));
    assert_eq!(epochs.sync_done(false), (Waiting::None, Nothing));
}

#[test]
fn completed_writes_are_not_waited_for() {
    let mut epochs = Epochs::new();
    let write = epochs.accept_write().expect("no barriers");
    assert_eq!(epochs.complete_write(write), Nothing);
    assert_eq!(epochs.accept_flush(), (Current, Sync));
}

#[test]
fn a_flush_waits_for_the_last_write_before_it() {
    let mut epochs = Epochs::new();
    let first = epochs.accept_write().expect("no barriers");
    let second = epochs.accept_write().expect("no barriers");
    assert_eq!(epochs.accept_flush(), (Current, Nothing));
    assert_eq!(epochs.complete_write(second), Nothing);
    assert_eq!(epochs.complete_write(first), Sync);
}

#[test]
fn a_flush_waits_for_no_later_write() {
    let mut epochs = Epochs::new();
    let before = epochs.accept_write().expect("no barriers");
    assert_eq!(epochs.accept_flush(), (Current, Nothing));
    let after = epochs.accept_write().expect("no barriers");
    assert_eq!(epochs.complete_write(before), Sync);
    assert_eq!(epochs.sync_done(true), (Waiting::None, Nothing));
    assert_eq!(epochs.complete_write(after), Nothing);
}

#[test]
fn a_flush_joins_a_round_that_drains_if_that_covers_all() {
    let mut epochs = Epochs::new();
    let before = epochs.accept_write().expect("no barriers");
    assert_eq!(epochs.accept_flush(), (Current, Nothing));
    assert_eq!(epochs.accept_flush(), (Current, Nothing));
    let between = epochs.accept_write().expect("no barriers");
    assert_eq!(epochs.accept_flush(), (Next, Nothing));
    assert_eq!(epochs.complete_write(between), Nothing);
    assert_eq!(epochs.accept_flush(), (Current, Nothing));
    assert_eq!(epochs.complete_write(before), Sync);
    assert_eq!(epochs.accept_flush(), (Next, Nothing));
    assert_eq!(epochs.sync_done(true), (Waiting::Promoted, Sync));
    assert_eq!(epochs.sync_done(true), (Waiting::None, Nothing));
}

#[test]
fn the_next_round_waits_for_its_own_writes() {
    let mut epochs = Epochs::new();
    assert_eq!(epochs.accept_flush(), (Current, Sync));
    let write = epochs.accept_write().expect("no barriers");
    assert_eq!(epochs.accept_flush(), (Next, Nothing));
    assert_eq!(epochs.sync_done(true), (Waiting::Promoted, Nothing));
    let later = epochs.accept_write().expect("no barriers");
    assert_eq!(epochs.complete_write(write), Sync);
    assert_eq!(epochs.sync_done(true), (Waiting::None, Nothing));
    assert_eq!(epochs.complete_write(later), Nothing);
}

#[test]
fn a_failed_fsync_fails_those_that_wait() {
    let mut epochs = Epochs::new();
    assert_eq!(epochs.accept_flush(), (Current, Sync));
    let write = epochs.accept_write().expect("no barriers");
    assert_eq!(epochs.accept_flush(), (Next, Nothing));
    assert_eq!(epochs.sync_done(false), (Waiting::Fail, Nothing));
    // The write belongs to the next flush now.
    assert_eq!(epochs.accept_flush(), (Current, Nothing));
    assert_eq!(epochs.complete_write(write), Sync);
    assert_eq!(epochs.sync_done(true), (Waiting::None, Nothing));
}

#[test]
fn a_flush_that_waits_while_draining_is_not_forgotten() {
    let mut epochs = Epochs::default();
    let before = epochs.accept_write().expect("no barriers");
    assert_eq!(epochs.accept_flush(), (Current, Nothing));
    let after = epochs.accept_write().expect("no barriers");
    assert_eq!(epochs.accept_flush(), (Next, Nothing));
    assert_eq!(epochs.complete_write(before), Sync);
    assert_eq!(epochs.sync_done(true), (Waiting::Promoted, Nothing));
    assert_eq!(epochs.complete_write(after), Sync);
    assert_eq!(epochs.sync_done(true), (Waiting::None, Nothing));
}

#[test]
fn a_barrier_holds_later_writes_until_its_round_has_ended() {
    let mut epochs = Epochs::new();
    epochs.set_mode(FlushMode::Barrier);
    let before = epochs.accept_write().expect("no flush");
    assert!(!epochs.is_held(&before));
    assert_eq!(epochs.accept_flush(), (Current, Nothing));
    assert!(!epochs.is_held(&before));
    let after = epochs.accept_write().expect("no flush waits");
    assert!(epochs.is_held(&after));
    assert_eq!(epochs.complete_write(before), Sync);
    assert!(epochs.is_held(&after));
    assert_eq!(epochs.sync_done(true), (Waiting::None, Nothing));
    assert!(!epochs.is_held(&after));
}

#[test]
fn a_barrier_that_waits_for_another_refuses_writes() {
    let mut epochs = Epochs::new();
    epochs.set_mode(FlushMode::Barrier);
    assert_eq!(epochs.accept_flush(), (Current, Sync));
    let between = epochs.accept_write().expect("no flush waits");
    assert_eq!(epochs.accept_flush(), (Next, Nothing));
    assert!(epochs.accept_write().is_none());
    assert_eq!(epochs.sync_done(true), (Waiting::Promoted, Nothing));
    assert!(!epochs.is_held(&between));
    let after = epochs.accept_write().expect("no flush waits");
    assert!(epochs.is_held(&after));
    assert_eq!(epochs.complete_write(between), Sync);
    assert_eq!(epochs.sync_done(false), (Waiting::None, Nothing));
    assert!(!epochs.is_held(&after));
}

#[test]
fn names_of_modes() {
    for mode in [FlushMode::Drain, FlushMode::Barrier] {
        assert_eq!(FlushMode::parse(mode.as_str()), Some(mode));
        assert!(FlushMode::ALLOWED.contains(mode.as_str()));
    }
    assert_eq!(FlushMode::parse("barriers"), None);
    assert_eq!(Epochs::new().mode(), FlushMode::default());
}

/// A driver that is wrong does no harm here: no panic, no second fsync.
#[test]
fn events_that_cannot_be_are_ignored() {
    let mut epochs = Epochs::new();
    assert_eq!(epochs.sync_done(true), (Waiting::None, Nothing));
    assert_eq!(epochs.sync_done(false), (Waiting::None, Nothing));
    let write = epochs.accept_write().expect("no barriers");
    assert_eq!(epochs.accept_flush(), (Current, Nothing));
    assert_eq!(epochs.sync_done(true), (Waiting::None, Nothing));

    // Tickets of another machine: of an open epoch that is empty, ...
    let mut other = Epochs::new();
    assert_eq!(other.complete_write(write), Nothing);
    // ... and of one that was closed.
    let stray = Epochs::new().accept_write().expect("no barriers");
    assert_eq!(other.accept_flush(), (Current, Sync));
    assert_eq!(other.complete_write(stray), Nothing);
    assert_eq!(other.sync_done(true), (Waiting::None, Nothing));
}

proptest! {
    /// Long runs, with few or many requests in flight.
    #[test]
    fn random_runs(
        choices in prop::collection::vec((0..4u8, any::<prop::sample::Index>()), 0..400),
        depth in 1..40usize,
        barriers in any::<bool>(),
    ) {
        let mode = if barriers { FlushMode::Barrier } else { FlushMode::Drain };
        let mut sim = Sim::replay(mode, &[]).expect("no event");
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
        let replay = || Sim::replay(mode, &trace).expect("as before");
        prop_assert_eq!(replay().round_ends_without_later_writes(), Ok(()));
        prop_assert_eq!(replay().all_ends(), Ok(()));
    }
}
