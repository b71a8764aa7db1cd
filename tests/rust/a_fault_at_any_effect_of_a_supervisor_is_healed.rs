//! Whatever goes wrong with any one effect of a supervisor: the next start works, and nothing is left.

use crate::support::{FAILPOINT, World, kept_life, private_life, sweep};

fn swept(fault: &str) {
    let lives: [fn(&mut World) -> bool; 2] = [kept_life, private_life];
    for life in lives {
        sweep(fault, |world, plan| {
            world.set_variable(FAILPOINT, plan);
            life(world)
        });
    }
}

#[test]
#[ignore = "long"]
fn it_aborts() {
    swept("abort");
}

#[test]
#[ignore = "long"]
fn it_exits() {
    swept("exit");
}

#[test]
#[ignore = "long"]
fn the_disk_is_broken() {
    swept("eio");
}

#[test]
#[ignore = "long"]
fn the_disk_is_full() {
    swept("enospc");
}

#[test]
#[ignore = "long"]
fn no_descriptors_are_left() {
    swept("emfile");
}

#[test]
#[ignore = "long"]
fn the_kernel_says_try_again() {
    swept("eagain");
}

#[test]
#[ignore = "long"]
fn it_stands_still() {
    swept("stop");
}
