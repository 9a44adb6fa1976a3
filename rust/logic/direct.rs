// SPDX-License-Identifier: GPL-2.0

//! When the backing file can be read and written past the page cache.
//!
//! The file system demands that positions, lengths and memory of a direct
//! transfer are multiples of what `STATX_DIOALIGN` tells. The block layer
//! promises that each request begins and ends at a multiple of the logical
//! block size of the device; the memory is what the queue's `dma_alignment`
//! says. Direct I/O is possible when this promise fulfils that demand for every
//! request there can be.
//!
//! An alignment need not be a power of two, so nothing here uses masks.

use super::{
    block_size::BlockSize,
    units::Bytes,
    window::Window, //
};

/// What the backing file demands of a direct transfer, from `STATX_DIOALIGN`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Alignment {
    /// Of positions in the file and of lengths, in bytes; 0 means that the file
    /// does not support direct I/O, or does not tell how.
    pub offset: u32,
    /// Of the memory, in bytes; 0 means the same.
    pub memory: u32,
}

/// Why direct I/O is impossible.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Obstacle {
    /// The file does not support direct I/O at all.
    NotSupported,
    /// Blocks of the device are no multiples of what the file demands.
    BlockSize {
        /// The device's logical block size, in bytes.
        have: u32,
        /// What it has to be a multiple of, in bytes.
        need: u32,
    },
    /// The device begins at an unsuitable position in the file.
    Offset {
        /// The window's offset.
        have: Bytes,
        /// What it has to be a multiple of, in bytes.
        need: u32,
    },
}

impl Obstacle {
    /// A short stable word, for the `dio_reason` of sysfs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotSupported => "not-supported",
            Self::BlockSize { .. } => "block-size",
            Self::Offset { .. } => "offset",
        }
    }
}

/// Whether `value` is a multiple of `unit`; nothing is one of 0.
fn is_multiple(value: u64, unit: u32) -> bool {
    value.checked_rem(u64::from(unit)) == Some(0)
}

/// Whether every request to a device of `block` sized blocks that shows
/// `window` of a file can be done by direct I/O. `can_odirect` tells whether
/// the file can be opened for that (`FMODE_CAN_ODIRECT`).
///
/// # Errors
///
/// The first [`Obstacle`] met, in the order of their declaration.
pub fn check(
    can_odirect: bool,
    align: Alignment,
    block: BlockSize,
    window: &Window,
) -> Result<(), Obstacle> {
    let need = align.offset;
    if !can_odirect || need == 0 {
        return Err(Obstacle::NotSupported);
    }
    // "At least as large" would do between powers of two only.
    if !is_multiple(u64::from(block.get()), need) {
        return Err(Obstacle::BlockSize {
            have: block.get(),
            need,
        });
    }
    let have = window.offset();
    if !is_multiple(have.get(), need) {
        return Err(Obstacle::Offset { have, need });
    }
    Ok(())
}

/// Whether a short direct transfer can be continued by direct I/O: from `pos`
/// of the file, `len` bytes remain.
///
/// The memory that remains begins as far into the request's memory as the
/// transfer got, a multiple of the offset alignment. That is as aligned as the
/// request's own memory only if the offset alignment is a multiple of the
/// memory alignment, as on all known file systems; where it is not, the answer
/// is no.
pub fn aligned(align: Alignment, pos: Bytes, len: Bytes) -> bool {
    is_multiple(pos.get(), align.offset)
        && is_multiple(len.get(), align.offset)
        && is_multiple(u64::from(align.offset), align.memory)
}
