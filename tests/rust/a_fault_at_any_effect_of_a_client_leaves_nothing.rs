//! Whatever goes wrong with any one effect of a client, its death included: the next start works, and nothing is left.

use std::process::Stdio;

use temporal_devserver::process::identity::ProcessIdentity;

use crate::support::{
    FAILPOINT, Guarded, World, each_fault, eventually, kept_life, private_life, role, role_dir,
    state_of, sweep,
};

fn swept(fault: &str) {
    sweep(fault, |world, plan| {
        let mut command = role(
            "a_fault_at_any_effect_of_a_client_leaves_nothing::client_role",
            world.path(),
        );
        command.env(FAILPOINT, plan).stderr(Stdio::null());
        let mut client = Guarded::spawn(&mut command);
        let identity = ProcessIdentity::of(client.pid());
        let mut is_whole = false;
        eventually("the client ends, or stands still", || {
            match client.0.try_wait().unwrap() {
                Some(status) => {
                    is_whole = status.success();
                    true
                }
                // Where it stands still, its user ends it.
                None => identity.as_ref().and_then(state_of) == Some('T'),
            }
        });
        is_whole
    });
}

#[test]
#[ignore = "a role"]
fn client_role() {
    let mut world = World::of_test(role_dir());
    world.set_variable(FAILPOINT, "");
    assert!(private_life(&mut world), "the private one ended early");
    assert!(kept_life(&mut world), "the named one ended early");
}

each_fault!(swept);
