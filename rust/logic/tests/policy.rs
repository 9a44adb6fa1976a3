// SPDX-License-Identifier: GPL-2.0

//! The error policies: their stories, and `rewrite` against a disk that loses
//! what it is told to write.

use proptest::prelude::*;
use rloop_logic::{
    errcursor::Errno,
    policy::{
        Generation,
        Health,
        Mode,
        Policy,
        Tracked, //
    },
    range_set::Range,
    units::Sectors, //
};

type Device = Health<Vec<Range>>;

const EIO: Errno = Errno::EIO;
const SIZE: Sectors = Sectors::new(100);

fn rewrite(room: usize) -> Mode<Vec<Range>> {
    let memory = || vec![Range::UNUSED; room];
    Mode::Rewrite(Tracked::new(memory(), memory(), memory()))
}

fn range(first: u64, length: u64) -> Range {
    Range::new(Sectors::new(first), Sectors::new(length))
}

fn write(device: &mut Device, first: u64, length: u64) {
    let begun = device.generation();
    device.write_done(range(first, length), begun, Ok(()));
}

fn flush(device: &mut Device, synced: Result<(), Errno>) -> Result<(), Errno> {
    device.sync_begins();
    device.sync_ended(synced)
}

#[test]
fn names() {
    for policy in [Policy::Report, Policy::Sticky, Policy::Rewrite] {
        assert_eq!(Policy::parse(policy.as_str()), Some(policy));
        assert!(Policy::ALLOWED.contains(policy.as_str()));
    }
    assert_eq!(Policy::parse(""), None);
    assert_eq!(Policy::parse("Report"), None);
}

#[test]
fn report_tells_once_and_remembers() {
    let mut device = Device::new(Mode::Report);
    write(&mut device, 0, 8);
    assert_eq!(flush(&mut device, Err(EIO)), Err(EIO));
    assert_eq!(flush(&mut device, Ok(())), Ok(()));
    assert_eq!((device.refuses(), device.failure()), (None, Some(EIO)));
    device.reset();
    assert_eq!(device.failure(), None);
}

#[test]
fn sticky_refuses_until_reset() {
    let mut device = Device::new(Mode::Sticky);
    assert_eq!(device.refuses(), None);
    assert_eq!(flush(&mut device, Err(EIO)), Err(EIO));
    assert_eq!(device.refuses(), Some(EIO));
    assert_eq!(flush(&mut device, Ok(())), Err(EIO));
    assert_eq!(flush(&mut device, Err(Errno::new(28))), Err(EIO));
    device.reset();
    assert_eq!(device.refuses(), None);
    assert_eq!(flush(&mut device, Ok(())), Ok(()));
}

#[test]
fn sticky_begins_with_a_write_that_fails_too() {
    let mut device = Device::new(Mode::Sticky);
    device.write_done(range(0, 1), device.generation(), Err(Errno::new(28)));
    device.write_done(range(0, 1), device.generation(), Err(EIO));
    assert_eq!(device.refuses(), Some(Errno::new(28)));
}

#[test]
fn rewrite_heals_by_rewriting_and_a_flush() {
    let mut device = Device::new(rewrite(4));
    write(&mut device, 0, 8);
    write(&mut device, 16, 8);
    assert_eq!(flush(&mut device, Err(EIO)), Err(EIO));
    assert_eq!(device.suspect(), [range(0, 8), range(16, 8)]);
    assert_eq!(flush(&mut device, Ok(())), Err(EIO));
    write(&mut device, 0, 8);
    assert_eq!(flush(&mut device, Ok(())), Err(EIO));
    assert_eq!(device.suspect(), [range(16, 8)]);
    write(&mut device, 16, 8);
    assert_eq!(device.suspect(), []);
    // What was rewritten is not stable yet.
    assert_eq!(flush(&mut device, Err(EIO)), Err(EIO));
    assert_eq!(device.suspect(), [range(16, 8)]);
    write(&mut device, 16, 8);
    assert_eq!(flush(&mut device, Ok(())), Ok(()));
    assert_eq!(device.failure(), None);
}

#[test]
fn a_rewrite_that_fails_heals_nothing() {
    let mut device = Device::new(rewrite(4));
    write(&mut device, 0, 8);
    assert_eq!(flush(&mut device, Err(EIO)), Err(EIO));
    device.write_done(range(0, 8), device.generation(), Err(EIO));
    assert_eq!(flush(&mut device, Ok(())), Err(EIO));
}

#[test]
fn a_write_in_flight_during_the_failure_is_no_rewrite() {
    let mut device = Device::new(rewrite(4));
    let begun = device.generation();
    assert_eq!(flush(&mut device, Err(EIO)), Err(EIO));
    device.write_done(range(0, 8), begun, Ok(()));
    assert_eq!(device.suspect(), [range(0, 8)]);
    assert_eq!(flush(&mut device, Ok(())), Err(EIO));
}

#[test]
fn a_rewrite_during_a_sync_is_stable_with_the_next() {
    let mut device = Device::new(rewrite(4));
    write(&mut device, 0, 8);
    assert_eq!(flush(&mut device, Err(EIO)), Err(EIO));
    device.sync_begins();
    write(&mut device, 0, 8);
    assert_eq!(device.sync_ended(Ok(())), Err(EIO));
    assert_eq!(flush(&mut device, Ok(())), Ok(()));
}

#[test]
fn a_reset_during_a_sync_counts() {
    let mut device = Device::new(rewrite(4));
    write(&mut device, 0, 8);
    assert_eq!(flush(&mut device, Err(EIO)), Err(EIO));
    device.sync_begins();
    device.reset();
    assert_eq!(device.sync_ended(Ok(())), Ok(()));
}

#[test]
fn what_was_in_flight_at_a_reset_is_forgiven() {
    let mut device = Device::new(rewrite(4));
    let begun = device.generation();
    assert_eq!(flush(&mut device, Err(EIO)), Err(EIO));
    device.reset();
    device.write_done(range(0, 8), begun, Ok(()));
    assert_eq!(flush(&mut device, Ok(())), Ok(()));
}

#[test]
fn switched_on_late_everything_counts_as_written() {
    let mut device = Device::new(Mode::Report);
    device.switch(rewrite(4), SIZE);
    assert_eq!(flush(&mut device, Err(EIO)), Err(EIO));
    assert_eq!(device.suspect(), [range(0, 100)]);
}

#[test]
fn what_has_failed_stays_failed_when_switched() {
    let mut device = Device::new(Mode::Report);
    assert_eq!(flush(&mut device, Err(EIO)), Err(EIO));
    device.switch(Mode::Sticky, SIZE);
    assert_eq!(device.refuses(), Some(EIO));
    device.switch(rewrite(4), SIZE);
    assert_eq!(device.refuses(), None);
    assert_eq!(flush(&mut device, Ok(())), Err(EIO));
    write(&mut device, 0, 100);
    assert_eq!(flush(&mut device, Ok(())), Ok(()));
    device.switch(Mode::Sticky, SIZE);
    assert_eq!(device.refuses(), None);
}

#[test]
fn when_sectors_move_all_is_suspect_if_some_are() {
    let mut device = Device::new(rewrite(4));
    device.moved(SIZE);
    assert_eq!(flush(&mut device, Ok(())), Ok(()));
    write(&mut device, 3, 1);
    assert_eq!(flush(&mut device, Err(EIO)), Err(EIO));
    device.moved(SIZE);
    assert_eq!(device.suspect(), [range(0, 100)]);
}

const SECTORS: usize = 8;

#[derive(Clone, Copy, Debug)]
enum Event {
    WriteBegins(usize, usize),
    /// The data of a write gets into the cache.
    WriteHits(usize),
    WriteEnds(usize),
    /// The writeback of a sector fails if it is dirty.
    Lose(usize),
    /// All writes that are complete are covered.
    SyncBegins,
    /// It writes what is dirty and looks for errors.
    SyncChecks,
    SyncEnds,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        3 => (0..SECTORS, 1usize..4).prop_map(|(first, n)| Event::WriteBegins(first, n)),
        3 => (0usize..4).prop_map(Event::WriteHits),
        3 => (0usize..4).prop_map(Event::WriteEnds),
        2 => (0..SECTORS).prop_map(Event::Lose),
        2 => Just(Event::SyncBegins),
        2 => Just(Event::SyncChecks),
        2 => Just(Event::SyncEnds),
    ]
}

struct Write {
    first: usize,
    end: usize,
    begun: Generation,
    /// Its place among all writes, once it has hit the cache.
    version: Option<usize>,
}

proptest! {
    // What matters is rare: 256 cases found a mistake once in several hundred runs.
    #![proptest_config(ProptestConfig::with_cases(16384))]

    /// A flush that succeeds: everything acknowledged before it began is on the disk.
    #[test]
    fn rewrite_never_lies(
        room in 1usize..5,
        events in prop::collection::vec(event(), 0..120),
    ) {
        let mut device = Device::new(rewrite(room));
        let mut writes: Vec<Write> = Vec::new();
        let mut versions = 0;
        let (mut cache, mut disk) = ([0usize; SECTORS], [0usize; SECTORS]);
        let (mut dirty, mut acknowledged) = ([false; SECTORS], [0usize; SECTORS]);
        let mut recorded = false;
        let mut promised = None;
        let mut checked = None;
        for event in events {
            match event {
                Event::WriteBegins(first, count) => {
                    let end = (first + count).min(SECTORS);
                    // P7: what overlaps waits.
                    if writes.iter().all(|w| w.end <= first || end <= w.first) {
                        writes.push(Write { first, end, begun: device.generation(), version: None });
                    }
                }
                Event::WriteHits(number) => {
                    if let Some(write) = writes.get_mut(number) {
                        if write.version.is_none() {
                            versions += 1;
                            write.version = Some(versions);
                            cache[write.first..write.end].fill(versions);
                            dirty[write.first..write.end].fill(true);
                        }
                    }
                }
                Event::WriteEnds(number) => {
                    if writes.get(number).is_some_and(|write| write.version.is_some()) {
                        let write = writes.remove(number);
                        acknowledged[write.first..write.end].fill(write.version.unwrap());
                        device.write_done(
                            range(write.first as u64, (write.end - write.first) as u64),
                            write.begun,
                            Ok(()),
                        );
                    }
                }
                Event::Lose(sector) => {
                    recorded |= dirty[sector];
                    dirty[sector] = false;
                }
                Event::SyncBegins => {
                    if promised.is_none() {
                        promised = Some(acknowledged);
                        device.sync_begins();
                    }
                }
                Event::SyncChecks => {
                    if promised.is_some() && checked.is_none() {
                        for sector in 0..SECTORS {
                            if dirty[sector] {
                                disk[sector] = cache[sector];
                            }
                        }
                        dirty = [false; SECTORS];
                        checked = Some(if recorded { Err(EIO) } else { Ok(()) });
                        recorded = false;
                    }
                }
                Event::SyncEnds => {
                    let Some(synced) = checked.take() else { continue };
                    let Some(promised) = promised.take() else { continue };
                    if device.sync_ended(synced).is_ok() {
                        for sector in 0..SECTORS {
                            prop_assert!(
                                disk[sector] >= promised[sector],
                                "sector {} has version {} instead of {}",
                                sector, disk[sector], promised[sector],
                            );
                        }
                    }
                }
            }
        }
        // And it can be healed.
        while let Some(write) = writes.pop() {
            let end = (write.first as u64, (write.end - write.first) as u64);
            device.write_done(range(end.0, end.1), write.begun, Ok(()));
        }
        if promised.is_some() {
            let _ = device.sync_ended(Ok(()));
        }
        write_all(&mut device);
        prop_assert_eq!(flush(&mut device, Ok(())), Ok(()));
        prop_assert_eq!(device.failure(), None);
    }
}

fn write_all(device: &mut Device) {
    for sector in 0..SECTORS {
        write(device, sector as u64, 1);
    }
}
