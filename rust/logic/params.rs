// SPDX-License-Identifier: GPL-2.0

//! What the module's parameters may be.
//!
//! A bad value refuses the load with `EINVAL`, and the message says what is
//! allowed: each error knows that.

use super::overlap::MAX_SLOTS;

/// `MINORBITS`: how many bits of a device number are its minor.
const MINOR_BITS: u32 = 20;

/// The longest name of a disk, in bytes: `DISK_NAME_LEN` without the end.
const DISK_NAME_MAX: usize = 31;

/// The longest name of a major number, in bytes: what is left of one that is longer
/// (`__register_blkdev`) is not found when the number is given back.
const MAJOR_NAME_MAX: usize = 15;

/// What the control node is called after the prefix.
const CONTROL_SUFFIX: &str = "-control";

// No number of a device, of which there are at most `1 << MINOR_BITS`, has more
// digits than this suffix has characters. So the control node has the longest
// name.
const _: () = assert!((1u32 << MINOR_BITS).ilog10() < 7 && CONTROL_SUFFIX.len() > 7);

/// The parameter `name`: what the names of all device nodes begin with.
///
/// For the prefix `loopr` these are `loopr-control`, `loopr0`, `loopr1` and so
/// on, and the partitions `loopr0p1`. No two names can be taken for each other,
/// nor for those of another instance of this or the C driver with a prefix of
/// its own.
///
/// # Invariants
///
/// As [`parse`](Self::parse) checks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DevicePrefix<'a>(&'a str);

/// Why a prefix is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PrefixError {
    /// It does not begin with `loop`, by which `losetup` knows its devices.
    Start,
    /// It holds a character that is not allowed.
    Character,
    /// It ends in a digit: device 0 of `loop1` would be device 10 of `loop`.
    Digit,
    /// It ends in a digit and `p`: device 1 of `loop0p` would be partition 1 of
    /// device 0 of `loop`.
    Partition,
    /// A name that begins with it would not fit.
    TooLong,
}

impl PrefixError {
    /// What is allowed, to follow upon "must ".
    pub const fn allowed(self) -> &'static str {
        match self {
            Self::Start => "begin with \"loop\"",
            Self::Character => "hold only letters, digits, '_' and '-'",
            Self::Digit => "not end in a digit",
            Self::Partition => "not end in a digit and 'p'",
            Self::TooLong => "have at most 15 characters",
        }
    }
}

impl<'a> DevicePrefix<'a> {
    /// The prefix of the C driver, and the default.
    const DEFAULT: &'static str = "loop";

    /// The longest prefix, in bytes: it is the name of the major number, too, and the
    /// names of the control node and of all disks fit. (Those of partitions are not
    /// limited.)
    const MAX_LEN: usize = {
        let node = DISK_NAME_MAX.saturating_sub(CONTROL_SUFFIX.len());
        if node < MAJOR_NAME_MAX {
            node
        } else {
            MAJOR_NAME_MAX
        }
    };

    /// Checks the value of the parameter.
    ///
    /// # Errors
    ///
    /// The first of [`PrefixError`] that applies.
    pub fn parse(name: &'a str) -> Result<Self, PrefixError> {
        let Some(rest) = name.strip_prefix(Self::DEFAULT) else {
            return Err(PrefixError::Start);
        };
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        if !rest.bytes().all(allowed) {
            return Err(PrefixError::Character);
        }
        match rest.as_bytes() {
            [.., last] if last.is_ascii_digit() => return Err(PrefixError::Digit),
            [.., digit, b'p'] if digit.is_ascii_digit() => return Err(PrefixError::Partition),
            _ => {}
        }
        if name.len() > Self::MAX_LEN {
            return Err(PrefixError::TooLong);
        }
        // INVARIANT: All of it was just checked.
        Ok(Self(name))
    }

    /// The prefix.
    pub const fn as_str(self) -> &'a str {
        self.0
    }

    /// Whether this is the C driver's own prefix, and with it its device
    /// numbers: block major 7, minor 237 for the control node. With any other
    /// prefix both are dynamic.
    pub fn is_default(self) -> bool {
        self.0 == Self::DEFAULT
    }
}

/// Why a number is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ParamError {
    /// `max_part` is out of range.
    MaxPart,
    /// `queues` is out of range.
    Queues,
    /// `queue_depth` is out of range.
    QueueDepth,
    /// `queues` of `queue_depth` are too many requests.
    Slots,
    /// `workers` is out of range.
    Workers,
    /// `max_loop` is out of range, of which `max_part` takes its part.
    MaxLoop(PartShift),
}

impl ParamError {
    /// The range that is allowed.
    pub const fn allowed(self) -> &'static str {
        match self {
            Self::MaxPart => "0..=255",
            Self::Queues => "0 (automatic) to the number of processors",
            Self::QueueDepth => "1..=4096",
            Self::Slots => "1..=4096, and with queues at most 32767 requests",
            Self::Workers => "0 (automatic) to 512",
            Self::MaxLoop(shift) => match shift.bits() {
                0 => "0..=1048576",
                1 => "0..=524288",
                2 => "0..=262144",
                3 => "0..=131072",
                4 => "0..=65536",
                5 => "0..=32768",
                6 => "0..=16384",
                7 => "0..=8192",
                _ => "0..=4096",
            },
        }
    }
}

/// How many bits of its minor number a device leaves to its partitions.
///
/// # Invariants
///
/// At most 8.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PartShift(u32);

impl PartShift {
    /// The number of bits: device `i` has the minors from `i << bits` on.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// How many minors a device has: itself and its partitions.
    pub const fn minors(self) -> u32 {
        // By the invariant nothing is shifted out, and this does not wrap.
        1u32.wrapping_shl(self.0)
    }

    /// What `max_part` reads as once the module is loaded: the most that is
    /// possible with as many bits.
    pub const fn max_part(self) -> u32 {
        // There is at least one minor.
        self.minors().saturating_sub(1)
    }
}

/// Checks the parameter `max_part`: how many partitions a device can have
/// within its own minors. It is rounded up to use all of its bits.
///
/// # Errors
///
/// [`ParamError::MaxPart`] unless in `0..=255`.
pub fn max_part(value: i64) -> Result<PartShift, ParamError> {
    match u8::try_from(value) {
        // INVARIANT: Eight bits have at most eight leading zeros.
        Ok(value) => Ok(PartShift(u8::BITS.saturating_sub(value.leading_zeros()))),
        Err(_) => Err(ParamError::MaxPart),
    }
}

/// Checks the parameter `max_loop`: how many devices are made at load.
///
/// # Errors
///
/// [`ParamError::MaxLoop`] if there are not that many minors.
pub fn max_loop(value: i64, shift: PartShift) -> Result<u32, ParamError> {
    // By the invariant of `PartShift` this does not wrap.
    let most = (1u32 << MINOR_BITS).wrapping_shr(shift.bits());
    match u32::try_from(value) {
        Ok(value) if value <= most => Ok(value),
        _ => Err(ParamError::MaxLoop(shift)),
    }
}

/// Which devices come into being when somebody opens their node.
///
/// As with the C driver a `max_loop` that was given is a limit for these, but
/// not for the devices that the control node is asked for; 0 is none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OnOpen {
    /// One more than the largest number.
    limit: Option<u32>,
    shift: PartShift,
}

impl OnOpen {
    /// `given` is the checked parameter `max_loop`, unless that is the default.
    pub fn new(given: Option<u32>, shift: PartShift) -> Self {
        Self {
            limit: given.filter(|limit| *limit != 0),
            shift,
        }
    }

    /// The number of the device to be made when `minor` is opened.
    pub fn device(&self, minor: u32) -> Option<u32> {
        // By the invariant of `PartShift` this does not wrap.
        let number = minor.wrapping_shr(self.shift.bits());
        match self.limit {
            Some(limit) if number >= limit => None,
            _ => Some(number),
        }
    }
}

/// Checks the parameter `queues`: how many hardware queues a bound device has.
/// 0 means one for each NUMA node, at least 2, at most one for each of `cpus`
/// processors.
///
/// # Errors
///
/// [`ParamError::Queues`] if there are not that many processors.
pub fn queues(value: i64, cpus: u32, nodes: u32) -> Result<u32, ParamError> {
    match u32::try_from(value) {
        Ok(0) => Ok(nodes.max(2).min(cpus).max(1)),
        Ok(value) if value <= cpus => Ok(value),
        _ => Err(ParamError::Queues),
    }
}

/// How many workers execute the requests of `queues` hardware queues, of which `value`
/// were asked for, on `cpus` processors: one for each, as far as nobody has chosen
/// and there is not a second processor for each, which those who submit the requests need.
pub fn fast_lanes(value: i64, queues: u32, cpus: u32) -> u32 {
    if value != 0 {
        return queues;
    }
    queues.min(cpus >> 1).max(1)
}

/// Checks the parameter `queue_depth`: how many requests can be in flight in a
/// hardware queue, of which there are `queues`.
///
/// # Errors
///
/// [`ParamError::QueueDepth`] unless in `1..=4096`; [`ParamError::Slots`] if that is more
/// requests than can be kept in order.
pub fn queue_depth(value: i64, queues: u32) -> Result<u32, ParamError> {
    match u32::try_from(value) {
        Ok(value @ 1..=4096) if value.saturating_mul(queues) > MAX_SLOTS.into() => {
            Err(ParamError::Slots)
        }
        Ok(value @ 1..=4096) => Ok(value),
        _ => Err(ParamError::QueueDepth),
    }
}

/// Checks the parameter `workers`: how many requests of a device may block at
/// once. 0 means four for each of `cpus` processors, at least 8, at most 32.
///
/// # Errors
///
/// [`ParamError::Workers`] unless in `0..=512`.
pub fn workers(value: i64, cpus: u32) -> Result<u32, ParamError> {
    match u32::try_from(value) {
        Ok(0) => Ok(cpus.saturating_mul(4).clamp(8, 32)),
        Ok(value @ 1..=512) => Ok(value),
        _ => Err(ParamError::Workers),
    }
}
