//! Where there is no memory for a child's stack, a launch is an error: an abort would end the user's program.

use std::path::Path;
use std::process::Command;

use nix::errno::Errno;
use temporal_devserver::process::detach::spawn_detached;

use crate::support::{again, child_argument};

#[test]
fn too_little_memory_is_an_error_and_ends_no_host() {
    if child_argument().is_none() {
        let name = "too_little_memory_is_an_error_and_ends_no_host::too_little_memory_is_an_error_and_ends_no_host";
        return again(name, Path::new("/"), |_| ());
    }
    let argv = ["/bin/true".into()];
    spawn_detached(&argv, &[], &[]).unwrap();
    let me = std::process::id().to_string();
    let mut limit = Command::new("prlimit");
    let limited = limit.args(["--as=1048576:", "--pid", &me]).status();
    assert!(limited.unwrap().success());
    // What the allocator still has is used up, down to pieces that are too small for a stack.
    let mut hoard = vec![];
    loop {
        let mut piece = Vec::<u8>::new();
        if piece.try_reserve_exact(32 << 10).is_err() {
            break;
        }
        hoard.push(piece);
    }
    let refused = spawn_detached(&argv, &[], &[]).unwrap_err();
    drop(hoard);
    assert_eq!(refused.raw_os_error(), Some(Errno::ENOMEM as i32));
}
