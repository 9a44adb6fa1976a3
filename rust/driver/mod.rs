// SPDX-License-Identifier: GPL-2.0

//! The driver's policy: which file is which device, what each ioctl means, what becomes of each
//! request. All of it safe Rust on top of [`crate::block`], [`crate::fs`] and [`crate::core`], with
//! the decisions that need no kernel in [`crate::logic`].
//!
//! # The way of a request
//!
//! blk-mq gives a request to [`queue_rq`](loop_driver). A flush goes to the device's
//! [`flush`](flush::Flushes), everything else to its [`lane`]; writes take a ticket of the drain
//! on the way. The lane's worker [`execute`]s requests in their order: directly, in which case the
//! request comes back when the I/O is done, or through the page cache. [`execute::finish`] ends a
//! request and gives its ticket back, whereupon flushes may proceed.
//!
//! # The way of a device
//!
//! [`registry`] makes and removes devices, asked by the [`control`] node. [`attach`] binds a device
//! to a file and [`detach`] undoes that; what is in between is a [`binding::Binding`], an immutable
//! value that a change of the configuration replaces as a whole, while the queue is frozen.
//!
//! # Locks
//!
//! From the outside in: `disk->open_mutex`, [`Shared::topology`](registry::Shared),
//! `Device::control`, the freeze of the queue, `Device::published`. The registry's lock is held
//! for looking at its table only. The lane's and the flushes' lock are taken with nothing inside.

#![deny(unsafe_code)]

mod attach;
mod binding;
mod budget;
mod control;
mod detach;
mod device;
mod execute;
mod flush;
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

pub(crate) use module::Module;
