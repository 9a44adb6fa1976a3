// SPDX-License-Identifier: GPL-2.0

//! A queue of requests, first in, first out, without allocation.

use crate::block::{Operations, Request};
use core::{marker::PhantomData, mem, ptr::NonNull};
use kernel::{bindings, container_of};

/// Requests chained by their own `queuelist` node, used as a singly linked list through `next`.
///
/// Dropping a list ends its requests as dropping each of them would.
///
/// # Invariants
///
/// `ends`, if present, is the first and last of a chain of nodes of requests that were given up to
/// this list; the `next` of every node but the last points to its successor.
pub(crate) struct RequestList<T: Operations> {
    ends: Option<(NonNull<bindings::list_head>, NonNull<bindings::list_head>)>,
    _requests: PhantomData<Request<T>>,
}

// SAFETY: The list owns its requests, which are `Send`.
unsafe impl<T: Operations> Send for RequestList<T> {}

impl<T: Operations> RequestList<T> {
    /// An empty list.
    pub(crate) const fn new() -> Self {
        // INVARIANT: Empty.
        Self {
            ends: None,
            _requests: PhantomData,
        }
    }

    /// Whether there is no request in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.ends.is_none()
    }

    /// Appends a request.
    pub(crate) fn push_back(&mut self, rq: Request<T>) {
        let rq = rq.into_raw();
        // SAFETY: The request is owned by this list from now on; `queuelist` is the owner's to use.
        let node =
            unsafe { NonNull::new_unchecked(&raw mut (*rq.as_ptr()).__bindgen_anon_1.queuelist) };
        // INVARIANT: `node` becomes the last; the previous last, if any, points to it.
        self.ends = match self.ends {
            None => Some((node, node)),
            Some((first, last)) => {
                // SAFETY: `last` is the node of a request this list owns.
                unsafe { (*last.as_ptr()).next = node.as_ptr() };
                Some((first, node))
            }
        };
    }

    /// Takes the first request.
    pub(crate) fn pop_front(&mut self) -> Option<Request<T>> {
        let (first, last) = self.ends?;
        // INVARIANT: The chain now begins at the successor of `first`, if there is one.
        self.ends = if first == last {
            None
        } else {
            // SAFETY: `first` is a node of this list, and not the last, so its `next` is a node.
            let next = unsafe { NonNull::new_unchecked((*first.as_ptr()).next) };
            Some((next, last))
        };
        // SAFETY: All nodes of the list are `queuelist`s of requests.
        let rq = unsafe {
            container_of!(
                first.as_ptr(),
                bindings::request,
                __bindgen_anon_1.queuelist
            )
        };
        // SAFETY: The request was given up in `push_back()`, and has left the list.
        Some(unsafe { Request::from_raw(NonNull::new_unchecked(rq)) })
    }

    /// Takes all requests, leaving the list empty.
    pub(crate) fn take_all(&mut self) -> Self {
        mem::replace(self, Self::new())
    }
}

impl<T: Operations> Iterator for RequestList<T> {
    type Item = Request<T>;

    fn next(&mut self) -> Option<Request<T>> {
        self.pop_front()
    }
}

impl<T: Operations> Drop for RequestList<T> {
    fn drop(&mut self) {
        while let Some(rq) = self.pop_front() {
            drop(rq);
        }
    }
}
