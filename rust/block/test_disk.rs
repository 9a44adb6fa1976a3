// SPDX-License-Identifier: GPL-2.0

//! A disk that remembers what it is asked for and answers as it is told, and the tests that need
//! one.

use crate::{
    block::{
        disk::{GenDisk, Place},
        major::Major,
        operations::Mode,
        tag_set::Queues,
        Disk, Op, Operations, Request, Status,
    },
    core::irq_lock::IrqLock,
    new_irq_lock,
};
use kernel::{
    bindings,
    error::to_result,
    prelude::*,
    str::CString,
    sync::{Arc, ArcBorrow},
};

/// What each request's data is when it is made.
const FRESH: u32 = 0x5eed;

/// A request as the driver got it.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Seen {
    op: Op,
    sector: u64,
    bytes: u32,
    data: u32,
}

/// What is to be done with requests that are taken; the queue data.
#[derive(Clone, Copy)]
pub(crate) struct Answer {
    /// Bytes that are completed first, if the request is larger.
    advance: u32,
    /// The status in the end.
    status: Status,
}

const SUCCESS: Answer = Answer {
    advance: 0,
    status: Status::OK,
};

/// The device behind the test disk.
#[pin_data]
pub(crate) struct TestDevice {
    /// The last request that was taken, as it was when it was ended.
    #[pin]
    seen: IrqLock<Option<Seen>>,
}

/// The driver of the test disk, in several kinds that are the same but for their type.
pub(crate) struct TestDriver<const KIND: u8 = 0>;

impl<const KIND: u8> Operations for TestDriver<KIND> {
    type Device = TestDevice;
    type QueueData = Answer;
    type RequestData = u32;

    fn new_request_data() -> impl PinInit<u32> {
        FRESH
    }

    fn queue_rq(device: ArcBorrow<'_, TestDevice>, mut rq: Request<Self>, _last: bool) {
        let answer = *rq.queue_data();
        if answer.advance < rq.bytes() {
            rq.advance(answer.advance);
        }
        let data = *rq.data();
        *device.seen.lock() = Some(Seen {
            op: rq.op(),
            sector: rq.sector(),
            bytes: rq.bytes(),
            data,
        });
        rq.end(answer.status);
    }

    fn commit_rqs(_device: ArcBorrow<'_, TestDevice>, _queue: u32) {}

    /// Nobody but the test shall use it, not even udev.
    fn open(_device: ArcBorrow<'_, TestDevice>, _disk: &Disk<Self>, _mode: Mode) -> Result {
        Err(ENXIO)
    }

    fn release(_device: ArcBorrow<'_, TestDevice>, _disk: &Disk<Self>) {}
}

/// The block device of all of a disk.
fn bdev<T: Operations>(disk: &Disk<T>) -> *mut bindings::block_device {
    // SAFETY: The disk is live, and with it its block devices.
    unsafe { (*disk.as_ptr()).part0 }
}

/// Gives a disk a size, in sectors, without telling user space.
pub(crate) fn resize<T: Operations>(disk: &Disk<T>, sectors: u64) {
    // SAFETY: The disk is live.
    unsafe { bindings::set_capacity(disk.as_ptr(), sectors) };
}

/// Reads from, or writes to, a disk as a file system would. `memory` must be on the heap.
pub(crate) fn bdev_transfer<T: Operations>(
    disk: &Disk<T>,
    write: bool,
    sector: u64,
    memory: &mut [u8],
) -> Result {
    let op = if write {
        bindings::req_op_REQ_OP_WRITE
    } else {
        bindings::req_op_REQ_OP_READ
    };
    // SAFETY: The disk is live, and the memory valid for as long as the call lasts.
    to_result(unsafe {
        bindings::bdev_rw_virt(
            bdev(disk),
            sector,
            memory.as_mut_ptr().cast(),
            memory.len(),
            op,
        )
    })
}

#[kunit_tests(rloop_block_disk)]
mod tests {
    use super::*;
    use crate::block::{
        limits::{Discard, Limits},
        live_disks::LiveDisks,
    };
    use crate::core::errno::enametoolong;
    use kernel::sync::aref::ARef;

    /// Where tests read and write, in sectors.
    const AT: u64 = 2048;
    /// How much, in bytes.
    const LENGTH: u32 = 4096;

    /// Limits of a disk that can do everything.
    const ABLE: Limits = Limits {
        block_size: 512,
        write_cache: true,
        rotational: false,
        discard: Discard {
            granularity: 4096,
            max_discard_sectors: 1 << 16,
            max_write_zeroes_sectors: 1 << 16,
        },
        dma_alignment: 511,
    };

    struct TestDisk {
        // Dropped first.
        disk: GenDisk<TestDriver>,
        disks: Arc<LiveDisks>,
        device: Arc<TestDevice>,
        _major: Major,
    }

    impl TestDisk {
        fn new() -> Result<Self> {
            let major = Major::register(None, CString::try_from_fmt(fmt!("rloop-test"))?, None)?;
            let device = Arc::pin_init(
                pin_init!(TestDevice {
                    seen <- new_irq_lock!(None, "rloop::test_seen"),
                }),
                GFP_KERNEL,
            )?;
            let place = Place {
                name: c"rloop-test",
                major: major.number(),
                first_minor: 0,
                minors: 1,
            };
            let queues = Queues { count: 1, depth: 8 };
            let disks = LiveDisks::new()?;
            let disk = GenDisk::new(disks.clone(), place, queues, false, device.clone(), SUCCESS)?;
            resize(&disk, 2 * AT);
            Ok(Self {
                disk,
                disks,
                device,
                _major: major,
            })
        }

        fn bdev(&self) -> *mut bindings::block_device {
            bdev(&self.disk)
        }

        fn last(&self) -> Option<Seen> {
            *self.device.seen.lock()
        }

        /// Reads or writes `LENGTH` bytes at `AT`.
        fn transfer(&self, write: bool) -> Result {
            let mut memory = KVec::from_elem(0u8, LENGTH as usize, GFP_KERNEL)?;
            bdev_transfer(&self.disk, write, AT, &mut memory)
        }

        fn read(&self) -> Result {
            self.transfer(false)
        }

        fn write(&self) -> Result {
            self.transfer(true)
        }

        fn flush(&self) -> Result {
            // SAFETY: The disk is live.
            to_result(unsafe { bindings::blkdev_issue_flush(self.bdev()) })
        }

        fn discard(&self) -> Result {
            // SAFETY: The disk is live.
            to_result(unsafe {
                bindings::blkdev_issue_discard(
                    self.bdev(),
                    AT,
                    u64::from(LENGTH >> 9),
                    bindings::GFP_KERNEL,
                )
            })
        }

        fn zero(&self, flags: u32) -> Result {
            // SAFETY: The disk is live.
            to_result(unsafe {
                bindings::blkdev_issue_zeroout(
                    self.bdev(),
                    AT,
                    u64::from(LENGTH >> 9),
                    bindings::GFP_KERNEL,
                    flags | bindings::BLKDEV_ZERO_NOFALLBACK,
                )
            })
        }

        fn set(&self, limits: &Limits) -> Result {
            self.disk.freeze_with(limits).map(drop)
        }

        fn block_size(&self) -> u32 {
            // SAFETY: The disk is live, and with it its queue; nobody else changes its limits.
            unsafe { (*self.disk.queue()).limits.logical_block_size }
        }
    }

    /// The result of `test` on a disk that is gone afterwards, whatever the result: a test that
    /// fails leaves everything as it is.
    fn with_disk<R>(test: impl FnOnce(&TestDisk) -> Result<R>) -> Result<R> {
        test(&TestDisk::new()?)
    }

    #[test]
    fn request_is_seen_as_it_was_submitted() -> Result {
        let seen = with_disk(|disk| {
            let place = || disk.last().map(|seen| (seen.sector, seen.bytes));
            Ok([
                disk.read().map(|()| place())?,
                disk.write().map(|()| place())?,
            ])
        })?;
        assert_eq!(seen, [Some((AT, LENGTH)); 2]);
        Ok(())
    }

    #[test]
    fn operations_reach_the_driver_as_themselves() -> Result {
        let ops = with_disk(|disk| {
            let op = || disk.last().map(|seen| seen.op);
            disk.set(&ABLE)?;
            Ok([
                disk.read().map(|()| op())?,
                disk.write().map(|()| op())?,
                disk.flush().map(|()| op())?,
                disk.discard().map(|()| op())?,
                disk.zero(0).map(|()| op())?,
                disk.zero(bindings::BLKDEV_ZERO_NOUNMAP).map(|()| op())?,
            ])
        })?;
        let expected = [
            Op::Read,
            Op::Write,
            Op::Flush,
            Op::Discard,
            Op::WriteZeroes { unmap: true },
            Op::WriteZeroes { unmap: false },
        ];
        assert!(ops == expected.map(Some));
        Ok(())
    }

    #[test]
    fn submitter_is_told_how_a_request_ended() -> Result {
        let (first, second) = with_disk(|disk| {
            let first = disk.read();
            disk.disk.freeze().queue_data().status = Status::from(ENOSPC);
            Ok((first, disk.read()))
        })?;
        assert!(first == Ok(()));
        assert!(second == Err(ENOSPC));
        Ok(())
    }

    #[test]
    fn what_is_left_of_a_request_is_what_was_not_advanced() -> Result {
        let (result, seen) = with_disk(|disk| {
            disk.disk.freeze().queue_data().advance = 1024;
            Ok((disk.read(), disk.last()))
        })?;
        assert!(result == Ok(()));
        assert_eq!(
            seen.map(|seen| (seen.sector, seen.bytes)),
            Some((AT + 2, LENGTH - 1024))
        );
        Ok(())
    }

    #[test]
    fn requests_come_with_their_data_made() -> Result {
        let (of_read, of_flush) = with_disk(|disk| {
            let data = || disk.last().map(|seen| seen.data);
            disk.set(&ABLE)?;
            Ok((
                disk.read().map(|()| data())?,
                disk.flush().map(|()| data())?,
            ))
        })?;
        assert_eq!(of_read, Some(FRESH));
        assert_eq!(of_flush, Some(FRESH));
        Ok(())
    }

    #[test]
    fn no_flush_comes_without_a_write_cache() -> Result {
        let (result, seen) = with_disk(|disk| Ok((disk.flush(), disk.last())))?;
        assert!(result == Ok(()));
        assert!(seen.is_none());
        Ok(())
    }

    #[test]
    fn no_discard_comes_where_it_is_not_supported() -> Result {
        // The block layer tells the submitter of success, as there is nothing that must be done.
        let seen = with_disk(|disk| disk.discard().map(|()| disk.last()))?;
        assert!(seen.is_none());
        Ok(())
    }

    #[test]
    fn block_size_comes_into_force() -> Result {
        let size = with_disk(|disk| {
            disk.set(&Limits {
                block_size: 4096,
                ..ABLE
            })?;
            Ok(disk.block_size())
        })?;
        assert_eq!(size, 4096);
        Ok(())
    }

    #[test]
    fn impossible_limits_are_refused_and_change_nothing() -> Result {
        let too_large = 2 * crate::block::limits::MAX_BLOCK_SIZE;
        let results = with_disk(|disk| {
            Ok([768, 256, too_large].map(|block_size| {
                let result = disk.set(&Limits { block_size, ..ABLE });
                (result, disk.block_size())
            }))
        })?;
        assert!(results == [(Err(EINVAL), 512); 3]);
        Ok(())
    }

    #[test]
    fn queue_works_again_after_impossible_limits() -> Result {
        let result = with_disk(|disk| {
            let _ = disk.set(&Limits {
                block_size: 768,
                ..ABLE
            });
            disk.set(&ABLE)?;
            Ok(disk.read())
        })?;
        assert!(result == Ok(()));
        Ok(())
    }

    #[test]
    fn removed_disk_lives_as_long_as_a_reference_to_it() -> Result {
        let TestDisk {
            disk,
            disks,
            device: _,
            _major,
        } = TestDisk::new()?;
        let added = disks.count();
        let reference = ARef::from(&*disk);
        drop(disk);
        let removed = disks.count();
        drop(reference);
        // Somebody who looks at all disks may have another one for a moment.
        disks.wait_for_none();
        assert_eq!((added, removed), (1, 1));
        Ok(())
    }

    #[test]
    fn disk_that_could_not_be_added_does_not_live() -> Result {
        let (error, count) = with_disk(|other| {
            let disks = LiveDisks::new()?;
            let place = Place {
                name: c"rloop-test-whose-name-is-too-long",
                major: other._major.number(),
                first_minor: 1,
                minors: 1,
            };
            let queues = Queues { count: 1, depth: 8 };
            let device = other.device.clone();
            let disk =
                GenDisk::<TestDriver>::new(disks.clone(), place, queues, false, device, SUCCESS);
            Ok((disk.err(), disks.count()))
        })?;
        assert_eq!((error, count), (Some(enametoolong()), 0));
        Ok(())
    }

    #[test]
    fn disk_is_known_by_its_driver() -> Result {
        let (own, other) = with_disk(|disk| {
            // SAFETY: The disk holds its block device as if it were open.
            let own = unsafe { Disk::<TestDriver>::from_bdev(disk.bdev()) };
            // SAFETY: As above.
            let other = unsafe { Disk::<TestDriver<1>>::from_bdev(disk.bdev()) };
            Ok((own.is_some(), other.is_some()))
        })?;
        assert!(own);
        assert!(!other);
        Ok(())
    }
}
