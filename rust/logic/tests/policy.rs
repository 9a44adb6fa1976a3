// SPDX-License-Identifier: GPL-2.0

//! The error policies: their stories, and `rewrite` against a disk that loses
//! what it is told to write.

use proptest::prelude::*;
use rloop_logic::{
    errcursor::{
        judge_stable_write,
        ErrCursor,
        Errno,
        Position, //
    },
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
    device.moved(SIZE, true);
    assert_eq!(flush(&mut device, Ok(())), Ok(()));
    write(&mut device, 3, 1);
    assert_eq!(flush(&mut device, Err(EIO)), Err(EIO));
    device.moved(SIZE, true);
    assert_eq!(device.suspect(), [range(0, 100)]);
}

#[test]
fn what_is_lost_after_a_reset_is_suspect() {
    let mut device = Device::new(rewrite(4));
    device.sync_begins();
    // The failing sync has come too early for it: it is not lost, but not stable.
    write(&mut device, 0, 8);
    assert_eq!(device.sync_ended(Err(EIO)), Err(EIO));
    device.reset();
    assert_eq!(flush(&mut device, Err(EIO)), Err(EIO));
    assert_eq!(flush(&mut device, Ok(())), Err(EIO));
}

#[test]
fn what_a_window_does_not_show_stays_lost() {
    // The part that is shown afterwards: none of the file, or less of it.
    for size in [0, 10] {
        let mut device = Device::new(rewrite(4));
        write(&mut device, 50, 1);
        assert_eq!(flush(&mut device, Err(EIO)), Err(EIO));
        device.moved(Sectors::new(size), false);
        write(&mut device, 0, size);
        let _ = flush(&mut device, Ok(()));
        device.moved(SIZE, true);
        write(&mut device, 0, SIZE.get());
        assert_eq!(flush(&mut device, Ok(())), Err(EIO), "{size} sectors");
        device.reset();
        assert_eq!(flush(&mut device, Ok(())), Ok(()), "{size} sectors");
    }
}

#[test]
fn rewrite_forgets_what_was_cut_off() {
    let mut device = Device::new(rewrite(4));
    write(&mut device, 4, 2);
    write(&mut device, 50, 10);
    assert_eq!(flush(&mut device, Err(EIO)), Err(EIO));
    device.ends_at(Sectors::new(52));
    assert_eq!(device.suspect(), [range(4, 2), range(50, 2)]);
    write(&mut device, 4, 2);
    write(&mut device, 50, 2);
    assert_eq!(flush(&mut device, Ok(())), Ok(()));
}

#[test]
fn rewrite_does_not_suspect_later_what_was_cut_off_before() {
    let mut device = Device::new(rewrite(4));
    write(&mut device, 4, 2);
    write(&mut device, 50, 10);
    device.sync_begins();
    write(&mut device, 70, 1);
    device.ends_at(Sectors::new(40));
    assert_eq!(device.sync_ended(Err(EIO)), Err(EIO));
    assert_eq!(device.suspect(), [range(4, 2)]);
}

#[test]
fn rewrite_keeps_what_is_hidden_when_the_file_ends_earlier() {
    let mut device = Device::new(rewrite(4));
    write(&mut device, 50, 10);
    assert_eq!(flush(&mut device, Err(EIO)), Err(EIO));
    device.moved(Sectors::new(10), false);
    device.ends_at(Sectors::new(5));
    assert_eq!(device.suspect(), [range(0, 5), Range::last()]);
}

#[test]
fn what_a_window_did_not_show_may_be_lost_later() {
    let mut device = Device::new(rewrite(4));
    write(&mut device, 50, 1);
    device.moved(Sectors::new(10), false);
    assert_eq!(flush(&mut device, Err(EIO)), Err(EIO));
    write(&mut device, 0, 10);
    assert_eq!(flush(&mut device, Ok(())), Err(EIO));
}

/// Sectors of the file.
const SECTORS: usize = 8;

#[derive(Clone, Copy, Debug)]
enum Event {
    /// `stable`: a FUA write, which looks for errors itself when it ends.
    WriteBegins {
        first: usize,
        count: usize,
        stable: bool,
    },
    /// The data of a write gets into the cache.
    WriteHits(usize),
    WriteEnds(usize),
    /// It ends with an error, whether its data got into the cache or not.
    WriteFails(usize),
    /// The writeback of a sector fails if it is dirty.
    Lose(usize),
    /// All writes that are complete are covered.
    SyncBegins,
    /// It writes what is dirty and looks for errors.
    SyncChecks,
    /// It is judged by where the cursor is.
    SyncJudged,
    SyncEnds,
    /// What is lost by now shall count no longer.
    Reset,
    /// Another policy.
    Switch(Policy),
    /// Another part of the file is shown: the offset and the size.
    Move(usize, usize),
}

fn event() -> impl Strategy<Value = Event> {
    let policy = prop_oneof![
        1 => Just(Policy::Report),
        1 => Just(Policy::Sticky),
        3 => Just(Policy::Rewrite),
    ];
    prop_oneof![
        12 => (0..SECTORS, 1usize..4, prop::bool::weighted(0.2))
            .prop_map(|(first, count, stable)| Event::WriteBegins { first, count, stable }),
        12 => (0usize..4).prop_map(Event::WriteHits),
        12 => (0usize..4).prop_map(Event::WriteEnds),
        2 => (0usize..4).prop_map(Event::WriteFails),
        8 => (0..SECTORS).prop_map(Event::Lose),
        8 => Just(Event::SyncBegins),
        8 => Just(Event::SyncChecks),
        8 => Just(Event::SyncJudged),
        8 => Just(Event::SyncEnds),
        2 => Just(Event::Reset),
        2 => policy.prop_map(Event::Switch),
        4 => (0..SECTORS, 1usize..=SECTORS).prop_map(|(offset, size)| Event::Move(offset, size)),
    ]
}

struct Write {
    /// In the file.
    first: usize,
    end: usize,
    begun: Generation,
    /// The cursor when a stable write was begun.
    stable: Option<Position>,
    /// It was refused by the policy.
    refused: Option<Errno>,
    /// Its place among all writes, once it has hit the cache.
    version: Option<usize>,
}

/// The file behind the device. Its cursor moves when somebody is told of an error.
struct File {
    cache: [usize; SECTORS],
    disk: [usize; SECTORS],
    dirty: [bool; SECTORS],
    /// What was in the cache when its writeback failed.
    lost: [usize; SECTORS],
    /// An error that nobody was told.
    recorded: bool,
    cursor: Position,
}

impl File {
    fn sync(&mut self, from: usize, to: usize) -> Result<(), Errno> {
        for sector in from..to {
            if core::mem::take(&mut self.dirty[sector]) {
                self.disk[sector] = self.cache[sector];
            }
        }
        if core::mem::take(&mut self.recorded) {
            self.cursor = self.cursor.after(EIO);
            return Err(EIO);
        }
        Ok(())
    }
}

/// Where the sync for flushes is.
enum Sync {
    None,
    /// With what was acknowledged when it began.
    Begun([usize; SECTORS]),
    Checked([usize; SECTORS], Result<(), Errno>),
    Judged([usize; SECTORS], Result<(), Errno>),
}

fn new_mode(policy: Policy, room: usize) -> Mode<Vec<Range>> {
    match policy {
        Policy::Report => Mode::Report,
        Policy::Sticky => Mode::Sticky,
        Policy::Rewrite => rewrite(room),
    }
}

proptest! {
    // What matters is rare: 256 cases found a mistake once in several hundred runs.
    #![proptest_config(ProptestConfig::with_cases(16384))]

    /// With `rewrite` a flush that succeeds: everything acknowledged before it began, of what
    /// the device shows, is on the disk, but for what was lost before a reset. With `sticky`
    /// nothing is acknowledged between a failure and a reset.
    #[test]
    fn rewrite_never_lies(
        room in 1usize..5,
        events in prop::collection::vec(event(), 0..160),
    ) {
        let mut device = Device::new(rewrite(room));
        let mut file = File {
            cache: [0; SECTORS],
            disk: [0; SECTORS],
            dirty: [false; SECTORS],
            lost: [0; SECTORS],
            recorded: false,
            cursor: Position::default(),
        };
        let mut cursor = ErrCursor::new(file.cursor);
        let mut writes: Vec<Write> = Vec::new();
        let mut versions = 0;
        let mut acknowledged = [0usize; SECTORS];
        let mut sync = Sync::None;
        let (mut offset, mut size, mut hidden) = (0, SECTORS, false);
        for event in events {
            let idle = writes.is_empty() && matches!(sync, Sync::None);
            match event {
                Event::WriteBegins { first, count, stable } => {
                    let (first, end) = (offset + first, (offset + first + count).min(offset + size));
                    // P7: what overlaps waits.
                    if first < end && writes.iter().all(|w| w.end <= first || end <= w.first) {
                        writes.push(Write {
                            first,
                            end,
                            begun: device.generation(),
                            stable: stable.then_some(file.cursor),
                            refused: device.refuses(),
                            version: None,
                        });
                    }
                }
                Event::WriteHits(number) => {
                    if let Some(write) = writes.get_mut(number) {
                        if write.version.is_none() && write.refused.is_none() {
                            versions += 1;
                            write.version = Some(versions);
                            file.cache[write.first..write.end].fill(versions);
                            file.dirty[write.first..write.end].fill(true);
                        }
                    }
                }
                Event::WriteEnds(number) | Event::WriteFails(number) => {
                    let fails = matches!(event, Event::WriteFails(_));
                    let ready = |w: &Write| fails || w.version.is_some() || w.refused.is_some();
                    if !writes.get(number).is_some_and(ready) {
                        continue;
                    }
                    let write = writes.remove(number);
                    if write.refused.is_some() {
                        // Nobody has tried it.
                        continue;
                    }
                    let mut result = if fails { Err(EIO) } else { Ok(()) };
                    if let (Ok(()), Some(before)) = (result, write.stable) {
                        let told = file.sync(write.first, write.end);
                        result = judge_stable_write(told, before, file.cursor);
                    }
                    device.write_done(
                        range((write.first - offset) as u64, (write.end - write.first) as u64),
                        write.begun,
                        result,
                    );
                    if let (Ok(()), Some(version)) = (result, write.version) {
                        acknowledged[write.first..write.end].fill(version);
                    }
                }
                Event::Lose(sector) => {
                    if core::mem::take(&mut file.dirty[sector]) {
                        file.lost[sector] = file.cache[sector];
                        file.recorded = true;
                    }
                }
                Event::SyncBegins => {
                    if matches!(sync, Sync::None) {
                        sync = Sync::Begun(acknowledged);
                        device.sync_begins();
                    }
                }
                Event::SyncChecks => {
                    if let Sync::Begun(promised) = sync {
                        sync = Sync::Checked(promised, file.sync(0, SECTORS));
                    }
                }
                Event::SyncJudged => {
                    if let Sync::Checked(promised, synced) = sync {
                        sync = Sync::Judged(promised, cursor.judge(synced, file.cursor));
                    }
                }
                Event::SyncEnds => {
                    let Sync::Judged(promised, judged) = sync else { continue };
                    sync = Sync::None;
                    let result = device.sync_ended(judged);
                    prop_assert!(result.is_err() || judged.is_ok(), "an error is hidden");
                    if result.is_ok() && device.policy() == Policy::Rewrite {
                        let shown = promised.iter().enumerate().skip(offset).take(size);
                        for (sector, &version) in shown {
                            prop_assert!(
                                file.disk[sector] >= version,
                                "sector {} has version {} instead of {}",
                                sector, file.disk[sector], version,
                            );
                        }
                    }
                }
                Event::Reset => {
                    device.reset();
                    for sector in 0..SECTORS {
                        file.disk[sector] = file.disk[sector].max(file.lost[sector]);
                    }
                }
                Event::Switch(policy) => {
                    if idle && policy != device.policy() {
                        device.switch(new_mode(policy, room), Sectors::new(size as u64));
                    }
                }
                Event::Move(to, count) => {
                    let count = count.min(SECTORS - to);
                    if idle && (offset, size) != (to, count) {
                        let covers = to <= offset && offset + size <= to + count;
                        hidden |= !covers;
                        (offset, size) = (to, count);
                        device.moved(Sectors::new(size as u64), covers);
                    }
                }
            }
        }
        // And it can be healed.
        while let Some(write) = writes.pop() {
            let end = ((write.first - offset) as u64, (write.end - write.first) as u64);
            device.write_done(range(end.0, end.1), write.begun, Ok(()));
        }
        if !matches!(sync, Sync::None) {
            let _ = device.sync_ended(Ok(()));
        }
        if device.policy() != Policy::Rewrite {
            device.switch(rewrite(room), Sectors::new(SECTORS as u64));
        }
        device.moved(Sectors::new(SECTORS as u64), true);
        if hidden {
            // What was not shown for a time cannot be healed otherwise.
            device.reset();
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
