//! Descriptors in the user's process that must not live on in a forked child.
//!
//! The fact: a fork shares the open file behind a descriptor, so a forgotten copy in a child keeps a lease alive and a lock
//! held. Every such descriptor is registered from its first moment; the child's fork hook closes them all, without a lock,
//! for only atomics are read. A value that comes from before the fork is never dropped in the child: its number is free.

use std::ops::Deref;
use std::os::fd::{AsFd, AsRawFd as _};
use std::sync::atomic::{AtomicI32, Ordering};

/// Most descriptors that are registered at once; the ones beyond live on in a forked child until it ends.
const SLOTS: usize = 4096;

/// A free slot.
const FREE: i32 = -1;

static REGISTERED: [AtomicI32; SLOTS] = [const { AtomicI32::new(FREE) }; SLOTS];

/// A value with a descriptor that a forked child closes.
#[derive(Debug)]
pub(crate) struct Registered<T: AsFd> {
    /// There until the end; an option only so that a child can forget it.
    value: Option<T>,
    slot: Option<&'static AtomicI32>,
    pid: u32,
}

impl<T: AsFd> Registered<T> {
    /// Registers a value. No fork may come between its making and this; in Python, the GIL sees to that.
    pub(crate) fn new(value: T) -> Self {
        let number = value.as_fd().as_raw_fd();
        let take = |slot: &&AtomicI32| {
            slot.compare_exchange(FREE, number, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
        };
        let slot = REGISTERED.iter().find(take);
        Self {
            value: Some(value),
            slot,
            pid: std::process::id(),
        }
    }
}

impl<T: AsFd> Deref for Registered<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.value
            .as_ref()
            .expect("the value is taken only when this is dropped")
    }
}

impl<T: AsFd> Drop for Registered<T> {
    fn drop(&mut self) {
        if self.pid != std::process::id() {
            std::mem::forget(self.value.take());
        } else if let Some(slot) = self.slot {
            slot.store(FREE, Ordering::Relaxed);
        }
    }
}

/// Closes, in a forked child, everything that is registered.
pub fn close_after_fork() {
    for slot in &REGISTERED {
        let number = slot.swap(FREE, Ordering::Relaxed);
        if number != FREE {
            nix::unistd::close(number).ok();
        }
    }
}
