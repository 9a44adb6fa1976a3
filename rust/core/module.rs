// SPDX-License-Identifier: GPL-2.0

//! References to this module itself.

use crate::sys;

extern "C" {
    /// Made by modpost for every module.
    #[allow(improper_ctypes)]
    static __this_module: kernel::types::Opaque<kernel::bindings::module>;
}

/// The address of this module's `struct module`, for `owner` fields.
pub(crate) const THIS_MODULE: *mut kernel::bindings::module =
    (&raw const __this_module).cast_mut().cast();

/// A reference that keeps the module loaded: `rmmod` fails with `EBUSY` while one exists.
pub(crate) struct ModuleRef(());

impl ModuleRef {
    /// Takes a reference. Any context.
    ///
    /// The caller must be running on behalf of something that holds the module already, such as
    /// an open device node; every caller in this driver is, as all entry points are file or block
    /// device operations whose `owner` is set.
    pub(crate) fn get() -> Self {
        // SAFETY: The module is live: this code is running in it.
        unsafe { sys::rloop_module_get() };
        Self(())
    }
}

impl Drop for ModuleRef {
    fn drop(&mut self) {
        // SAFETY: `self` owns a reference taken in `get()`.
        unsafe { sys::rloop_module_put() };
    }
}

#[kernel::prelude::kunit_tests(rloop_core_module)]
mod tests {
    use super::*;
    use kernel::{bindings, prelude::*};

    /// More references than anybody else has.
    const MANY: usize = 1000;

    fn references() -> i32 {
        // SAFETY: This module is live.
        unsafe { bindings::module_refcount(THIS_MODULE) }
    }

    #[test]
    fn references_are_counted_and_given_back() -> Result {
        let mut held = KVec::with_capacity(MANY, GFP_KERNEL)?;
        for _ in 0..MANY {
            held.push(ModuleRef::get(), GFP_KERNEL)?;
        }
        let with = references();
        drop(held);
        let without = references();
        assert!(with >= MANY as i32);
        assert!(without < MANY as i32);
        Ok(())
    }
}
