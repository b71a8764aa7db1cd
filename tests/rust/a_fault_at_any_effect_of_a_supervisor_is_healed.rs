//! Whatever goes wrong with any one effect of a supervisor: the next start works, and nothing is left.

use crate::support::{FAILPOINT, World, each_fault, kept_life, private_life, sweep};

fn swept(fault: &str) {
    let lives: [fn(&mut World) -> bool; 2] = [kept_life, private_life];
    for life in lives {
        sweep(fault, |world, plan| {
            world.set_variable(FAILPOINT, plan);
            life(world)
        });
    }
}

each_fault!(swept);
