// SPDX-License-Identifier: GPL-2.0

//! rloop: file-backed block devices, `/dev/loopN`.
//!
//! A drop-in replacement of the C `loop` driver whose flushes wait for the writes in flight and
//! whose errors are not lost. The layers, each of which uses only those below it:
//!
//! - [`driver`]: the policy; safe Rust.
//! - [`block`], [`fs`], [`core`]: safe abstractions of blk-mq, of files, and of whatever else the
//!   `kernel` crate lacks. All unsafe code is here.
//! - [`sys`]: raw bindings.
//! - [`logic`]: algorithms that need no kernel; compiled and tested on the host as well.

mod block;
mod core;
mod driver;
mod fs;
mod logic;
mod sys;

use kernel::prelude::*;

module! {
    type: Rloop,
    name: "rloop",
    authors: ["The rloop authors"],
    description: "File-backed block devices (replaces loop)",
    license: "GPL",
}

/// The loaded module.
struct Rloop {
    _module: driver::Module,
}

impl kernel::Module for Rloop {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        Ok(Self {
            _module: driver::Module::load()?,
        })
    }
}
