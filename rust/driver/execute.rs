// SPDX-License-Identifier: GPL-2.0

//! Executing requests: what each operation means for the backing file.

use super::{
    binding::Binding,
    device::work,
    done_lane::{self, Done},
    flush::{Barrier, Flushes},
    lane,
    log::trouble,
    loop_driver::Loop,
    uncached,
};
use crate::{
    block::{charge::Charge, Op, Request, Status},
    core::{
        errno::{self, eopnotsupp},
        workqueue::Locality,
    },
    fs::{
        io::{self, Outcome},
        range::{self, Change},
        Direction, Manner,
    },
    logic::{
        direct,
        epoch::Ticket,
        errcursor::{self, Position},
        policy::Generation,
        range_set::Range,
        transfer::{Step, Transfer},
        units::{Bytes, Sectors},
    },
};
use ::core::mem;
use kernel::{error::code, prelude::*};

/// A read that has waited so often in the page cache, where it finds what it waited for gone or
/// replaced each time, shall wait with a thread.
const MAX_WAITS: u8 = 4;

/// What the driver keeps with each request.
pub(crate) struct PerRequest {
    /// The ticket of a write, from its acceptance to its end.
    pub(super) ticket: Option<Ticket>,
    /// Whether it was accepted after a flush that it must not overtake.
    pub(super) barrier: Barrier,
    /// How far a read or write got; `None` before it was begun.
    transfer: Option<Transfer>,
    /// Where it began.
    start: Sectors,
    /// The file system has refused to do it directly.
    through_cache: bool,
    /// How often it waited in the page cache.
    waits: u8,
    /// The file's error cursor when a write that has to be stable was begun; `None` before that.
    cursor: Option<Position>,
    /// The device's generation when a change was begun.
    begun: Option<Generation>,
    /// The request is known to the device's [`InOrder`](super::order::InOrder).
    pub(super) ordered: bool,
    /// Whoever executes it may wait for I/O.
    may_block: bool,
    /// It was not tried at all, by the error policy.
    refused: bool,
    /// Its submitter's control group can have no more memory.
    unpaid: bool,
    /// It is in the lane for what is held up.
    pub(super) held_up: bool,
    /// It came when the one before it was over, as that did.
    pub(super) one_at_a_time: bool,
    /// What is known of it on its way through the [`DoneLane`](super::done_lane::DoneLane).
    pub(super) done: Option<Done>,
}

impl PerRequest {
    /// That of a request that is not in use.
    pub(super) fn new() -> Self {
        Self {
            ticket: None,
            barrier: Barrier::None,
            transfer: None,
            start: Sectors::new(0),
            through_cache: false,
            waits: 0,
            cursor: None,
            begun: None,
            ordered: false,
            may_block: true,
            refused: false,
            unpaid: false,
            held_up: false,
            one_at_a_time: false,
            done: None,
        }
    }
}

/// Executes a request, from its beginning or from where it got to. Sleeps.
///
/// The configuration is borrowed from the request and never held on to: once the last request of a
/// device is ended nothing here keeps its file open, so that what follows `losetup -d` finds the
/// file system below unused.
///
/// Unless it `may_block`, what cannot be done at once goes to the blocking lane, or to that for what
/// is held up.
pub(super) fn begin(mut rq: Request<Loop>, may_block: bool) {
    let unpaid = rq.data().driver().unpaid;
    let charge = Charge::to(&rq, !unpaid);
    let op = rq.op();
    rq.data().driver().may_block = may_block;
    if op.is_change() {
        let health = &rq.device().health;
        let (refused, generation) = (health.refuses(), health.generation());
        rq.data().driver().begun.get_or_insert(generation);
        if let Some(error) = refused {
            rq.data().driver().refused = true;
            return finish(rq, Err(error));
        }
    }
    match op {
        Op::Flush => Flushes::accept_flush(rq.device_arc(), rq),
        Op::Read | Op::Write => {
            let (start, bytes) = (Sectors::new(rq.sector()), rq.bytes());
            let data = rq.data().driver();
            if data.transfer.is_none() {
                data.transfer = Some(Transfer::new(bytes));
                data.start = start;
            }
            if may_block && !data.held_up && charge.is_throttled() {
                return lane::hold_up(rq);
            }
            move_data(rq, op, may_block, &charge);
        }
        Op::Discard | Op::WriteZeroes { .. } | Op::Other(_) => {
            let result = change_range(&rq, op);
            if result == Err(code::ENOMEM) && !mem::replace(&mut rq.data().driver().unpaid, true) {
                return lane::hand_to_blocking(rq);
            }
            finish(rq, result);
        }
    }
}

/// Reads or writes what is left of a request.
fn move_data(mut rq: Request<Loop>, op: Op, may_block: bool, charge: &Charge) {
    let direction = match op {
        Op::Write => Direction::Write,
        _ => Direction::Read,
    };
    // Though told not to wait, the kernel would sleep for long in the attempt to read ahead: to
    // throttle the submitter, or for a change of a range, which has the page cache locked
    // (`invalidate_lock`) as long as it takes.
    let reads_ahead = direction == Direction::Read && !may_block;
    let throttled = reads_ahead && charge.is_throttled();
    let changing = reads_ahead && bound(&rq).is_ok_and(|binding| binding.changes.any());
    let manner = Manner {
        direction,
        nowait: !may_block,
        only_cached: throttled || changing,
        stable: op == Op::Write && rq.is_fua(),
        uncached: bound(&rq).is_ok_and(Binding::is_uncached),
    };
    let transfer = rq.data().driver().transfer;
    let mut begins = manner.stable && transfer.is_some_and(|transfer| transfer.done() == 0);
    // Where one read after the other has to wait the attempt without waiting is for nothing.
    let mut waits_at_once = reads_ahead
        && !manner.only_cached
        && rq.data().driver().waits == 0
        && bound(&rq).is_ok_and(|binding| binding.misses.get());
    loop {
        let way = match next_part(&mut rq, manner.direction) {
            Ok(way) => way,
            Err(error) => return finish(rq, Err(error)),
        };
        if mem::take(&mut begins) {
            let cursor = error_cursor(&rq);
            rq.data().driver().cursor = Some(cursor);
        }
        let result = match way {
            Way::Direct(at) => return io::submit(rq, manner, at),
            Way::ThroughCache(_) if mem::take(&mut waits_at_once) => Err(code::EAGAIN),
            Way::ThroughCache(at) => io::transfer(&rq, manner, at),
        };
        match progress(&mut rq, result) {
            Progress::Over(result) => return finish(rq, result),
            Progress::Unpaid => return lane::hand_to_blocking(rq),
            Progress::MustBlock => match wait_in_cache(rq, manner, way, throttled) {
                Some(again) => rq = again,
                None => return,
            },
            Progress::More => {}
        }
    }
}

/// Goes on with a read or write that would have to wait. Returns it if something was transferred,
/// but not all. `throttled`: the submitter's control group is made to wait for its memory.
fn wait_in_cache(
    mut rq: Request<Loop>,
    manner: Manner,
    way: Way,
    throttled: bool,
) -> Option<Request<Loop>> {
    let can_wake = !manner.only_cached && bound(&rq).is_ok_and(|binding| binding.file.can_wake());
    let waits = rq.data().driver().waits;
    let (Way::ThroughCache(at), Direction::Read, true, 0..MAX_WAITS) =
        (way, manner.direction, can_wake, waits)
    else {
        if throttled {
            lane::hold_up(rq);
        } else {
            lane::hand_to_blocking(rq);
        }
        return None;
    };
    rq.data().driver().waits = waits.saturating_add(1);
    note_miss(&rq, true);
    let manner = Manner {
        nowait: false,
        ..manner
    };
    let (mut rq, result) = match io::transfer_or_wake(rq, manner, at) {
        Outcome::Waits => return None,
        Outcome::Over(rq, result) => (rq, result),
    };
    note_miss(&rq, false);
    match progress(&mut rq, result) {
        Progress::Over(result) => finish(rq, result),
        Progress::MustBlock | Progress::Unpaid => lane::hand_to_blocking(rq),
        Progress::More => return Some(rq),
    }
    None
}

/// Keeps in mind whether a read through the page cache had to wait.
fn note_miss(rq: &Request<Loop>, missed: bool) {
    if let Ok(binding) = bound(rq) {
        binding.misses.put(missed);
    }
}

/// The error cursor of the file that a request is for.
fn error_cursor(rq: &Request<Loop>) -> Position {
    bound(rq).map_or(Position::default(), |binding| binding.file.error_cursor())
}

/// The result of a write that has to be stable (P2): the error that it has met, or that somebody
/// else was told meanwhile. Any context.
///
/// Its sync may be what met the loss of other writes, and be told that without a record of the
/// file's, as when a flush of the disk below fails: the next flush has to fail, too.
fn judge_stable_write(rq: &mut Request<Loop>, result: Result) -> Result {
    let Some(before) = rq.data().driver().cursor else {
        // It was not begun.
        return result;
    };
    if let (Err(error), Ok(binding)) = (result, bound(rq)) {
        binding.file.was_told(error);
    }
    let after = error_cursor(rq);
    if let Err(error) = result {
        rq.device().flushes.note(error, before, after);
    }
    errcursor::judge_stable_write(result.map_err(errno::to_logic), before, after)
        .map_err(errno::from_logic)
}

/// How to transfer the next part of a request, and where in the file it begins.
#[derive(Clone, Copy)]
enum Way {
    Direct(Bytes),
    ThroughCache(Bytes),
}

/// Decides how to go on with a read or write.
fn next_part(rq: &mut Request<Loop>, direction: Direction) -> Result<Way> {
    let data = rq.data().driver();
    let transfer = data.transfer.ok_or(code::EIO)?;
    let (start, through_cache) = (data.start, data.through_cache);
    let binding = bound(rq)?;
    if direction == Direction::Write && binding.is_read_only() {
        return Err(code::EROFS);
    }
    let done = Bytes::new(u64::from(transfer.done()));
    let left = Bytes::new(u64::from(transfer.remaining()));
    let at = binding.window.position(start, done).ok_or(code::EINVAL)?;
    if binding.is_direct() && !through_cache && direct::aligned(binding.alignment, at, left) {
        Ok(Way::Direct(at))
    } else {
        Ok(Way::ThroughCache(at))
    }
}

/// The configuration of the device that a request is for.
fn bound(rq: &Request<Loop>) -> Result<&Binding> {
    rq.queue_data().as_deref().ok_or(code::EIO)
}

/// Executes what changes a range without moving data.
fn change_range(rq: &Request<Loop>, op: Op) -> Result {
    let binding = bound(rq)?;
    if binding.is_read_only() {
        return Err(code::EROFS);
    }
    let at = binding
        .window
        .position(Sectors::new(rq.sector()), Bytes::new(0))
        .ok_or(code::EINVAL)?;
    let length = Bytes::new(u64::from(rq.bytes()));
    binding.changes.during(|| match op {
        Op::Discard => discard(binding, rq, at, length),
        Op::WriteZeroes { unmap } => write_zeroes(binding, unmap, at, length),
        _ => Err(eopnotsupp()),
    })
}

/// What comes after a part of a transfer.
enum Progress {
    /// The request is to be ended so.
    Over(Result),
    /// Something is left to be done.
    More,
    /// It cannot go on without waiting.
    MustBlock,
    /// It cannot go on at the expense of its submitter, whose control group can have no more memory.
    /// Where nobody is charged memory is never lacking (P9). (Pages of a tmpfs that were swapped out
    /// are charged to whoever wrote them, who may lack it.)
    Unpaid,
}

/// Notes the result of one file operation for a request. Any context.
fn progress(rq: &mut Request<Loop>, result: Result<usize>) -> Progress {
    let bytes = match result {
        Ok(bytes) => bytes,
        // `EOPNOTSUPP` is what some file systems say to one kind of I/O only, ext4 for instance to
        // buffered writes.
        Err(error)
            if (error == code::EAGAIN || error == eopnotsupp())
                && !rq.data().driver().may_block =>
        {
            return Progress::MustBlock;
        }
        Err(error)
            if error == code::ENOMEM && !mem::replace(&mut rq.data().driver().unpaid, true) =>
        {
            return Progress::Unpaid;
        }
        Err(error) => return Progress::Over(Err(error)),
    };
    let Some(transfer) = rq.data().driver().transfer.as_mut() else {
        return Progress::Over(Err(code::EIO));
    };
    match transfer.advance(bytes) {
        Step::Complete => Progress::Over(Ok(())),
        // P6: what was not transferred is not said to be.
        Step::Stuck => Progress::Over(Err(code::EIO)),
        Step::Continue => {
            // Less than what was left of the request, which is a `u32`.
            rq.advance(u32::try_from(bytes).unwrap_or(0));
            Progress::More
        }
    }
}

/// A direct transfer is over. Any context.
pub(super) fn direct_done(mut rq: Request<Loop>, result: Result<usize>) {
    let result = match result {
        // What the file system cannot do directly, for instance for the alignment of its memory,
        // it can do through the page cache.
        Err(error) if error == code::EINVAL && !rq.data().driver().through_cache => {
            rq.data().driver().through_cache = true;
            Progress::More
        }
        result => progress(&mut rq, result),
    };
    match result {
        Progress::Over(result) => {
            let result = judge(&mut rq, result);
            end(rq, result);
        }
        // Whoever goes on may have to wait, and here it is not known in which context we are.
        Progress::More | Progress::MustBlock | Progress::Unpaid => lane::block(rq),
    }
}

/// Deallocates a range.
fn discard(binding: &Binding, rq: &Request<Loop>, at: Bytes, length: Bytes) -> Result {
    let result = range::change(&binding.file, Change::PunchHole, at, length);
    if result == Err(eopnotsupp()) && binding.cannot_discard.set() {
        // Not from here: changing limits waits for all requests, of which this is one.
        let device = rq.device_arc();
        device.enqueue::<{ work::LIMITS }>(&device.shared.workers.limits);
    }
    if device_below_cannot(binding, result) {
        // As a disk does that cannot discard a part of a block: nothing.
        return Ok(());
    }
    result
}

/// Whether a range was not changed for what is so of the device below only: it is no multiple of its
/// blocks, which may be larger than those of this one; or somebody else has it exclusively, for which
/// the kernel does not drop what is cached of it and was not written yet.
fn device_below_cannot(binding: &Binding, result: Result) -> bool {
    matches!(result, Err(error) if error == code::EINVAL || error == code::EBUSY)
        && binding.file.is_block_device()
}

/// Makes a range read as zeroes.
fn write_zeroes(binding: &Binding, unmap: bool, at: Bytes, length: Bytes) -> Result {
    let change = if unmap {
        Change::PunchHole
    } else {
        Change::ZeroRange
    };
    let result = range::change(&binding.file, change, at, length);
    if result != Err(eopnotsupp()) && !device_below_cannot(binding, result) {
        return result;
    }
    let mut direct = binding.is_direct();
    let mut done = 0;
    while done < length.get() {
        let at = Bytes::new(at.get().checked_add(done).ok_or(code::EINVAL)?);
        let left = Bytes::new(length.get().saturating_sub(done));
        match range::write_zeroes(&binding.file, direct, at, left) {
            Ok(written) => done = done.saturating_add(written),
            // As for writes: what the file system cannot do directly after all.
            Err(error) if error == code::EINVAL && direct => direct = false,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Has a request ended that a worker has executed.
///
/// The worker leaves that to a soft interrupt, which comes when the worker has nothing left to do, and
/// ends all that it has done. Else submitters would go on at once, wake the worker for each request,
/// as it has just done the one before, and be preempted by it (measured: two to ten times the context
/// switches). Not what comes one at a time, whose submitter waits for it. Nor direct I/O: where the
/// disk is so fast that it is over at once that gains nothing, or loses.
fn finish(mut rq: Request<Loop>, result: Result) {
    let result = judge(&mut rq, result);
    if rq.data().driver().one_at_a_time {
        end(rq, result);
    } else {
        done_lane::over(rq, result);
    }
}

/// The result of a request that is over. Any context. At once, as it looks at what the file has told
/// since the request began.
fn judge(rq: &mut Request<Loop>, result: Result) -> Result {
    if rq.op() == Op::Write && rq.is_fua() {
        judge_stable_write(rq, result)
    } else {
        result
    }
}

/// Ends a request, and then tells flushes that they need not wait for it any more. Any context.
pub(super) fn end(mut rq: Request<Loop>, result: Result) {
    let refused = rq.data().driver().refused;
    if !refused && rq.device().health.watches(rq.op(), result) {
        let range = range(&mut rq);
        let begun = rq.data().driver().begun.unwrap_or_default();
        rq.device().health.write_done(range, begun, result);
    }
    let status = match result {
        Ok(()) => Status::OK,
        Err(error) => {
            let label = rq.device();
            // The loss that it is refused for was told.
            if !refused && error != eopnotsupp() {
                trouble!(
                    label.label(),
                    "{} at sector {}: {:?}",
                    name(rq.op()),
                    rq.sector(),
                    error
                );
            }
            Status::from(error)
        }
    };
    if rq.op() == Op::Read && bound(&rq).is_ok_and(|binding| binding.file.note_read()) {
        // By somebody who may wait.
        let device = rq.device_arc();
        device.enqueue::<{ work::TOUCH }>(device.workqueue(Locality::Anywhere));
    }
    if rq.op().is_change() && bound(&rq).is_ok_and(Binding::is_uncached) {
        uncached::note_change(&rq.device_arc());
    }
    let data = rq.data().driver();
    let ticket = data.ticket.take();
    let ordered = data.ordered;
    *data = PerRequest::new();
    if ordered {
        // Before the request is ended, whereupon its slot may be another's.
        if let Some(slot) = rq.slot() {
            let device = rq.device();
            lane::accept(&device, device.in_order.complete(slot));
        }
    }
    match ticket {
        None => rq.end(status),
        Some(ticket) => {
            let device = rq.device_arc();
            // In this order: nobody may see the flush complete before the write.
            rq.end(status);
            Flushes::complete_write(device, ticket);
        }
    }
}

/// What a request was for, as a whole.
fn range(rq: &mut Request<Loop>) -> Range {
    let data = rq.data().driver();
    let (start, bytes) = match data.transfer {
        Some(transfer) => (
            data.start,
            u64::from(transfer.done()).saturating_add(transfer.remaining().into()),
        ),
        None => (Sectors::new(rq.sector()), rq.bytes().into()),
    };
    Range::new(start, Bytes::new(bytes).to_sectors())
}

/// What an operation is called in messages.
fn name(op: Op) -> &'static str {
    match op {
        Op::Read => "read",
        Op::Write => "write",
        Op::Flush => "flush",
        Op::Discard => "discard",
        Op::WriteZeroes { .. } => "write zeroes",
        Op::Other(_) => "unknown operation",
    }
}
