// SPDX-License-Identifier: GPL-2.0

//! Charging the I/O below a device to the control group of whoever did the I/O above.

use crate::{
    block::{Operations, Request},
    sys,
};
use core::ptr::NonNull;
use kernel::{bindings, types::NotThreadSafe};

/// While it lives, what the current worker submits is charged to the block I/O and memory control
/// groups of a request's submitter.
///
/// Costs next to nothing for submitters in the root group. Process context; kernel threads only,
/// elsewhere it does nothing. Does not nest.
pub(crate) struct Charge {
    memcg: Option<(
        NonNull<bindings::cgroup_subsys_state>,
        *mut bindings::mem_cgroup,
    )>,
    blkcg: bool,
    _not_send: NotThreadSafe,
}

impl Charge {
    /// Charges the submitter of `rq`, of its first bio, until the result is dropped; for memory only
    /// with `memory`. Without it memory is nobody's, and never lacking for a group's limit.
    pub(crate) fn to<T: Operations>(rq: &Request<T>, memory: bool) -> Self {
        let mut charge = Self {
            memcg: None,
            blkcg: false,
            _not_send: NotThreadSafe,
        };
        // SAFETY: The request is live and so are its bios, which hold their group.
        let blkcg = unsafe { sys::rloop_rq_blkcg(rq.as_ptr()) };
        if blkcg.is_null() {
            return charge;
        }
        // SAFETY: The group is held by the request's bio for now, and by the current thread from
        // here on, until it is told otherwise in `drop()`.
        unsafe { sys::rloop_charge_blkcg(blkcg) };
        charge.blkcg = true;
        if !memory {
            return charge;
        }
        // SAFETY: As above.
        let memcg = unsafe { sys::rloop_memcg_of(blkcg) };
        charge.memcg = NonNull::new(memcg).map(|memcg| {
            // SAFETY: The reference just obtained is kept until `drop()`.
            (memcg, unsafe { sys::rloop_charge_memcg(memcg.as_ptr()) })
        });
        charge
    }

    /// Whether whoever is charged has more memory than its `memory.high`. The kernel makes those who
    /// allocate for it sleep, up to two seconds at a time (`mem_cgroup_handle_over_high`).
    pub(crate) fn is_throttled(&self) -> bool {
        self.memcg.is_some_and(|(memcg, _)| {
            // SAFETY: The reference is kept until `drop()`.
            unsafe { sys::rloop_memcg_over_high(memcg.as_ptr()) }
        })
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        if let Some((memcg, old)) = self.memcg {
            // SAFETY: `old` was in force in this same task; the reference is the one obtained.
            unsafe {
                sys::rloop_restore_memcg(old);
                sys::rloop_css_put(memcg.as_ptr());
            }
        }
        if self.blkcg {
            // SAFETY: No group is always right.
            unsafe { sys::rloop_charge_blkcg(core::ptr::null_mut()) };
        }
    }
}
