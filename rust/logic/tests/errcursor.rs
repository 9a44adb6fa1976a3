// SPDX-License-Identifier: GPL-2.0

//! Which flush tells of which loss: the rule by example, and random runs of all
//! who share a cursor against an oracle that knows each loss.

use proptest::prelude::*;
use rloop_logic::{
    errcursor::{
        judge_stable_write,
        ErrCursor,
        Errno,
        Position, //
    },
    units::Moment,
};

const EIO: Errno = Errno::EIO;
const START: Position = Position::new(0);

fn enospc() -> Errno {
    Errno::new(-28)
}

#[test]
fn errno_is_positive_and_never_zero() {
    assert_eq!(Errno::new(28), enospc());
    assert_eq!(enospc().get(), 28);
    assert_eq!(Errno::new(0), EIO);
    assert_eq!(Errno::new(i32::MIN), EIO);
    assert_eq!(EIO.get(), 5);
}

#[test]
fn without_errors_flushes_succeed() {
    let mut cursor = ErrCursor::new(START);
    assert_eq!(cursor.judge(Ok(()), START), Ok(()));
    assert_eq!(cursor.judge(Ok(()), START), Ok(()));
}

#[test]
fn what_a_sync_meets_is_told_once() {
    let mut cursor = ErrCursor::new(START);
    let after = Position::new(0x3005);
    assert_eq!(cursor.judge(Err(EIO), after), Err(EIO));
    assert_eq!(cursor.judge(Ok(()), after), Ok(()));
}

#[test]
fn a_sync_that_fails_without_the_cursor_is_told_too() {
    let mut cursor = ErrCursor::new(START);
    assert_eq!(cursor.judge(Err(enospc()), START), Err(enospc()));
    assert_eq!(cursor.judge(Ok(()), START), Ok(()));
}

#[test]
fn what_somebody_else_was_told_fails_the_next_flush_with_its_errno() {
    let mut cursor = ErrCursor::new(START);
    let moved = Position::new(0x2000 | 0x1000 | 28);
    assert_eq!(cursor.judge(Ok(()), moved), Err(enospc()));
    assert_eq!(cursor.judge(Ok(()), moved), Ok(()));
}

#[test]
fn what_was_noted_fails_the_next_flush() {
    let mut cursor = ErrCursor::new(START);
    cursor.note(enospc(), START, START);
    cursor.note(EIO, START, START);
    assert_eq!(cursor.judge(Ok(()), START), Err(enospc()));
    assert_eq!(cursor.judge(Ok(()), START), Ok(()));
}

#[test]
fn what_moved_the_cursor_is_not_noted_as_well() {
    let mut cursor = ErrCursor::new(START);
    let moved = Position::new(0x3005);
    assert_eq!(cursor.judge(Ok(()), moved), Err(EIO));
    // The ioctl that was told it, and moved the cursor, comes only now.
    cursor.note(EIO, START, moved);
    assert_eq!(cursor.judge(Ok(()), moved), Ok(()));
}

#[test]
fn the_errno_of_the_sync_comes_first() {
    let mut cursor = ErrCursor::new(START);
    cursor.note(enospc(), START, START);
    assert_eq!(cursor.judge(Err(EIO), Position::new(0x3005)), Err(EIO));
    assert_eq!(cursor.judge(Ok(()), Position::new(0x3005)), Ok(()));
}

#[test]
fn a_flush_fails_if_another_failed_after_it_was_submitted() {
    let mut cursor = ErrCursor::new(START);
    assert_eq!(cursor.fails(Moment::new(0)), None);
    cursor.failed(Moment::new(10), EIO);
    assert_eq!(cursor.fails(Moment::new(9)), Some(EIO));
    assert_eq!(cursor.fails(Moment::new(10)), Some(EIO));
    assert_eq!(cursor.fails(Moment::new(11)), None);
    cursor.failed(Moment::new(20), enospc());
    assert_eq!(cursor.fails(Moment::new(9)), Some(enospc()));
    assert_eq!(cursor.fails(Moment::new(20)), Some(enospc()));
    assert_eq!(cursor.fails(Moment::new(21)), None);
}

#[test]
fn another_file_has_a_cursor_of_its_own() {
    let mut cursor = ErrCursor::new(Position::new(0x3005));
    cursor.exchange(Position::new(0x3005), START);
    assert_eq!(cursor.judge(Ok(()), START), Ok(()));
    // What was told of the old file, and not by a flush, is not forgotten.
    cursor.exchange(Position::new(0x301c), Position::new(7));
    assert_eq!(cursor.judge(Ok(()), Position::new(7)), Err(enospc()));
    assert_eq!(cursor.judge(Ok(()), Position::new(7)), Ok(()));
}

#[test]
fn a_stable_write_fails_if_an_error_was_told_meanwhile() {
    let moved = Position::new(0x301c);
    assert_eq!(judge_stable_write(Ok(()), START, START), Ok(()));
    assert_eq!(judge_stable_write(Ok(()), START, moved), Err(enospc()));
    assert_eq!(judge_stable_write(Err(EIO), START, moved), Err(EIO));
    assert_eq!(judge_stable_write(Err(EIO), START, START), Err(EIO));
}

#[test]
fn a_cursor_of_ones_own_moves_with_each_error_and_keeps_the_last() {
    let mut cursor = ErrCursor::new(START);
    let first = START.after(enospc());
    assert_eq!(cursor.judge(Ok(()), first), Err(enospc()));
    assert_eq!(cursor.judge(Ok(()), first), Ok(()));
    let second = first.after(EIO);
    assert_eq!(cursor.judge(Ok(()), second), Err(EIO));
    assert_ne!(second.after(EIO), second);
    // Its count begins anew some day.
    let last = Position::new(u32::MAX);
    assert_ne!(last.after(EIO), last);
    assert_eq!(Position::new(START.after(EIO).get()), START.after(EIO));
}

/// What can happen, each step by itself so that others can come between.
#[derive(Clone, Copy, Debug)]
enum Event {
    /// The writeback of something fails.
    Lose(i32),
    /// The sync of a flush looks at the cursor.
    FlushChecks,
    /// It returns.
    FlushEnds,
    /// A stable write is begun.
    StableBegins,
    /// It loses its own data, and nobody knows yet.
    StableIsLost(i32),
    /// It looks at the cursor.
    StableChecks,
    /// It returns.
    StableEnds,
    /// An ioctl looks at the cursor.
    IoctlChecks,
    /// It notes what it was told.
    IoctlEnds,
}

fn event() -> impl Strategy<Value = Event> {
    let errno = || prop::sample::select(vec![5, 28, 122]);
    prop_oneof![
        errno().prop_map(Event::Lose),
        Just(Event::FlushChecks),
        Just(Event::FlushEnds),
        Just(Event::StableBegins),
        errno().prop_map(Event::StableIsLost),
        Just(Event::StableChecks),
        Just(Event::StableEnds),
        Just(Event::IoctlChecks),
        Just(Event::IoctlEnds),
    ]
}

/// A mapping and an open file: `lib/errseq.c`, without its flag.
#[derive(Default)]
struct File {
    recorded: u32,
    cursor: u32,
}

impl File {
    fn lose(&mut self, errno: i32) {
        self.recorded = (((self.recorded >> 13) + 1) << 13) | u32::try_from(errno).unwrap();
    }

    /// What a sync returns.
    fn check(&mut self) -> Result<(), Errno> {
        if self.cursor == self.recorded {
            return Ok(());
        }
        self.cursor = self.recorded;
        Err(Errno::new(i32::try_from(self.cursor & 0xfff).unwrap()))
    }

    fn position(&self) -> Position {
        Position::new(self.cursor)
    }
}

#[derive(Default)]
struct Stable {
    before: Position,
    lost: bool,
    checked: Option<Result<(), Errno>>,
}

proptest! {
    #[test]
    fn no_loss_is_hidden_and_none_told_twice(events in prop::collection::vec(event(), 0..60)) {
        let mut file = File::default();
        let mut cursor = ErrCursor::new(file.position());
        // Losses that no flush has told, as the number of the event.
        let mut untold: Vec<usize> = Vec::new();
        // The running sync: when it looked, and what it found.
        let mut flush: Option<(usize, Result<(), Errno>)> = None;
        let mut stable: Option<Stable> = None;
        // The ioctl's position before it looked, and after, and what it found.
        let mut ioctl: Option<(Position, Position, Result<(), Errno>)> = None;
        for (now, event) in events.into_iter().enumerate() {
            match event {
                Event::Lose(errno) => {
                    file.lose(errno);
                    untold.push(now);
                }
                Event::FlushChecks => {
                    if flush.is_none() {
                        flush = Some((now, file.check()));
                    }
                }
                Event::FlushEnds => {
                    let Some((when, synced)) = flush.take() else { continue };
                    let result = cursor.judge(synced, file.position());
                    let covered = untold.iter().filter(|&&loss| loss < when).count();
                    if result.is_ok() {
                        prop_assert_eq!(covered, 0, "P2: a loss is hidden");
                        continue;
                    }
                    prop_assert!(!untold.is_empty(), "P3: a loss is told again");
                    // What somebody was told after the check may have been told with it.
                    if file.cursor == file.recorded {
                        untold.clear();
                    } else {
                        untold.retain(|&loss| loss >= when);
                    }
                }
                Event::StableBegins => {
                    if stable.is_none() {
                        stable = Some(Stable { before: file.position(), ..Stable::default() });
                    }
                }
                Event::StableIsLost(errno) => {
                    if let Some(Stable { lost, checked: None, .. }) = &mut stable {
                        *lost = true;
                        file.lose(errno);
                        untold.push(now);
                    }
                }
                Event::StableChecks => {
                    if let Some(Stable { checked: checked @ None, .. }) = &mut stable {
                        *checked = Some(file.check());
                    }
                }
                Event::StableEnds => {
                    if stable.as_ref().is_some_and(|stable| stable.checked.is_none()) {
                        continue;
                    }
                    let Some(Stable { before, lost, checked: Some(result) }) = stable.take() else {
                        continue;
                    };
                    let result = judge_stable_write(result, before, file.position());
                    prop_assert!(!(lost && result.is_ok()), "a stable write lies");
                }
                Event::IoctlChecks => {
                    let before = file.position();
                    let result = file.check();
                    ioctl.get_or_insert((before, file.position(), result));
                }
                Event::IoctlEnds => {
                    if let Some((before, after, Err(errno))) = ioctl.take() {
                        cursor.note(errno, before, after);
                    }
                }
            }
        }
    }
}
