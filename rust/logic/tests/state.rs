// SPDX-License-Identifier: GPL-2.0

//! The life of a device: every event in every state, and random lives against
//! an oracle that also counts the bindings.

use std::{
    fmt::Debug,
    rc::Rc, //
};

use proptest::prelude::*;
use rloop_logic::state::{
    Refusal,
    State, //
};

/// A state in short: `U`nbound, `B`ound, bound with `A`utoclear, `R`undown,
/// `D`eleting; with the binding.
fn short(state: &State<u32>) -> String {
    match state {
        State::Unbound => "U".into(),
        State::Bound {
            binding,
            autoclear: false,
        } => format!("B{binding}"),
        State::Bound {
            binding,
            autoclear: true,
        } => format!("A{binding}"),
        State::Rundown(binding) => format!("R{binding}"),
        State::Deleting => "D".into(),
    }
}

/// A new machine in each state.
fn all() -> [State<u32>; 5] {
    [
        State::new(),
        State::Bound {
            binding: 7,
            autoclear: false,
        },
        State::Bound {
            binding: 7,
            autoclear: true,
        },
        State::Rundown(7),
        State::Deleting,
    ]
}

fn told(result: impl Debug) -> String {
    format!("{result:?}")
}

type Event = fn(&mut State<u32>) -> String;

/// Per event, and per state as in [`all`]: what is returned, and the state
/// after it.
const TABLE: [(&str, Event, [&str; 5]); 17] = [
    (
        "open",
        |s| told(s.open()),
        [
            "Ok(()) U",
            "Ok(()) B7",
            "Ok(()) A7",
            "Err(Gone) R7",
            "Err(Gone) D",
        ],
    ),
    (
        "attach",
        |s| told(s.attach(9, false)),
        [
            "Ok(()) B9",
            "Err((9, Busy)) B7",
            "Err((9, Busy)) A7",
            "Err((9, Busy)) R7",
            "Err((9, Busy)) D",
        ],
    ),
    (
        "attach with autoclear",
        |s| told(s.attach(9, true)),
        [
            "Ok(()) A9",
            "Err((9, Busy)) B7",
            "Err((9, Busy)) A7",
            "Err((9, Busy)) R7",
            "Err((9, Busy)) D",
        ],
    ),
    (
        "bound",
        |s| told(s.bound()),
        [
            "Err(NotBound) U",
            "Ok(7) B7",
            "Ok(7) A7",
            "Err(NotBound) R7",
            "Err(NotBound) D",
        ],
    ),
    (
        "bound_mut",
        |s| told(s.bound_mut().map(|b| *b += 1)),
        [
            "Err(NotBound) U",
            "Ok(()) B8",
            "Ok(()) A8",
            "Err(NotBound) R7",
            "Err(NotBound) D",
        ],
    ),
    (
        "autoclear",
        |s| told(s.autoclear()),
        ["false U", "false B7", "true A7", "false R7", "false D"],
    ),
    (
        "set_autoclear",
        |s| told(s.set_autoclear(true)),
        [
            "Err(NotBound) U",
            "Ok(()) A7",
            "Ok(()) A7",
            "Err(NotBound) R7",
            "Err(NotBound) D",
        ],
    ),
    (
        "unset autoclear",
        |s| told(s.set_autoclear(false)),
        [
            "Err(NotBound) U",
            "Ok(()) B7",
            "Ok(()) B7",
            "Err(NotBound) R7",
            "Err(NotBound) D",
        ],
    ),
    (
        "clear, no opener",
        |s| told(s.clear(0)),
        [
            "Err(NotBound) U",
            "Ok(()) R7",
            "Ok(()) R7",
            "Err(NotBound) R7",
            "Err(NotBound) D",
        ],
    ),
    (
        "clear, the only opener",
        |s| told(s.clear(1)),
        [
            "Err(NotBound) U",
            "Ok(()) R7",
            "Ok(()) R7",
            "Err(NotBound) R7",
            "Err(NotBound) D",
        ],
    ),
    (
        "clear, one of two",
        |s| told(s.clear(2)),
        [
            "Err(NotBound) U",
            "Ok(()) A7",
            "Ok(()) A7",
            "Err(NotBound) R7",
            "Err(NotBound) D",
        ],
    ),
    (
        "last_close",
        |s| told(s.last_close()),
        ["false U", "false B7", "true R7", "true R7", "false D"],
    ),
    (
        "finish",
        |s| told(s.finish()),
        ["None U", "None B7", "None A7", "Some(7) U", "None D"],
    ),
    (
        "delete",
        |s| told(s.delete(0)),
        [
            "Ok(()) D",
            "Err(Busy) B7",
            "Err(Busy) A7",
            "Err(Busy) R7",
            "Err(Gone) D",
        ],
    ),
    (
        "delete, still open",
        |s| told(s.delete(1)),
        [
            "Err(Busy) U",
            "Err(Busy) B7",
            "Err(Busy) A7",
            "Err(Busy) R7",
            "Err(Gone) D",
        ],
    ),
    (
        "is_unbound",
        |s| told(s.is_unbound()),
        ["true U", "false B7", "false A7", "false R7", "false D"],
    ),
    (
        "default",
        |s| told(short(&State::default()) == short(s)),
        ["true U", "false B7", "false A7", "false R7", "false D"],
    ),
];

#[test]
fn every_event_in_every_state() {
    for (event, run, expected) in TABLE {
        for (mut state, expected) in all().into_iter().zip(expected) {
            let before = short(&state);
            let result = run(&mut state);
            let seen = format!("{result} {}", short(&state));
            assert_eq!(seen, expected, "{event} in {before}");
        }
    }
}

#[test]
fn detach_while_others_have_it_open() {
    let mut state = State::new();
    state.attach(1, false).unwrap();
    assert_eq!(state.clear(2), Ok(()));
    assert_eq!(state.bound(), Ok(&1));
    assert_eq!(state.open(), Ok(()));
    assert!(state.last_close());
    assert_eq!(state.open(), Err(Refusal::Gone));
    assert_eq!(state.attach(2, false), Err((2, Refusal::Busy)));
    assert_eq!(state.finish(), Some(1));
    assert_eq!(state.finish(), None);
    assert_eq!(state.attach(3, true), Ok(()));
}

/// The oracle: five flags instead of an enum.
#[derive(Clone, Debug, Default)]
struct Oracle {
    binding: Option<u32>,
    autoclear: bool,
    rundown: bool,
    deleting: bool,
}

impl Oracle {
    fn usable(&self) -> bool {
        self.binding.is_some() && !self.rundown
    }
}

#[derive(Clone, Debug)]
enum Do {
    Open,
    Attach(bool),
    SetAutoclear(bool),
    Clear(u32),
    LastClose,
    Finish,
    Delete(u32),
}

fn events() -> impl Strategy<Value = Do> {
    prop_oneof![
        Just(Do::Open),
        any::<bool>().prop_map(Do::Attach),
        any::<bool>().prop_map(Do::SetAutoclear),
        (0..4u32).prop_map(Do::Clear),
        Just(Do::LastClose),
        Just(Do::Finish),
        (0..2u32).prop_map(Do::Delete),
    ]
}

proptest! {
    /// Whatever happens, each binding is either in the machine or handed back.
    #[test]
    fn lives(events in prop::collection::vec(events(), 0..60)) {
        let mut state = State::new();
        let mut oracle = Oracle::default();
        let counter = Rc::new(());
        for (number, event) in (0u32..).zip(events) {
            let new = || (number, Rc::clone(&counter));
            match event {
                Do::Open => {
                    prop_assert_eq!(state.open().is_ok(), !oracle.rundown && !oracle.deleting);
                }
                Do::Attach(autoclear) => {
                    let free = oracle.binding.is_none() && !oracle.deleting;
                    match state.attach(new(), autoclear) {
                        Ok(()) => {
                            prop_assert!(free);
                            oracle.binding = Some(number);
                            oracle.autoclear = autoclear;
                        }
                        Err((back, refusal)) => {
                            prop_assert!(!free);
                            prop_assert_eq!((back.0, refusal), (number, Refusal::Busy));
                        }
                    }
                }
                Do::SetAutoclear(enable) => {
                    prop_assert_eq!(state.set_autoclear(enable).is_ok(), oracle.usable());
                    oracle.autoclear = enable;
                }
                Do::Clear(openers) => match state.clear(openers) {
                    Ok(()) => {
                        prop_assert!(oracle.usable());
                        oracle.autoclear = true;
                        oracle.rundown = openers < 2;
                        prop_assert_eq!(state.open().is_err(), oracle.rundown);
                    }
                    Err(refusal) => {
                        prop_assert!(!oracle.usable());
                        prop_assert_eq!(refusal, Refusal::NotBound);
                    }
                },
                Do::LastClose => {
                    if oracle.usable() && oracle.autoclear {
                        oracle.rundown = true;
                    }
                    prop_assert_eq!(state.last_close(), oracle.rundown);
                }
                Do::Finish => {
                    let expected = oracle.binding.filter(|_| oracle.rundown);
                    prop_assert_eq!(state.finish().map(|b| b.0), expected);
                    if oracle.rundown {
                        oracle = Oracle::default();
                    }
                }
                Do::Delete(openers) => {
                    let free = oracle.binding.is_none() && !oracle.deleting && openers == 0;
                    let expected = match oracle.deleting {
                        _ if free => Ok(()),
                        true => Err(Refusal::Gone),
                        false => Err(Refusal::Busy),
                    };
                    prop_assert_eq!(state.delete(openers), expected);
                    oracle.deleting |= free;
                }
            }
            let usable = oracle.binding.filter(|_| oracle.usable());
            prop_assert_eq!(state.bound().ok().map(|b| b.0), usable);
            prop_assert_eq!(state.autoclear(), oracle.usable() && oracle.autoclear);
            prop_assert_eq!(state.is_unbound(), oracle.binding.is_none() && !oracle.deleting);
            // Ours, and the machine's if it has one.
            let expected = 1 + usize::from(oracle.binding.is_some());
            prop_assert_eq!(Rc::strong_count(&counter), expected);
        }
    }
}
