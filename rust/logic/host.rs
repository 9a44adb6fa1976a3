// SPDX-License-Identifier: GPL-2.0

//! The pure logic of rloop, as a crate of the host.
//!
//! The kernel module includes the same files by `mod logic;`. This root is
//! what host tests link against. It also forbids what the kernel must never
//! meet and what its own lints do not look for: panics, unchecked arithmetic
//! and `as`.
//!
//! A write's ticket in the drain cannot be used twice, for that does not
//! compile:
//!
//! ```compile_fail,E0382
//! let mut epochs = rloop_logic::epoch::Epochs::new();
//! let ticket = epochs.accept_write().unwrap();
//! let _ = epochs.complete_write(ticket);
//! let _ = epochs.complete_write(ticket);
//! ```

#![no_std]
#![forbid(unsafe_code)]
#![warn(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::integer_division_remainder_used,
    clippy::panic,
    clippy::string_slice,
    clippy::todo,
    clippy::unimplemented,
    clippy::unreachable,
    clippy::unwrap_used
)]

#[path = "mod.rs"]
mod logic;

pub use logic::*;
