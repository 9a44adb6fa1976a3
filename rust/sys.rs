// SPDX-License-Identifier: GPL-2.0

//! The raw kernel interface: bindings that bindgen made from `helpers.h`.
//!
//! Only `block/`, `fs/` and `core/` may use this module; `scripts/check-layers` holds that. What
//! the `kernel` crate binds itself is used from `kernel::bindings`.

#![allow(
    dead_code,
    improper_ctypes,
    missing_docs,
    non_camel_case_types,
    non_snake_case,
    non_upper_case_globals,
    unreachable_pub,
    clippy::all,
    clippy::undocumented_unsafe_blocks
)]

include!(env!("RLOOP_BINDINGS"));
