// SPDX-License-Identifier: GPL-2.0

//! What rloop decides, apart from how it is done.
//!
//! Everything here is pure: `core` only, no allocation, no `unsafe`, nothing of
//! the kernel, no panics. The files are compiled twice, into the kernel module
//! (from here) and into a crate of the host (from `host.rs`), where they are
//! tested against simple oracles. So they refer to each other by `super::` and
//! to the language's library by `::core::`, never by `crate::`.
//!
//! Locking is the caller's: no type here synchronises anything.

#![forbid(unsafe_code)]
// `pub` is what the host crate needs. In the kernel module nothing outside of
// the crate can reach it, which is no fault. Unused items are still reported.
#![allow(unreachable_pub)]

pub mod block_size;
pub mod direct;
pub mod epoch;
pub mod errcursor;
pub mod flags;
pub mod overlap;
pub mod pace;
pub mod params;
pub mod policy;
pub mod pseudo;
pub mod range_set;
pub mod state;
pub mod transfer;
pub mod turns;
pub mod units;
pub mod window;
