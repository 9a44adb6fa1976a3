// SPDX-License-Identifier: GPL-2.0

//! Tests of the I/O to a backing file, by requests of a real disk to a file in memory.

use crate::{
    block::{
        disk::{GenDisk, Place},
        live_disks::LiveDisks,
        major::Major,
        operations::Mode,
        tag_set::Queues,
        Disk, Op, Operations, Request, Status,
    },
    core::{
        irq_lock::IrqLock,
        workqueue::{Freezer, Locality, WorkQueue},
    },
    fs::{
        io::{submit, transfer, Direction, Manner},
        BackingFile, FileIo, IoData,
    },
    logic::units::{Bytes, Sectors},
    new_irq_lock,
};
use kernel::{
    c_str, impl_has_work,
    prelude::*,
    str::CString,
    sync::{Arc, ArcBorrow},
    workqueue::{new_work, Work, WorkItem},
};

/// How requests are done.
#[derive(Clone, Copy)]
enum Way {
    /// By [`transfer`].
    Transfer,
    /// By [`submit`].
    Submit,
}

/// The device behind the disk.
#[pin_data]
struct FileDevice {
    workers: WorkQueue,
    way: Way,
    /// What is to be served.
    #[pin]
    next: IrqLock<Option<Request<FileDriver>>>,
    #[pin]
    work: Work<FileDevice>,
    /// What came of the last request.
    #[pin]
    result: IrqLock<Option<Result<usize>>>,
}

/// The driver of a disk that shows a file, from its beginning.
struct FileDriver;

impl FileDriver {
    /// Does the I/O of a request. Sleeps.
    fn serve(rq: Request<Self>) {
        let at = Sectors::new(rq.sector()).to_bytes().unwrap_or_default();
        let direction = match rq.op() {
            Op::Write => Direction::Write,
            _ => Direction::Read,
        };
        let manner = Manner {
            direction,
            nowait: false,
            only_cached: false,
            stable: false,
            uncached: false,
        };
        match rq.device().way {
            Way::Transfer => {
                let result = transfer(&rq, manner, at);
                Self::io_done(rq, result);
            }
            Way::Submit => submit(rq, manner, at),
        }
    }
}

impl_has_work! {
    impl HasWork<Self> for FileDevice { self.work }
}

impl WorkItem for FileDevice {
    type Pointer = Arc<Self>;

    fn run(this: Arc<Self>) {
        let next = this.next.lock().take();
        if let Some(rq) = next {
            FileDriver::serve(rq);
        }
    }
}

impl Operations for FileDriver {
    type Device = FileDevice;
    type QueueData = Option<Arc<BackingFile>>;
    type RequestData = IoData<()>;

    fn new_request_data() -> impl PinInit<IoData<()>> {
        IoData::new(())
    }

    fn queue_rq(device: ArcBorrow<'_, FileDevice>, rq: Request<Self>, _last: bool) {
        let device: Arc<FileDevice> = device.into();
        *device.next.lock() = Some(rq);
        let _ = device.workers.enqueue(device.clone());
    }

    fn commit_rqs(_device: ArcBorrow<'_, FileDevice>, _queue: u32) {}

    /// Nobody but the test shall use it, not even udev.
    fn open(_device: ArcBorrow<'_, FileDevice>, _disk: &Disk<Self>, _mode: Mode) -> Result {
        Err(ENXIO)
    }

    fn release(_device: ArcBorrow<'_, FileDevice>, _disk: &Disk<Self>) {}
}

impl FileIo for FileDriver {
    type PerRequest = ();

    fn file(rq: &Request<Self>) -> Option<&BackingFile> {
        rq.queue_data().as_deref()
    }

    fn io_done(rq: Request<Self>, result: Result<usize>) {
        *rq.device().result.lock() = Some(result);
        rq.end(result.map_or_else(Status::from, |_| Status::OK));
    }

    fn io_ready(rq: Request<Self>) {
        // Nothing here does without waiting.
        Self::io_done(rq, Err(EIO));
    }
}

#[kunit_tests(rloop_fs_io)]
mod tests {
    use super::*;
    use crate::{
        block::test_disk::{bdev_transfer, resize},
        fs::test_file,
        sys,
    };

    /// What came of a read or write of `memory.len()` bytes, at byte `at` of a disk that shows
    /// `file`. The disk is gone afterwards.
    fn io(
        way: Way,
        file: Option<Arc<BackingFile>>,
        direction: Direction,
        at: Bytes,
        memory: &mut [u8],
    ) -> Result<Option<Result<usize>>> {
        let major = Major::register(None, CString::try_from_fmt(fmt!("rloop-test"))?, None)?;
        let workers = WorkQueue::new(
            c_str!("rloop_test_io"),
            Locality::Anywhere,
            Freezer::GoesOn,
            0,
        )?;
        let device = Arc::pin_init(
            pin_init!(FileDevice {
                workers,
                way,
                next <- new_irq_lock!(None, "rloop::test_next"),
                work <- new_work!("rloop::test_work"),
                result <- new_irq_lock!(None, "rloop::test_result"),
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
        let disk = GenDisk::<FileDriver>::new(
            LiveDisks::new()?,
            place,
            queues,
            false,
            device.clone(),
            file,
        )?;
        resize(&disk, 1 << 20);
        let write = direction == Direction::Write;
        // What the submitter is told is not the matter here.
        let _ = bdev_transfer(&disk, write, at.to_sectors().get(), memory);
        // The work item has a reference to the device; it shall not be the last one.
        device.workers.flush();
        let result = *device.result.lock();
        Ok(result)
    }

    fn shared(file: BackingFile) -> Result<Option<Arc<BackingFile>>> {
        Ok(Some(Arc::new(file, GFP_KERNEL)?))
    }

    /// 32 sectors, each filled with its number.
    fn numbered() -> Result<KVec<u8>> {
        let mut content = KVec::with_capacity(32 * 512, GFP_KERNEL)?;
        for sector in 0..32 {
            content.extend_with(512, sector, GFP_KERNEL)?;
        }
        Ok(content)
    }

    /// Whether a write lands where it shall, and nothing else changes.
    fn write_lands(way: Way) -> Result<bool> {
        let mut content = numbered()?;
        let file = Arc::new(test_file::with(&content)?, GFP_KERNEL)?;
        let mut memory = KVec::from_elem(b'w', 4096, GFP_KERNEL)?;
        let at = Bytes::new(8192);
        let result = io(way, Some(file.clone()), Direction::Write, at, &mut memory)?;
        content[8192..][..4096].fill(b'w');
        Ok(result == Some(Ok(4096)) && *test_file::content(&file, 0, 1 << 20)? == *content)
    }

    /// Whether a read gets what is in the file, from where it shall.
    fn read_gets_content(way: Way) -> Result<bool> {
        let content = numbered()?;
        let file = shared(test_file::with(&content)?)?;
        let mut memory = KVec::from_elem(b'r', 4096, GFP_KERNEL)?;
        let result = io(way, file, Direction::Read, Bytes::new(512), &mut memory)?;
        Ok(result == Some(Ok(4096)) && *memory == content[512..][..4096])
    }

    /// Whether a read gets the file up to its end, and says how much that was.
    fn read_ends_with_the_file(way: Way) -> Result<bool> {
        let file = shared(test_file::filled(1000, 3)?)?;
        let mut memory = KVec::from_elem(b'r', 4096, GFP_KERNEL)?;
        let result = io(way, file, Direction::Read, Bytes::new(512), &mut memory)?;
        Ok(result == Some(Ok(488)) && memory[..488].iter().all(|byte| *byte == 3))
    }

    /// What comes of writing to a file that is not open for that.
    fn error(way: Way) -> Result<Option<Result<usize>>> {
        let file = test_file::again(&test_file::new(4096)?, sys::RLOOP_O_RDONLY)?;
        let mut memory = KVec::from_elem(b'w', 4096, GFP_KERNEL)?;
        let at = Bytes::new(0);
        io(way, shared(file)?, Direction::Write, at, &mut memory)
    }

    /// What comes of reading where there is no file.
    fn without_file(way: Way) -> Result<Option<Result<usize>>> {
        let mut memory = KVec::from_elem(b'r', 4096, GFP_KERNEL)?;
        io(way, None, Direction::Read, Bytes::new(0), &mut memory)
    }

    #[test]
    fn transfer_writes_where_it_shall() -> Result {
        assert!(write_lands(Way::Transfer)?);
        Ok(())
    }

    #[test]
    fn submit_writes_where_it_shall() -> Result {
        assert!(write_lands(Way::Submit)?);
        Ok(())
    }

    #[test]
    fn transfer_reads_the_content() -> Result {
        assert!(read_gets_content(Way::Transfer)?);
        Ok(())
    }

    #[test]
    fn submit_reads_the_content() -> Result {
        assert!(read_gets_content(Way::Submit)?);
        Ok(())
    }

    #[test]
    fn transfer_is_short_at_the_end_of_the_file() -> Result {
        assert!(read_ends_with_the_file(Way::Transfer)?);
        Ok(())
    }

    #[test]
    fn submit_is_short_at_the_end_of_the_file() -> Result {
        assert!(read_ends_with_the_file(Way::Submit)?);
        Ok(())
    }

    #[test]
    fn transfer_tells_the_error_of_the_file() -> Result {
        assert!(error(Way::Transfer)? == Some(Err(EBADF)));
        Ok(())
    }

    #[test]
    fn submit_tells_the_error_of_the_file() -> Result {
        assert!(error(Way::Submit)? == Some(Err(EBADF)));
        Ok(())
    }

    #[test]
    fn transfer_without_a_file_is_an_io_error() -> Result {
        assert!(without_file(Way::Transfer)? == Some(Err(EIO)));
        Ok(())
    }

    #[test]
    fn submit_without_a_file_is_an_io_error() -> Result {
        assert!(without_file(Way::Submit)? == Some(Err(EIO)));
        Ok(())
    }
}
