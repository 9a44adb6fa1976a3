// SPDX-License-Identifier: GPL-2.0

//! A loop device.

use super::{
    binding::{Binding, Flag},
    flush::Flushes,
    health::Health,
    lane::Lanes,
    loop_driver::{errno, Loop},
    order::InOrder,
    registry::Shared,
    stats::Stats,
    sysfs::{LoopGroup, RloopGroup},
    uncached,
};
use crate::{
    block::{attributes::Attributes, Disk},
    core::{
        irq_lock::IrqLock,
        killable_mutex::KillableMutex,
        module::ModuleRef,
        workqueue::{Locality, WorkQueue},
    },
    fs::BackingFile,
    logic::state::{Refusal, State},
    new_irq_lock, new_killable_mutex,
};
use kernel::{
    impl_has_delayed_work, impl_has_work,
    prelude::*,
    str::CString,
    sync::{
        atomic::{Atomic, Relaxed},
        Arc,
    },
    workqueue::{new_delayed_work, new_work, DelayedWork, HasWork, Work, WorkItem},
};

/// Identifies the work items of a device.
pub(super) mod work {
    /// Syncs the backing file for the flushes that wait for it.
    pub(in super::super) const FLUSH: u64 = 1;
    /// Takes back limits that the backing file turned out not to support.
    pub(in super::super) const LIMITS: u64 = 2;
    /// Brings the access time of the backing file up to date.
    pub(in super::super) const TOUCH: u64 = 3;
    /// Drops from the page cache what was written.
    pub(in super::super) const DROP: u64 = 4;
}

/// What a bound device holds.
pub(crate) struct Attached {
    // In this order: who reads in these directories may hold the configuration, and is waited for.
    /// The directory `loop` in sysfs.
    pub(super) _loop_attributes: Attributes<LoopGroup>,
    /// The directory `rloop` in sysfs.
    pub(super) _rloop_attributes: Attributes<RloopGroup>,
    /// The configuration in force.
    pub(super) binding: Arc<Binding>,
    /// A bound device keeps the module loaded.
    pub(super) _module: ModuleRef,
}

/// What those see who only look at a device.
#[derive(Clone)]
pub(crate) struct Published {
    /// The configuration in force.
    pub(super) binding: Arc<Binding>,
    /// Whether the device will be detached on last close.
    pub(super) autoclear: bool,
}

/// A loop device, bound to a file or not.
#[pin_data]
pub(crate) struct Device {
    /// Its number.
    pub(super) index: u32,
    /// Its name, for messages.
    pub(super) name: CString,
    /// What all devices share.
    pub(super) shared: Arc<Shared>,
    /// How many loop devices its backing file lies on, one on the other, as far as can be seen.
    depth: Atomic<u32>,
    /// The state, and the lock of everything that changes it.
    #[pin]
    pub(super) control: KillableMutex<State<Attached>>,
    /// To be held by whoever waits for the block layer's claim, and as long as it has that.
    // LOCKING: Outermost. The block layer's wait cannot be killed, and whoever has the claim may wait
    // for long, for instance for a device below.
    #[pin]
    pub(super) claiming: KillableMutex<()>,
    /// The state refuses whoever wants to open the device, for those who cannot wait for its lock.
    // LOCKING: Changed under the lock of the state, read without, by `open()` under
    // `disk->open_mutex`. The last close, with all of the tear-down, is under that, too: an open
    // comes before or after. `LOOP_CLR_FD` and a removal are not, and count those who have the
    // device open. The block layer counts an opener only after `open()` has returned, so that they
    // may miss one that was let in just before, whether or not `open()` takes the lock. All ioctls
    // refuse that opener, and `attach::reopen()` does not take it for a file; the tear-down is done
    // by whoever closes the device last; and a disk that is removed is dead for it, as
    // `del_gendisk()` waits for `open_mutex`.
    gone: Flag,
    /// The configuration in force, for those who only look. Set from the end of attaching to the
    /// end of detaching.
    // LOCKING: Innermost. An interrupt-safe lock for want of a cheaper one that does not sleep.
    #[pin]
    published: IrqLock<Option<Published>>,
    /// Requests to be executed.
    #[pin]
    pub(super) lanes: Lanes,
    /// Requests that are accepted and have not taken effect.
    #[pin]
    pub(super) in_order: InOrder,
    /// Flushes that wait.
    #[pin]
    pub(super) flushes: Flushes,
    /// Whether something was lost.
    #[pin]
    pub(super) health: Health,
    /// What was counted.
    pub(super) stats: Stats,
    #[pin]
    flush_work: Work<Device, { work::FLUSH }>,
    #[pin]
    limits_work: Work<Device, { work::LIMITS }>,
    #[pin]
    touch_work: Work<Device, { work::TOUCH }>,
    #[pin]
    drop_work: DelayedWork<Device, { work::DROP }>,
}

impl_has_work! {
    impl HasWork<Self, { work::FLUSH }> for Device { self.flush_work }
    impl HasWork<Self, { work::LIMITS }> for Device { self.limits_work }
    impl HasWork<Self, { work::TOUCH }> for Device { self.touch_work }
}

impl_has_delayed_work! {
    impl HasDelayedWork<Self, { work::DROP }> for Device { self.drop_work }
}

impl Device {
    /// A device that is not bound.
    pub(super) fn new(index: u32, name: CString, shared: Arc<Shared>) -> Result<Arc<Self>> {
        let sizes = shared.sizes;
        Arc::pin_init(
            try_pin_init!(Self {
                index,
                name,
                shared,
                depth: Atomic::new(0),
                control <- new_killable_mutex!(State::new(), "rloop::control"),
                claiming <- new_killable_mutex!((), "rloop::claiming"),
                gone: Flag::unset(),
                published <- new_irq_lock!(None, "rloop::published"),
                lanes <- Lanes::new(sizes.fast_lanes, sizes.workers),
                in_order <- InOrder::new(),
                flushes <- Flushes::new(sizes.queues),
                health <- Health::new(),
                stats: Stats::new(),
                flush_work <- new_work!("rloop::flush"),
                limits_work <- new_work!("rloop::limits"),
                touch_work <- new_work!("rloop::touch"),
                drop_work <- new_delayed_work!("rloop::drop"),
            }),
            GFP_KERNEL,
        )
    }

    /// Whether its backing file lies on another loop device, as far as can be seen. Any context.
    pub(super) fn is_stacked(&self) -> bool {
        self.depth.load(Relaxed) != 0
    }

    /// Notes the file that the device is to be bound to. Only while no request is in flight.
    pub(super) fn stack_on(&self, file: &BackingFile) {
        let depth = file.lies_on::<Loop>().map_or(0, |disk| {
            disk.device().depth.load(Relaxed).saturating_add(1)
        });
        self.depth.store(depth, Relaxed);
    }

    /// Where its work is done. Any context.
    pub(super) fn workqueue(&self, locality: Locality) -> &WorkQueue {
        self.shared.workers.at(locality, self.depth.load(Relaxed))
    }

    /// Has one of its work items run there, if it is not queued already. Any context.
    pub(super) fn enqueue<const ID: u64>(self: &Arc<Self>, queue: &WorkQueue)
    where
        Self: HasWork<Self, ID> + WorkItem<ID, Pointer = Arc<Self>>,
    {
        let _ = queue.enqueue::<Arc<Self>, ID>(self.clone());
    }

    /// Its name.
    pub(super) fn label(&self) -> &str {
        self.name.to_str().unwrap_or("loop?")
    }

    /// How the device is configured; `None` if it is not bound. Any context.
    pub(super) fn published(&self) -> Option<Published> {
        self.published.lock().clone()
    }

    /// Whether [`published`](Self::published) tells anything: it is bound, or not yet detached in full.
    /// Any context.
    pub(super) fn is_published(&self) -> bool {
        self.published.lock().is_some()
    }

    /// Whether it can be opened. Waits for nobody: who has the lock of the state may wait for I/O,
    /// and whoever waits in an open can neither be killed nor let others close the device.
    pub(super) fn open(&self) -> Result {
        if self.gone.get() {
            return Err(errno(Refusal::Gone));
        }
        Ok(())
    }

    /// Lets [`open`](Self::open) know of a change of the state, that of this device. Any context,
    /// but under the lock of the state.
    pub(super) fn admit(&self, state: &State<Attached>) {
        self.gone.put(state.open().is_err());
    }

    /// Whether it can be bound, as far as can be told without waiting for whoever is about to change
    /// that.
    pub(super) fn is_free(&self) -> bool {
        self.claiming.try_lock().is_some()
            && self
                .control
                .try_lock()
                .is_some_and(|control| control.is_unbound())
    }

    /// Shows a device's state, that of this one, to those who only look. Any context, but under the
    /// lock of the state.
    pub(super) fn publish(&self, state: &State<Attached>) {
        let new = state.bound().ok().map(|attached| Published {
            binding: attached.binding.clone(),
            autoclear: state.autoclear(),
        });
        let old = core::mem::replace(&mut *self.published.lock(), new);
        // Outside of the lock: it may be the last to hold its file.
        drop(old);
    }

    /// Shows those who only look that the device will be detached on last close. Any context, but
    /// under the lock of the state.
    pub(super) fn publish_autoclear(&self) {
        if let Some(published) = &mut *self.published.lock() {
            published.autoclear = true;
        }
    }

    /// Puts a new configuration of a bound device, this one, in force, and whether it will be
    /// detached on last close, if that changes, too. Who only looks sees both at once. Sleeps.
    pub(super) fn reconfigure(
        &self,
        disk: &Disk<Loop>,
        state: &mut State<Attached>,
        binding: Binding,
        autoclear: Option<bool>,
    ) -> Result {
        let binding = Arc::new(binding, GFP_KERNEL)?;
        let attached = state.bound_mut().map_err(errno)?;
        let old = &attached.binding.window;
        // A file that cannot be asked any more, as its disk is gone, is no hindrance to other changes.
        let moved = (*old != binding.window)
            .then(|| {
                binding
                    .file
                    .size()
                    .map(|size| binding.window.capacity(size))
            })
            .transpose()?;
        {
            let (before, limits) = (attached.binding.limits(), binding.limits());
            let mut frozen = if limits == before {
                disk.freeze()
            } else {
                disk.freeze_to_change(&before, &limits)?
            };
            if !Arc::ptr_eq(&attached.binding.file, &binding.file) {
                self.flushes.exchange(&attached.binding.file, &binding.file);
                self.stack_on(&binding.file);
            }
            if let Some(capacity) = moved {
                self.health.moved(capacity, binding.window.covers(old));
            }
            *frozen.queue_data() = Some(binding.clone());
        }
        // Who is told of the new window finds the device of that size.
        if let Some(capacity) = moved {
            disk.set_capacity(capacity.get());
        }
        attached.binding = binding;
        if let Some(autoclear) = autoclear {
            state.set_autoclear(autoclear).map_err(errno)?;
        }
        self.publish(state);
        Ok(())
    }
}

impl WorkItem<{ work::FLUSH }> for Device {
    type Pointer = Arc<Self>;

    fn run(this: Arc<Self>) {
        Flushes::run(&this);
    }
}

impl WorkItem<{ work::LIMITS }> for Device {
    type Pointer = Arc<Self>;

    fn run(this: Arc<Self>) {
        super::settings::take_back_limits(&this);
    }
}

impl WorkItem<{ work::TOUCH }> for Device {
    type Pointer = Arc<Self>;

    fn run(this: Arc<Self>) {
        // Under the lock: what comes after `losetup -d` finds the file unused. Who has it may wait for
        // other work, for which there may be no other thread: a later read will do as well.
        if let Some(control) = this.control.try_lock() {
            if let Ok(attached) = control.bound() {
                attached.binding.file.touch();
            }
        }
    }
}

impl WorkItem<{ work::DROP }> for Device {
    type Pointer = Arc<Self>;

    fn run(this: Arc<Self>) {
        uncached::run(&this);
    }
}
