// SPDX-License-Identifier: GPL-2.0

//! `/sys/block/<dev>/loop/` and `/sys/block/<dev>/rloop/`, which exist while the device is bound.

use super::{
    binding::Binding,
    device::{Device, Published},
    health::NewPolicy,
    log::refused,
    loop_driver::Loop,
};
use crate::{
    block::{
        attributes::{Group, Output},
        Disk,
    },
    core::errno::eopnotsupp,
    logic::{epoch::FlushMode, flags::Flags, policy::Policy, units::Sectors},
};
use kernel::{c_str, page::PAGE_SIZE, prelude::*, str::CStr};

/// The directory `loop`, as `losetup --list` reads it.
pub(crate) struct LoopGroup;

impl Group for LoopGroup {
    type Driver = Loop;

    const NAME: &'static CStr = c_str!("loop");

    const FILES: &'static [&'static CStr] = &[
        c_str!("backing_file"),
        c_str!("offset"),
        c_str!("sizelimit"),
        c_str!("autoclear"),
        c_str!("partscan"),
        c_str!("dio"),
    ];

    fn show(disk: &Disk<Loop>, file: usize, out: &mut Output<'_>) -> Result {
        let device = disk.device();
        // LOCKING: Not the lock of the state, which is held while this directory is removed when
        // attaching fails.
        let Published { binding, autoclear } = device.published().ok_or(ENODEV)?;
        let flag = |flag| {
            if binding.flags.contains(flag) {
                "1"
            } else {
                "0"
            }
        };
        match file {
            0 => {
                // With its end and a newline it has to be less than a page.
                let mut page = KVec::from_elem(0u8, PAGE_SIZE - 1, GFP_KERNEL)?;
                out.bytes(binding.file.path(&mut page)?)
            }
            1 => out.number(binding.window.offset().get()),
            2 => out.number(binding.window.sizelimit().get()),
            3 => out.text(if autoclear { "1" } else { "0" }),
            4 => out.text(flag(Flags::PARTSCAN)),
            _ => out.text(flag(Flags::DIRECT_IO)),
        }
    }
}

// The numbers of the files that can be written.
const UNCACHED: usize = 4;
const ERROR_POLICY: usize = 5;
const HEALTH: usize = 6;
const FLUSH_MODE: usize = 7;

/// The directory `rloop`: what the C driver does not tell.
pub(crate) struct RloopGroup;

impl Group for RloopGroup {
    type Driver = Loop;

    const NAME: &'static CStr = c_str!("rloop");

    const FILES: &'static [&'static CStr] = &[
        c_str!("dio_reason"),
        c_str!("queues"),
        c_str!("workers"),
        c_str!("stats"),
        c_str!("uncached"),
        c_str!("error_policy"),
        c_str!("health"),
        c_str!("flush_mode"),
        c_str!("suspect"),
    ];

    fn show(disk: &Disk<Loop>, file: usize, out: &mut Output<'_>) -> Result {
        let device = disk.device();
        let Published { binding, .. } = device.published().ok_or(ENODEV)?;
        match file {
            // What stands in the way of direct I/O.
            0 => out.text(match binding.direct_possible() {
                Ok(()) => "none",
                Err(obstacle) => obstacle.as_str(),
            }),
            1 => out.number(disk.hw_queues().into()),
            2 => out.number(device.shared.sizes.workers.into()),
            3 => device.stats.show(out),
            UNCACHED => out.text(if binding.is_uncached() { "1" } else { "0" }),
            ERROR_POLICY => out.text(device.health.policy().as_str()),
            HEALTH => device.health.show(out),
            FLUSH_MODE => out.text(device.flushes.mode().as_str()),
            _ => device.health.show_suspect(out),
        }
    }

    fn is_writable(file: usize) -> bool {
        matches!(file, UNCACHED | ERROR_POLICY | HEALTH | FLUSH_MODE)
    }

    fn store(disk: &Disk<Loop>, file: usize, text: &[u8]) -> Result {
        let device = disk.device();
        let Published { binding, .. } = device.published().ok_or(ENODEV)?;
        let text = core::str::from_utf8(text).unwrap_or("?");
        match file {
            UNCACHED => set_uncached(&device, &binding, text),
            ERROR_POLICY => set_error_policy(&device, disk, text),
            HEALTH => set_health(&device, text),
            _ => set_flush_mode(&device, disk, text),
        }
    }
}

/// Refuses what was written to a file.
fn refuse(device: &Device, what: &str, text: &str, allowed: &str) -> Error {
    refused!(device.label(), what, text, "it cannot be set so", allowed);
    EINVAL
}

fn set_uncached(device: &Device, binding: &Binding, text: &str) -> Result {
    match text {
        "0" => binding.uncached.unset_again(),
        "1" if binding.file.can_uncached() => {
            binding.uncached.set();
        }
        "1" => {
            let allowed = "0: the backing file system cannot do without";
            refuse(device, "uncached", text, allowed);
            return Err(eopnotsupp());
        }
        _ => return Err(refuse(device, "uncached", text, "0 or 1")),
    }
    Ok(())
}

fn set_error_policy(device: &Device, disk: &Disk<Loop>, text: &str) -> Result {
    let Some(policy) = Policy::parse(text) else {
        return Err(refuse(device, "error_policy", text, Policy::ALLOWED));
    };
    if policy == device.health.policy() {
        return Ok(());
    }
    let new = NewPolicy::new(policy)?;
    let _frozen = disk.freeze();
    device.health.switch(new, Sectors::new(disk.capacity()));
    Ok(())
}

fn set_flush_mode(device: &Device, disk: &Disk<Loop>, text: &str) -> Result {
    let Some(mode) = FlushMode::parse(text) else {
        return Err(refuse(device, "flush_mode", text, FlushMode::ALLOWED));
    };
    let _frozen = disk.freeze();
    device.flushes.set_mode(mode);
    Ok(())
}

fn set_health(device: &Device, text: &str) -> Result {
    match text {
        "reset" => {
            device.health.reset();
            Ok(())
        }
        _ => Err(refuse(device, "health", text, "reset")),
    }
}
