//! The dead leader is not reaped before its group was killed, and the rest of the group goes with it.

use std::fs::{self, File};

use temporal_devserver::process::identity::ProcessIdentity;
use temporal_devserver::process::server::{Exit, ServerProcess};

use crate::support::{noted, script, state_of};

#[tokio::test]
async fn the_dead_leader_pins_its_group() {
    let dir = tempfile::tempdir().unwrap();
    let log = File::create(dir.path().join("log")).unwrap();
    let text = "sleep 300 & echo $! > $DIR/m; mv $DIR/m $DIR/member; umask; exit 3";
    let mut server = ServerProcess::spawn(&script(text, dir.path(), &log)).unwrap();
    server.exited().await.unwrap();

    let member = ProcessIdentity::of(noted(dir.path(), "member")).expect("the member lives");
    assert_eq!(state_of(server.identity()), Some('Z'), "it was reaped");

    assert_eq!(server.reap(), Some(Exit::Code(3)));
    assert_eq!(state_of(server.identity()), None);
    crate::support::eventually("the member is dead", || !member.is_alive());
    assert_eq!(server.reap(), Some(Exit::Code(3)), "asked again");
    assert_eq!(
        fs::read_to_string(dir.path().join("log")).unwrap(),
        "0027\n"
    );
}

#[tokio::test]
async fn a_living_leader_is_not_reaped() {
    let dir = tempfile::tempdir().unwrap();
    let log = File::create(dir.path().join("log")).unwrap();
    let mut server = ServerProcess::spawn(&script("exec sleep 300", dir.path(), &log)).unwrap();
    assert_eq!(server.reap(), None);
    server.pause();
    crate::support::eventually("stopped", || state_of(server.identity()) == Some('T'));
    server.terminate();
    server.exited().await.unwrap();
    assert_eq!(server.reap(), Some(Exit::Signal("SIGTERM".to_owned())));
}

#[tokio::test]
async fn a_program_that_cannot_run_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let log = File::create(dir.path().join("log")).unwrap();
    let mut command = script("", dir.path(), &log);
    command.program = std::path::Path::new("/nonexistent/temporal");
    let error = ServerProcess::spawn(&command).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
}
