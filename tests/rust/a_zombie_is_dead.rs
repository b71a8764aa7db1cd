//! A process that nobody has reaped yet counts as dead.

use nix::sys::signal::Signal;
use temporal_devserver::process::identity::ProcessIdentity;

use crate::support::{Guarded, eventually, state_of};

#[test]
fn a_zombie_is_dead() {
    let mut child = Guarded::sleeper();
    let identity = ProcessIdentity::of(child.pid()).unwrap();
    assert!(identity.is_alive());
    child.0.kill().unwrap();
    eventually("a zombie", || state_of(&identity) == Some('Z'));
    assert!(!identity.is_alive());
    assert!(!identity.signal(Signal::SIGTERM).unwrap());
    assert_eq!(ProcessIdentity::of(child.pid()), None);
}
