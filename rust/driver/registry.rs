// SPDX-License-Identifier: GPL-2.0

//! All devices.

use super::{
    binding::Flag,
    budget::Budget,
    device::Device,
    log::{refused, trouble},
    loop_driver::{errno, Loop},
    workers::Workers,
};
use crate::{
    block::{
        disk::{GenDisk, Place},
        live_disks::LiveDisks,
        major::Prober,
        tag_set::Queues,
    },
    core::{context, killable_mutex::KillableMutex},
    fs::Mappings,
    logic::{
        epoch::FlushMode,
        params::{OnOpen, PartShift},
        policy::Policy,
    },
    new_killable_mutex,
};
use kernel::{
    new_mutex,
    prelude::*,
    rbtree::{RBTree, RBTreeNodeReservation},
    str::CString,
    sync::{Arc, Completion, Mutex, SetOnce},
};

/// How many minor numbers a major number has (`MINORBITS`).
const MINORS: u32 = 1 << 20;

/// How much of everything a device has.
#[derive(Clone, Copy)]
pub(crate) struct Sizes {
    /// Hardware queues while it is bound.
    pub(super) queues: u32,
    /// Workers that never wait, which share out the hardware queues among them.
    pub(super) fast_lanes: u32,
    /// Requests in flight at most, in each of them.
    pub(super) queue_depth: u32,
    /// Requests that may wait for I/O at once.
    pub(super) workers: u32,
}

/// What a device is set to when it is attached.
#[derive(Clone, Copy)]
pub(crate) struct Defaults {
    /// What becomes of it when something is lost.
    pub(super) error_policy: Policy,
    /// What its flushes mean for later writes.
    pub(super) flush_mode: FlushMode,
}

/// What all devices share.
#[pin_data]
pub(crate) struct Shared {
    /// What the names of device nodes begin with.
    pub(super) prefix: CString,
    /// Minor numbers per device, as a power of two.
    pub(super) part_shift: PartShift,
    /// How much of everything a device has.
    pub(super) sizes: Sizes,
    /// What a device is set to when it is attached.
    pub(super) defaults: Defaults,
    /// Where backing I/O is done, for all devices.
    pub(super) workers: Workers,
    /// The page caches of backing files.
    pub(super) mappings: Arc<Mappings>,
    /// All disks, those that were removed as well.
    pub(super) disks: Arc<LiveDisks>,
    /// Workers beyond the first of each lane.
    pub(super) extra: Budget,
    /// The same for what is held up.
    pub(super) extra_held_up: Budget,
    /// Held while a loop device becomes the backing file of another.
    #[pin]
    pub(super) topology: KillableMutex<()>,
}

impl Shared {
    /// Makes it.
    pub(super) fn new(
        prefix: CString,
        part_shift: PartShift,
        sizes: Sizes,
        defaults: Defaults,
        workers: Workers,
    ) -> Result<Arc<Self>> {
        let mappings = Mappings::new()?;
        let disks = LiveDisks::new()?;
        Arc::pin_init(
            pin_init!(Self {
                prefix,
                part_shift,
                sizes,
                defaults,
                workers,
                mappings,
                disks,
                extra: Budget::new(),
                extra_held_up: Budget::new(),
                topology <- new_killable_mutex!((), "rloop::topology"),
            }),
            GFP_KERNEL,
        )
    }
}

/// What there is under a number.
enum Slot {
    /// A device is being made or removed.
    Changing,
    /// A device.
    Live(GenDisk<Loop>),
}

/// The table of all devices.
#[pin_data]
pub(crate) struct Registry {
    shared: Arc<Shared>,
    // What is to be made when its node is opened.
    on_open: OnOpen,
    // The number is known only when it is registered.
    major: SetOnce<u32>,
    // Opening a node makes a device: the module's load fails no longer.
    probing: Flag,
    // It is known whether that is so.
    #[pin]
    decided: Completion,
    // LOCKING: For looking at the table only, never while a disk is added or removed: that takes
    // `open_mutex`.
    #[pin]
    table: Mutex<RBTree<u32, Slot>>,
}

impl Registry {
    /// An empty table.
    pub(super) fn new(shared: Arc<Shared>, on_open: OnOpen) -> Result<Arc<Self>> {
        Arc::pin_init(
            pin_init!(Self {
                shared,
                on_open,
                major: SetOnce::new(),
                probing: Flag::unset(),
                decided <- Completion::new(),
                table <- new_mutex!(RBTree::new(), "rloop::registry"),
            }),
            GFP_KERNEL,
        )
    }

    /// Sets the major number of the devices; there can be none before. Once only.
    pub(super) fn set_major(&self, number: u32) {
        self.major.populate(number);
    }

    /// Has those who open nodes wait until it is known whether the module's load fails. To be called
    /// when the major number is registered, and to be undone before it is unregistered.
    pub(super) fn loading(&self) -> Loading<'_> {
        Loading(self)
    }

    /// What names begin with, for messages.
    pub(super) fn label(&self) -> &str {
        self.shared.prefix.to_str().unwrap_or("loop?")
    }

    /// One more than the largest number a device can have.
    fn limit(&self) -> u32 {
        MINORS >> self.shared.part_shift.bits()
    }

    /// Makes a device with this number, or with the lowest that is free. Returns the number.
    /// Sleeps.
    pub(super) fn add(&self, wanted: Option<u32>) -> Result<u32> {
        let node = RBTreeNodeReservation::new(GFP_KERNEL)?;
        let index = {
            let mut table = self.table.lock();
            let index = match wanted {
                Some(index) if table.get(&index).is_some() => return Err(EEXIST),
                Some(index) => index,
                None => lowest_free(&table),
            };
            if index >= self.limit() {
                refused!(
                    self.label(),
                    "device number",
                    index,
                    "there is no minor number for it",
                    fmt!("0 to {}", self.limit().saturating_sub(1))
                );
                return Err(EINVAL);
            }
            table.insert(node.into_node(index, Slot::Changing));
            index
        };
        let made = self.make(index);
        let mut table = self.table.lock();
        match made {
            Ok(disk) => {
                if let Some(slot) = table.get_mut(&index) {
                    *slot = Slot::Live(disk);
                }
                Ok(index)
            }
            Err(error) => {
                table.remove(&index);
                Err(error)
            }
        }
    }

    /// Makes the disk of a device.
    fn make(&self, index: u32) -> Result<GenDisk<Loop>> {
        let shift = self.shared.part_shift;
        let major = self.major.copy().ok_or(ENODEV)?;
        let name = CString::try_from_fmt(fmt!("{}{}", self.label(), index))?;
        let place_name = CString::try_from_fmt(fmt!("{}{}", self.label(), index))?;
        let device = Device::new(index, name, self.shared.clone())?;
        GenDisk::new(
            self.shared.disks.clone(),
            Place {
                name: &place_name,
                major,
                first_minor: index << shift.bits(),
                minors: shift.minors(),
            },
            Queues {
                count: 1,
                depth: self.shared.sizes.queue_depth,
            },
            shift.bits() != 0,
            device,
            None,
        )
    }

    /// Removes a device that is neither bound nor open. Sleeps.
    pub(super) fn remove(&self, index: u32) -> Result {
        let disk = {
            let mut table = self.table.lock();
            let slot = table.get_mut(&index).ok_or(ENODEV)?;
            // For that nobody has to wait who may hold the lock of the state.
            if matches!(slot, Slot::Live(disk) if disk.device().is_published()) {
                return Err(EBUSY);
            }
            let Slot::Live(disk) = core::mem::replace(slot, Slot::Changing) else {
                return Err(ENODEV);
            };
            disk
        };
        // LOCKING: Not under the table's lock. Whoever has this one may wait for I/O of the device,
        // and nobody who looks for another device shall wait for that.
        let deleted = {
            let device = disk.device();
            device.control.lock_killable().and_then(|mut control| {
                let deleted = control.delete(disk.openers()).map_err(errno);
                device.admit(&control);
                deleted
            })
        };
        if let Err(error) = deleted {
            if let Some(slot) = self.table.lock().get_mut(&index) {
                *slot = Slot::Live(disk);
            }
            return Err(error);
        }
        // Nobody can open or bind it any more.
        drop(disk);
        self.table.lock().remove(&index);
        Ok(())
    }

    /// The lowest number of a device that is not bound; a new one if there is none. Another process
    /// may be faster to bind it. Sleeps.
    pub(super) fn get_free(&self) -> Result<u32> {
        {
            let table = self.table.lock();
            for (index, slot) in table.iter() {
                if let Slot::Live(disk) = slot {
                    if disk.device().is_free() {
                        return Ok(*index);
                    }
                }
            }
        }
        self.add(None)
    }

    /// Removes all devices. Only when nobody can use them any more, which is when the module is
    /// unloaded. Sleeps.
    pub(super) fn clear(&self) {
        let all = core::mem::replace(&mut *self.table.lock(), RBTree::new());
        drop(all);
        self.shared.disks.wait_for_none();
        context::wait_for_preempted_tasks();
        // What their work items held is freed when those have run.
        self.shared.workers.flush();
    }
}

/// The module's load, while it may fail. If this is just dropped it has failed.
pub(super) struct Loading<'a>(&'a Registry);

impl Loading<'_> {
    /// Nothing fails from here on: makes devices from now on when their nodes are opened.
    pub(super) fn succeeded(self) {
        self.0.probing.set();
    }
}

impl Drop for Loading<'_> {
    fn drop(&mut self) {
        self.0.decided.complete_all();
    }
}

impl Prober for Registry {
    fn probe(&self, minor: u32) {
        // Before that the load may fail, and the module go away under whoever has opened a device.
        // LOCKING: The lock of all major numbers is held meanwhile, which the load needs only before
        // and after: to register the number, and to unregister it when this has returned.
        self.decided.wait_for_completion();
        if !self.probing.get() {
            return;
        }
        let Some(index) = self.on_open.device(minor) else {
            return;
        };
        match self.add(Some(index)) {
            // Somebody was faster, or the device is just being removed.
            Ok(_) | Err(EEXIST) => {}
            Err(error) => trouble!(self.label(), "could not make device {}: {:?}", index, error),
        }
    }
}

fn lowest_free(table: &RBTree<u32, Slot>) -> u32 {
    let mut lowest = 0;
    for index in table.keys() {
        if *index != lowest {
            break;
        }
        lowest = index.saturating_add(1);
    }
    lowest
}
