// SPDX-License-Identifier: GPL-2.0

//! Safe I/O to a backing file.
//!
//! A user hands the driver a file descriptor: [`GivenFile`]. After it was found suitable it is
//! opened once more, as a [`BackingFile`] of the driver's own with the opener's credentials, so
//! that flags, position and errseq cursor are nobody else's. [`io`] reads and writes it on behalf
//! of block requests, [`range`] deallocates and zeroes.
//!
//! C headers: `include/linux/fs.h`, `include/linux/uio.h`, `include/linux/falloc.h`.

pub(crate) mod backing_file;
mod credentials;
pub(crate) mod given_file;
pub(crate) mod io;
#[cfg(CONFIG_KUNIT = "y")]
mod io_tests;
mod mappings;
pub(crate) mod range;
pub(crate) mod stat;
#[cfg(CONFIG_KUNIT = "y")]
mod test_file;

pub(crate) use {
    backing_file::BackingFile,
    given_file::GivenFile,
    io::{Direction, FileIo, IoData, Manner},
    mappings::Mappings,
};
