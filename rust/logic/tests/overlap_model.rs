// SPDX-License-Identifier: GPL-2.0

//! The order, exhaustively: all small sets of requests over a few cells, all
//! interleavings of their acceptance and completion, and requests
//! transferred as early or as late as may be.

mod overlap_sim;

use overlap_sim::{
    Event,
    Request,
    Sim, //
};
use rloop_logic::overlap::Access;

/// Which requests are transferred as soon as they may be. The others are when
/// they complete.
///
/// If one overtakes another, that shows when only the later one is early. There
/// is a choice here for any two of four.
const EARLY: [u32; 2] = [0b1010, 0b1100];

/// Something that happens to the request of this number.
#[derive(Clone, Copy, Debug)]
enum Move {
    Accept(u16),
    Complete(u16),
}

/// All orders in which so many requests, which are accepted by their numbers,
/// can be accepted and completed.
fn interleavings(requests: u16) -> Vec<Vec<Move>> {
    fn extend(requests: u16, next: u16, open: &[u16], path: &[Move], all: &mut Vec<Vec<Move>>) {
        if next == requests && open.is_empty() {
            all.push(path.to_vec());
        }
        if next < requests {
            let path = [path, &[Move::Accept(next)]].concat();
            extend(requests, next + 1, &[open, &[next]].concat(), &path, all);
        }
        for &done in open {
            let rest: Vec<_> = open.iter().copied().filter(|&n| n != done).collect();
            let path = [path, &[Move::Complete(done)]].concat();
            extend(requests, next, &rest, &path, all);
        }
    }
    let mut all = Vec::new();
    extend(requests, 0, &[], &[], &mut all);
    all
}

/// All requests over so many cells.
fn kinds(cells: usize) -> Vec<Request> {
    let mut kinds = Vec::new();
    for access in [Access::Read, Access::Write] {
        for from in 0..cells {
            for to in from + 1..=cells {
                kinds.push(Request { access, from, to });
            }
        }
    }
    kinds
}

/// All sequences of `length` of these.
fn sequences(kinds: &[Request], length: u16) -> Vec<Vec<Request>> {
    let mut all = vec![Vec::new()];
    for _ in 0..length {
        all = all
            .iter()
            .flat_map(|shorter| kinds.iter().map(|&kind| [&shorter[..], &[kind]].concat()))
            .collect();
    }
    all
}

/// Runs `path`, with the requests in `early` transferred early.
fn run(sim: &mut Sim, requests: &[Request], path: &[Move], early: u32) -> Result<(), String> {
    sim.format();
    for &step in path {
        sim.step(match step {
            Move::Accept(number) => Event::Accept(number, requests[usize::from(number)]),
            Move::Complete(number) => Event::Complete(number),
        })?;
        for slot in sim.busy(true) {
            if early & (1 << slot) != 0 {
                for _ in 0..sim.cells() {
                    sim.step(Event::Transfer(slot))?;
                }
            }
        }
    }
    sim.is_sequential()
}

/// Runs everything over these cells; returns how many runs there were.
fn explore(bounds: &[u64], requests: u16, paths: &[Vec<Move>]) -> usize {
    let mut sim = Sim::new(bounds.to_vec(), requests);
    let mut runs = 0;
    for sequence in sequences(&kinds(sim.cells()), requests) {
        for path in paths {
            for early in EARLY {
                if let Err(what) = run(&mut sim, &sequence, path, early) {
                    panic!("{what}, {sequence:?} by {path:?}, of which {early:#b} early");
                }
                runs += 1;
            }
        }
    }
    runs
}

#[test]
fn up_to_3_requests_at_the_edges_of_regions() {
    for bounds in [
        // Within a region, and across the edge of two.
        [0, 1, 2, 3],
        [6, 7, 8, 9],
        // One and two cells fit into a small region, three do not.
        [116, 120, 124, 128],
        [124, 128, 132, 136],
        // All three are a little too long for a region, and touch three of them.
        [7, 8, 16, 17],
        [127, 128, 256, 257],
        [2047, 2048, 4096, 4097],
        [32767, 32768, 65536, 65537],
        // From the smallest class to the largest.
        [120, 128, 65536, 65544],
        [0, 8, 1 << 31, (1 << 31) + 8],
        [
            (1 << 63) - (1 << 30),
            1 << 63,
            (1 << 63) + 1,
            (1 << 63) + (1 << 30),
        ],
    ] {
        let mut runs = 0;
        for requests in 0..=3 {
            runs += explore(&bounds, requests, &interleavings(requests));
        }
        // 12 kinds of requests; 1, 3 and 15 paths. So that a mistake does not
        // go unnoticed.
        assert_eq!(runs, (1 + 12 + 12 * 12 * 3 + 12 * 12 * 12 * 15) * 2);
    }
}

#[test]
fn four_requests_over_2_cells() {
    let runs = explore(&[4, 8, 12], 4, &interleavings(4));
    assert_eq!(runs, 6 * 6 * 6 * 6 * 105 * 2);
}

/// All at once, completed in any order.
#[test]
fn four_requests_over_3_cells() {
    let mut paths = interleavings(4);
    paths.retain(|path| path[..4].iter().all(|step| matches!(step, Move::Accept(_))));
    let runs = explore(&[4, 8, 12, 16], 4, &paths);
    assert_eq!(runs, 12 * 12 * 12 * 12 * 24 * 2);
}

/// The same, but completed also before others are accepted.
#[test]
#[ignore = "takes a minute"]
fn four_requests_over_3_cells_at_any_time() {
    let runs = explore(&[4, 8, 12, 16], 4, &interleavings(4));
    assert_eq!(runs, 12 * 12 * 12 * 12 * 105 * 2);
}
