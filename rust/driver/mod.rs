// SPDX-License-Identifier: GPL-2.0

//! The driver's policy: which file is which device, what each ioctl means, what becomes of each
//! request. All of it safe Rust on top of [`crate::block`], [`crate::fs`] and [`crate::core`], with
//! the decisions that need no kernel in [`crate::logic`].
//!
//! # The way of a request
//!
//! blk-mq gives a request to [`queue_rq`](loop_driver). A flush goes to the device's
//! [`flush`](flush::Flushes). Everything else is put into its [`order`](order::InOrder), and waits
//! there for requests accepted before whose range it overlaps; writes take a ticket of the drain on
//! the way. Then it goes to one of the device's [lanes](lane), whose worker, one of the [`workers`],
//! [`execute`]s it: directly, in which case the request comes back when the I/O is done, with
//! interrupts off by a [`done_lane`], or through the page cache, where a read may be left to come back
//! when the page is there. What would block goes to the lane whose workers may. What a worker itself
//! has brought to an end goes to a [`done_lane`] as well, unless requests come one at a time.
//! [`execute::end`] ends it, releases those that waited for it, and gives its ticket back, whereupon
//! flushes may proceed. With barriers a write that comes after a flush is held before its lane until that has
//! ended. What becomes of writes and flushes after a loss is decided by the device's [`health`].
//!
//! # The way of a device
//!
//! [`registry`] makes and removes devices, asked by the [`control`] node. [`attach`] binds a device
//! to a file and [`detach`] undoes that; what is in between is a [`binding::Binding`], an immutable
//! value that a change of the configuration replaces as a whole, while the queue is frozen.
//!
//! # Locks
//!
//! From the outside in: `Device::claiming`, `disk->open_mutex`, [`Shared::topology`](registry::Shared),
//! `Device::control`, the freeze of the queue, `Device::published`. The registry's lock is held
//! for looking at its table only; those of the page caches ([`Mappings`](crate::fs::Mappings)) and of
//! the disks that live are innermost. Hardware queues are set outside of all of them. To open a device
//! takes none of ours, see `Device::gone`. The locks of the order, the lanes, the flushes and the
//! health are taken with nothing inside, in any context.
//!
//! Who holds `topology` or a device's `claiming` or `control` may wait for I/O, for as long as that
//! takes. An ioctl waits for them only until its caller is killed, and then fails with `EINTR`; the
//! last close and the work items, which nobody could do again, wait to the end. `topology` is for
//! attaching to a loop device and exchanging files for one, so that no device's trouble becomes that
//! of all others. Detaching does not need it: once a device is open as the file of another,
//! `LOOP_CLR_FD` leaves it bound, see `attach::reopen()`.

#![deny(unsafe_code)]

mod attach;
mod binding;
mod budget;
mod control;
mod detach;
mod device;
mod done_lane;
mod execute;
mod flush;
mod health;
mod ioctl;
mod lane;
mod log;
mod loop_driver;
mod module;
mod order;
mod pool_lane;
mod registry;
mod serial_lane;
mod settings;
mod stats;
mod status;
mod sysfs;
mod uncached;
mod workers;

pub(crate) use module::Module;
