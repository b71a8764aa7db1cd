//! Descendants that left the server's group and session come to the supervisor and are ended by it.

use std::fs::File;
use std::time::Duration;

use temporal_devserver::process::identity::ProcessIdentity;
use temporal_devserver::process::server::{Exit, ServerProcess};
use temporal_devserver::process::strays::{become_subreaper, children, reap_strays};

use crate::support::{Guarded, noted, role, role_dir, script};

#[test]
fn strays_are_reaped() {
    let dir = tempfile::tempdir().unwrap();
    let supervisor = role("strays_are_reaped::supervisor_role", dir.path()).output();
    let output = supervisor.unwrap();
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaints}");
    for name in ["near", "far"] {
        assert_eq!(ProcessIdentity::of(noted(dir.path(), name)), None, "{name}");
    }
}

#[test]
#[ignore = "a role"]
fn supervisor_role() {
    let dir = role_dir();
    become_subreaper().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let keep = Guarded::sleeper();
    runtime.block_on(async {
        let log = File::create(dir.join("log")).unwrap();
        // A stray in a session of its own, which has another one below it.
        let script_of_far = "echo $$ > $DIR/f; mv $DIR/f $DIR/far; exec sleep 300";
        let script_of_near = "setsid sh -c \"$FAR\" & echo $$ > $DIR/n; mv $DIR/n $DIR/near; wait";
        let text = "setsid sh -c \"$NEAR\" & while ! [ -e $DIR/far -a -e $DIR/near ]; do :; done";
        let mut command = script(text, &dir, &log);
        command.env.push(("FAR".into(), script_of_far.into()));
        command.env.push(("NEAR".into(), script_of_near.into()));
        let mut server = ServerProcess::spawn(&command).unwrap();
        server.exited().await.unwrap();
        assert_eq!(server.reap(), Some(Exit::Code(0)));
        let near = ProcessIdentity::of(noted(&dir, "near"));
        assert!(near.is_some(), "the group's end took the stray");

        let kept = [keep.pid()];
        let reaped = reap_strays(&kept);
        let reaped = tokio::time::timeout(Duration::from_secs(10), reaped).await;
        reaped.expect("they die").unwrap();
    });
    assert_eq!(children(), [keep.pid()], "only what was to be kept is left");
}
