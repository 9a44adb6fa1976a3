// SPDX-License-Identifier: GPL-2.0

//! Safe abstractions of kernel services that the `kernel` crate does not have (yet) and that belong
//! neither to the block layer nor to files.

pub(crate) mod clock;
pub(crate) mod context;
pub(crate) mod control_node;
pub(crate) mod errno;
pub(crate) mod irq_lock;
pub(crate) mod killable_mutex;
pub(crate) mod module;
pub(crate) mod params;
pub(crate) mod privilege;
pub(crate) mod ratelimit;
pub(crate) mod topology;
pub(crate) mod uapi;
pub(crate) mod workqueue;
