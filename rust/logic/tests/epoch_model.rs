// SPDX-License-Identifier: GPL-2.0

//! The drain, exhaustively: all interleavings of a few writes, flushes and
//! fsyncs that succeed or fail, breadth first. So what is found first is a
//! shortest way to break a promise.

mod sim;

use std::collections::{
    HashSet,
    VecDeque, //
};

use rloop_logic::epoch::FlushMode;
use sim::{
    Event,
    Sim, //
};

/// All of what has to hold after `trace`; the state's name, and what can happen
/// next.
fn visit(
    mode: FlushMode,
    room: usize,
    trace: &[Event],
    writes: usize,
    flushes: usize,
) -> Result<(String, Vec<Event>), String> {
    let replay = || Sim::replay(mode, room, trace);
    replay()?.round_ends_without_later_writes()?;
    replay()?.all_ends()?;
    let sim = replay()?;
    Ok((format!("{sim:?}"), sim.enabled(writes, flushes)))
}

/// Visits every state that can be reached; returns how many there are.
fn explore(mode: FlushMode, room: usize, writes: usize, flushes: usize) -> usize {
    let mut seen = HashSet::new();
    let mut queue = VecDeque::from([Vec::new()]);
    while let Some(trace) = queue.pop_front() {
        let (name, events) = match visit(mode, room, &trace, writes, flushes) {
            Ok(state) => state,
            Err(what) => panic!("{what}, after {trace:?}"),
        };
        if !seen.insert(name) {
            continue;
        }
        for event in events {
            let mut longer = trace.clone();
            longer.push(event);
            queue.push_back(longer);
        }
    }
    seen.len()
}

#[test]
fn all_small_configurations() {
    for mode in [FlushMode::Drain, FlushMode::Barrier] {
        for writes in 0..=3 {
            for flushes in 0..=4 {
                for room in 1..=flushes.max(1) {
                    let states = explore(mode, room, writes, flushes);
                    println!(
                        "{mode:?}, {writes} writes, {flushes} flushes, \
                         {room} at once: {states} states"
                    );
                    // So that a mistake in `enabled` does not go unnoticed.
                    assert!(states > 2 * (writes + flushes));
                }
            }
        }
    }
}
