// SPDX-License-Identifier: GPL-2.0

//! Loading and unloading.

use super::{
    control::Control,
    log::{refused, trouble},
    registry::{Defaults, Registry, Shared, Sizes},
    workers::Workers,
};
use crate::{
    block::major::{self, Major},
    core::{
        control_node::{ControlNode, Minor},
        params, topology,
    },
    logic::{
        epoch::FlushMode,
        params::{self as rules, DevicePrefix, OnOpen, ParamError, PartShift},
        policy::Policy,
    },
};
use kernel::{
    prelude::*,
    str::{CStr, CString},
    sync::Arc,
};

/// The module while it is loaded.
pub(crate) struct Module {
    // Dropped first: nobody can ask for devices any more.
    _node: Pin<KBox<ControlNode<Control>>>,
    // Dropped second: nobody gets a device by opening its number any more.
    _major: Major,
    // Dropped third: removes all devices, destroys the workqueue.
    _devices: Devices,
}

/// Removes all devices when dropped.
struct Devices(Arc<Registry>);

impl Drop for Devices {
    fn drop(&mut self) {
        self.0.clear();
    }
}

/// The parameters, checked.
struct Parameters {
    prefix: DevicePrefix<'static>,
    part_shift: PartShift,
    max_loop: u32,
    on_open: OnOpen,
    sizes: Sizes,
    defaults: Defaults,
}

impl Parameters {
    fn check() -> Result<Self> {
        let name = params::name();
        let text = name.to_str().unwrap_or("");
        let prefix = DevicePrefix::parse(text).map_err(|error| {
            refused!(
                "module parameter",
                "name",
                text,
                "it is not a prefix of loop devices' names",
                fmt!("it must {}", error.allowed())
            );
            EINVAL
        })?;
        let max_part = params::max_part();
        let part_shift = number("max_part", max_part, rules::max_part(max_part.into()))?;
        let max_loop = params::max_loop();
        let max_loop = number(
            "max_loop",
            max_loop,
            rules::max_loop(max_loop.into(), part_shift),
        )?;
        let cpus = topology::cpus();
        let wanted = params::queues();
        let queues = number(
            "queues",
            wanted,
            rules::queues(wanted.into(), cpus, topology::nodes()),
        )?;
        let queue_depth = params::queue_depth();
        let workers = params::workers();
        Ok(Self {
            prefix,
            part_shift,
            max_loop,
            on_open: OnOpen::new(params::max_loop_given().then_some(max_loop), part_shift),
            sizes: Sizes {
                queues,
                fast_lanes: rules::fast_lanes(wanted.into(), queues, cpus),
                queue_depth: number(
                    "queue_depth",
                    queue_depth,
                    rules::queue_depth(queue_depth.into(), queues),
                )?,
                workers: number("workers", workers, rules::workers(workers.into(), cpus))?,
            },
            defaults: Defaults {
                error_policy: word(
                    "error_policy",
                    params::error_policy(),
                    Policy::parse,
                    Policy::ALLOWED,
                )?,
                flush_mode: word(
                    "flush_mode",
                    params::flush_mode(),
                    FlushMode::parse,
                    FlushMode::ALLOWED,
                )?,
            },
        })
    }
}

/// The outcome of the check of a parameter; says so if it is refused.
fn number<T>(name: &str, value: i32, checked: Result<T, ParamError>) -> Result<T> {
    checked.map_err(|error| {
        refused!(
            "module parameter",
            name,
            value,
            "it is out of range",
            error.allowed()
        );
        EINVAL
    })
}

/// What a word stands for; says so if it is refused.
fn word<T>(
    name: &str,
    value: &'static CStr,
    parse: impl FnOnce(&str) -> Option<T>,
    allowed: &str,
) -> Result<T> {
    let text = value.to_str().unwrap_or("?");
    parse(text).ok_or_else(|| {
        refused!("module parameter", name, text, "it is unknown", allowed);
        EINVAL
    })
}

impl Module {
    /// Checks the parameters, takes the numbers and makes the first devices.
    pub(crate) fn load() -> Result<Self> {
        let parameters = Parameters::check()?;
        params::set_max_part(i32::try_from(parameters.part_shift.max_part())?);
        let prefix = parameters.prefix.as_str();
        let own = |text: &str| CString::try_from_fmt(fmt!("{}", text));

        let (number, minor) = if parameters.prefix.is_default() {
            (Some(major::LOOP), Minor::LoopControl)
        } else {
            (None, Minor::Dynamic)
        };
        let shared = Shared::new(
            own(prefix)?,
            parameters.part_shift,
            parameters.sizes,
            parameters.defaults,
            Workers::new()?,
        )?;
        let devices = Devices(Registry::new(shared, parameters.on_open)?);
        let major = Major::register(number, own(prefix)?, Some(devices.0.clone()))
            .inspect_err(|error| taken(*error, prefix))?;
        devices.0.set_major(major.number());
        // Dropped before the number is unregistered, which waits for those who wait for this.
        let loading = devices.0.loading();
        let node = KBox::pin_init(
            ControlNode::register(
                CString::try_from_fmt(fmt!("{}-control", prefix))?,
                minor,
                Control(devices.0.clone()),
            ),
            GFP_KERNEL,
        )
        .inspect_err(|error| taken(*error, prefix))?;
        // Nothing fails from here on: what is made now can be opened at once, and must not go away
        // under whoever does.
        loading.succeeded();
        for index in 0..parameters.max_loop {
            match devices.0.add(Some(index)) {
                // Somebody who opened its node may have been faster.
                Ok(_) | Err(EEXIST) => {}
                Err(error) => trouble!(prefix, "could not make device {}: {:?}", index, error),
            }
        }
        pr_info!("ready: /dev/{}-control\n", prefix);
        Ok(Self {
            _node: node,
            _major: major,
            _devices: devices,
        })
    }
}

/// Says what to do about numbers that another driver has.
fn taken(error: Error, prefix: &str) {
    if error == EBUSY {
        pr_err!(
            "the numbers of {} devices are taken, probably by the C loop driver; unload it (modprobe -r loop) or load rloop beside it (name=loopr)\n",
            prefix
        );
    }
}
