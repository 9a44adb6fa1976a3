// SPDX-License-Identifier: GPL-2.0

//! Binding a device to a file, and exchanging the file.

use super::{
    binding::{Binding, Flag, InProgress},
    device::{Attached, Device, Published},
    health::Clean,
    log::refused,
    loop_driver::{errno, Loop},
    order::Table,
    status,
};
use crate::{
    block::{attributes::Attributes, bdev::Claim, operations::Mode, BlockDevice},
    core::{killable_mutex::KillableGuard, module::ModuleRef, uapi::LoopConfig},
    fs::{BackingFile, GivenFile},
    logic::{block_size::BlockSize, direct::Alignment, flags::Flags},
};
use kernel::{prelude::*, sync::Arc};

/// `LOOP_CONFIGURE`, and `LOOP_SET_FD` with all but the descriptor 0.
///
/// Nothing of the device changes unless all of it succeeds. Sleeps.
pub(super) fn configure(
    device: &Device,
    bdev: &BlockDevice<Loop>,
    mode: Mode,
    config: &LoopConfig,
) -> Result {
    let disk = bdev.disk();
    // The checks come in the C driver's order, which can be seen by the errno.
    let given = given(device, config.fd)?;
    let module = ModuleRef::get();

    // Whoever has the device open exclusively relies on it; that may be the caller.
    let claim = Claimed::take(device, bdev, mode)?;
    if !device.control.lock_killable()?.is_unbound() {
        return Err(EBUSY);
    }
    check(device, config.fd, &given)?;

    let requested = config.info.flags;
    let flags = Flags::from_configure(requested).map_err(|unknown| {
        refused!(
            device.label(),
            "flags",
            requested,
            fmt!("{:#x} is unknown", unknown),
            "read-only (1), autoclear (4), partition scan (8), direct I/O (16)"
        );
        EINVAL
    })?;
    let settings = status::Settings::parse(device, &config.info)?;
    let explicit_block_size = match config.block_size {
        0 => None,
        bytes => Some(block_size(device, u64::from(bytes))?),
    };

    let read_only = flags.contains(Flags::READ_ONLY) || !given.is_writable() || !mode.is_write();
    let want_direct = flags.contains(Flags::DIRECT_IO) || given.is_direct();
    // LOCKING: Outside of our locks. To open a block device takes its `open_mutex`, inside of which
    // our `release` takes the lock of the state; that of a loop device below is taken, too.
    let file = Arc::new(reopen(device, config.fd, &given, read_only)?, GFP_KERNEL)?;
    let (alignment, discard) = (file.direct_alignment(), file.discard());
    let mut effective = flags.without(Flags::AUTOCLEAR);
    if read_only {
        effective = effective.with(Flags::READ_ONLY);
    }
    if want_direct {
        effective = effective.with(Flags::DIRECT_IO);
    }
    if device.shared.part_shift.bits() != 0 {
        effective = effective.with(Flags::PARTSCAN);
    }
    let default_block_size = default_block_size(want_direct, alignment);
    let mut binding = Binding {
        disk: disk.into(),
        file,
        window: settings.window,
        flags: effective,
        block_size: explicit_block_size.unwrap_or(default_block_size),
        alignment,
        discard,
        name: settings.name,
        cannot_discard: Arc::new(Flag::unset(), GFP_KERNEL)?,
        uncached: Arc::new(Flag::unset(), GFP_KERNEL)?,
        changes: InProgress::none(),
        misses: Flag::unset(),
    };
    binding.drop_impossible_direct();
    let capacity = binding.window.capacity(binding.file.size()?);
    if binding.is_direct() {
        // Once for all, so that each direct I/O does not find dirty pages to be written first. P4:
        // an error of that is the caller's to know.
        binding.file.sync_data()?;
    }
    let binding = Arc::new(binding, GFP_KERNEL)?;
    let limits = binding.limits();

    // A device that was never bound has one queue only, which costs less memory.
    // LOCKING: Outside of our locks: `del_gendisk()` takes `open_mutex` inside of what this takes.
    // If another process binds the device meanwhile it has done the same, and nothing changes.
    let sizes = device.shared.sizes;
    disk.set_hw_queues(sizes.queues);
    let table = Table::new(sizes.queues.saturating_mul(sizes.queue_depth))?;
    let health = Clean::new(device.shared.defaults.error_policy)?;

    // While a loop device becomes the backing file of another, no third one may change.
    let topology = topology(device, &given)?;
    let mut control = device.control.lock_killable()?;
    if !control.is_unbound() {
        return Err(EBUSY);
    }
    check_recursion(device, &given)?;
    let loop_attributes = Attributes::new(disk.into())?;
    let rloop_attributes = Attributes::new(disk.into())?;

    let uevents = disk.hold_uevents();
    {
        let mut frozen = disk.freeze_with(&limits)?;
        device.in_order.set(Some(table));
        device.stack_on(&binding.file);
        let mode = device.shared.defaults.flush_mode;
        device.flushes.attach(&binding.file, mode);
        device.health.set(health);
        *frozen.queue_data() = Some(binding.clone());
    }
    // Nothing fails from here on.
    disk.media_changed();
    disk.set_read_only(binding.is_read_only());
    let scan = binding.flags.contains(Flags::PARTSCAN);
    let attached = Attached {
        _loop_attributes: loop_attributes,
        _rloop_attributes: rloop_attributes,
        binding,
        _module: module,
    };
    // It is unbound, as checked under the same lock.
    if let Err((attached, refusal)) = control.attach(attached, flags.contains(Flags::AUTOCLEAR)) {
        drop(attached);
        return Err(errno(refusal));
    }
    disk.set_capacity(capacity.get());
    if scan {
        disk.allow_partition_scan(true);
    }
    // Who is told that it is bound finds the device of its size.
    device.publish(&control);
    drop(uevents);
    disk.notify_change();
    drop(control);
    drop(topology);
    if scan {
        // As with the C driver, a scan that fails does not undo the rest.
        let _ = disk.rescan_partitions();
    }
    drop(claim);
    Ok(())
}

/// `LOOP_CHANGE_FD`: another file takes the place of the first, whose content is the same; only for
/// read-only devices. Sleeps.
pub(super) fn change_fd(device: &Device, bdev: &BlockDevice<Loop>, fd: u32) -> Result {
    let disk = bdev.disk();
    let given = given(device, fd)?;
    if !device
        .control
        .lock_killable()?
        .bound()
        .map_err(errno)?
        .binding
        .is_read_only()
    {
        refused!(
            device.label(),
            "change of the backing file to descriptor",
            fd,
            "the device is writable",
            "read-only devices"
        );
        return Err(EINVAL);
    }
    check(device, fd, &given)?;
    // LOCKING: As in `configure()`.
    let file = reopen(device, fd, &given, true)?;

    let topology = topology(device, &given)?;
    let mut control = device.control.lock_killable()?;
    // It may be another one by now, but if so that is read-only, too, or this fails.
    let old = control.bound().map_err(errno)?.binding.clone();
    if !old.is_read_only() {
        return Err(EINVAL);
    }
    check_recursion(device, &given)?;
    let (had, has) = (
        old.window.capacity(old.file.size()?),
        old.window.capacity(file.size()?),
    );
    if had != has {
        refused!(
            device.label(),
            "size in sectors of the new backing file",
            has.get(),
            "it differs from that of the old one",
            had.get()
        );
        return Err(EINVAL);
    }
    let mut binding = old.with_flags(old.flags);
    if given.is_direct() {
        binding.flags = binding.flags.with(Flags::DIRECT_IO);
    }
    binding.alignment = file.direct_alignment();
    binding.discard = file.discard();
    binding.file = Arc::new(file, GFP_KERNEL)?;
    binding.drop_impossible_direct();
    if binding.is_direct() {
        // P4, as when attaching.
        binding.file.sync_data()?;
    }
    let scan = binding.flags.contains(Flags::PARTSCAN);
    let uevents = disk.hold_uevents();
    device.reconfigure(disk, &mut control, binding, None)?;
    disk.media_changed();
    drop(uevents);
    drop(control);
    drop(topology);
    // Without any lock: the last reference to a block device below takes that one's `open_mutex`.
    drop(old);
    if scan {
        let _ = disk.rescan_partitions();
    }
    disk.notify_change();
    Ok(())
}

/// An exclusive claim of a device, all of it, that is not open exclusively anyway, by its caller.
pub(super) struct Claimed<'a> {
    // In this order: who waits for the turn gets the claim at once. (Unless somebody opens the device
    // exclusively just now. Who does that waits for the claim itself, and cannot be killed.)
    _claim: Option<Claim<'a, Loop>>,
    _turn: KillableGuard<'a, ()>,
}

impl<'a> Claimed<'a> {
    /// Fails with `EBUSY` if somebody has it or a partition of it open exclusively, with `EINTR` when
    /// the caller is killed while he waits for others who do this. Sleeps.
    pub(super) fn take(
        device: &'a Device,
        bdev: &'a BlockDevice<Loop>,
        mode: Mode,
    ) -> Result<Self> {
        let turn = device.claiming.lock_killable()?;
        let is_claimed = mode.is_exclusive() && bdev.is_whole_disk();
        Ok(Self {
            _claim: (!is_claimed).then(|| bdev.claim_disk()).transpose()?,
            _turn: turn,
        })
    }
}

/// The file behind a descriptor, if its file system can serve the kernel at all.
fn given(device: &Device, fd: u32) -> Result<GivenFile> {
    let given = GivenFile::from_fd(fd).inspect_err(|_| {
        refused!(
            device.label(),
            "file descriptor",
            // As the caller sees it: -1 is the usual wrong one.
            fd as i32,
            "it is not open, or with O_PATH only",
            "a regular file or a block device"
        );
    })?;
    if !given.has_kernel_io() {
        // It fails, and knows better why.
        suitable(device, fd, &given)?;
    }
    Ok(given)
}

/// Opens the file behind a descriptor for the device, with which the descriptor's stays open, too.
///
/// Not that of a loop device: opened twice it would record its losses for both, and the device on it
/// would tell each of them twice (P3). A loop device stays bound for as long as the file is open.
fn reopen(device: &Device, fd: u32, given: &GivenFile, read_only: bool) -> Result<BackingFile> {
    let file = given
        .reopen(read_only, &device.shared.mappings)
        .inspect_err(|error| {
            refused!(
                device.label(),
                "file descriptor",
                // As the caller sees it.
                fd as i32,
                fmt!("its file cannot be opened once more: {:?}", error),
                "what its opener, and the caller's device control group, may open"
            );
        })?;
    let Some(disk) = given.disk::<Loop>() else {
        return Ok(file.keeping(given));
    };
    // With this one and its own caller's any `LOOP_CLR_FD` counts two openers, and leaves it bound.
    // One that counted before this has the lock until the device is in rundown, which is seen here.
    // LOCKING: None of ours is held, as that one may wait for I/O of the device below.
    let below = disk.device();
    let bound = below.control.lock_killable()?.bound().is_ok();
    if !bound {
        return Err(not_bound(device, &below));
    }
    Ok(file)
}

/// Refuses a loop device that has no backing file.
fn not_bound(device: &Device, below: &Device) -> Error {
    refused!(
        device.label(),
        "backing file",
        below.label(),
        "that device has no backing file",
        "bound devices"
    );
    EINVAL
}

/// Keeps loop devices from becoming the backing files of others, if the file is one. Fails with
/// `EINTR` when the caller is killed. Sleeps.
fn topology<'a>(device: &'a Device, given: &GivenFile) -> Result<Option<KillableGuard<'a, ()>>> {
    given
        .disk::<Loop>()
        .map(|_| device.shared.topology.lock_killable())
        .transpose()
}

/// Refuses a file that cannot back the device.
fn suitable(device: &Device, fd: u32, given: &GivenFile) -> Result {
    given.check().map_err(|why| {
        refused!(
            device.label(),
            "file descriptor",
            // As the caller sees it.
            fd as i32,
            why.reason(),
            why.allowed()
        );
        Error::from(why)
    })
}

/// Refuses a file that cannot back the device, or leads back to it as things are now.
fn check(device: &Device, fd: u32, given: &GivenFile) -> Result {
    {
        let _topology = topology(device, given)?;
        check_recursion(device, given)?;
    }
    suitable(device, fd, given)
}

/// Refuses a file that is the device itself, or a loop device that leads to it.
///
/// The caller holds `topology` if the file is a loop device, so that the chain does not change.
fn check_recursion(device: &Device, given: &GivenFile) -> Result {
    let Some(disk) = given.disk::<Loop>() else {
        return Ok(());
    };
    let mut below: Arc<Device> = disk.device().into();
    loop {
        if core::ptr::eq::<Device>(&*below, device) {
            refused!(
                device.label(),
                "backing file",
                device.label(),
                "the device would be its own backing file",
                "files that do not lead back to it"
            );
            return Err(EBADF);
        }
        let binding = match below.published() {
            // One that is on its way out counts no more, as with the C driver.
            Some(Published { binding, .. }) if below.open().is_ok() => binding,
            _ => return Err(not_bound(device, &below)),
        };
        below = match binding.file.disk::<Loop>() {
            Some(disk) => disk.device().into(),
            None => return Ok(()),
        };
    }
}

/// The logical block size of a device that was not given any.
pub(super) fn default_block_size(direct: bool, alignment: Alignment) -> BlockSize {
    if direct {
        // The smallest that direct I/O is possible with.
        BlockSize::new(
            u64::from(alignment.offset),
            crate::block::limits::MAX_BLOCK_SIZE,
        )
        .unwrap_or(BlockSize::SECTOR)
    } else {
        BlockSize::SECTOR
    }
}

/// A logical block size, if it is possible.
pub(super) fn block_size(device: &Device, bytes: u64) -> Result<BlockSize> {
    BlockSize::new(bytes, crate::block::limits::MAX_BLOCK_SIZE).map_err(|_| {
        refused!(
            device.label(),
            "block size",
            bytes,
            "the block layer does not support it",
            fmt!(
                "powers of two from 512 to {}",
                crate::block::limits::MAX_BLOCK_SIZE
            )
        );
        EINVAL
    })
}
