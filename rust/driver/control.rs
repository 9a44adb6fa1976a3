// SPDX-License-Identifier: GPL-2.0

//! The control node, `/dev/loop-control`.

use super::{log::refused, registry::Registry};
use crate::core::{control_node::ControlOperations, errno::enosys, uapi::control_ioctl::*};
use kernel::{prelude::*, sync::Arc};

/// What the control node answers with.
pub(crate) struct Control(pub(super) Arc<Registry>);

impl ControlOperations for Control {
    fn ioctl(&self, cmd: u32, arg: usize) -> Result<i32> {
        match cmd {
            ADD => {
                // As the C driver: an `int`, any negative one asks for whatever is free.
                let wanted = u32::try_from(arg as i32).ok();
                Ok(i32::try_from(self.0.add(wanted)?)?)
            }
            REMOVE => {
                let index = u32::try_from(arg as i32).map_err(|_| {
                    refused!(
                        self.0.label(),
                        "removal of device",
                        arg as i32,
                        "it is negative",
                        "the number of an existing device"
                    );
                    EINVAL
                })?;
                self.0.remove(index)?;
                Ok(0)
            }
            GET_FREE => Ok(i32::try_from(self.0.get_free()?)?),
            // What the C driver says to an ioctl it does not know.
            _ => Err(enosys()),
        }
    }
}
