//! A supervisor that is killed without warning takes its server with it.

use std::fs::{self, File};

use temporal_devserver::process::identity::ProcessIdentity;
use temporal_devserver::process::server::ServerProcess;

use crate::support::{Guarded, eventually, note, noted, role, role_dir, script};

#[test]
fn a_server_dies_with_its_supervisor() {
    let dir = tempfile::tempdir().unwrap();
    let mut supervisor = Guarded::spawn(&mut role(
        "a_server_dies_with_its_supervisor::supervisor_role",
        dir.path(),
    ));
    let pid = noted(dir.path(), "server");
    let server = ProcessIdentity::of(pid).expect("the server runs");
    let score = fs::read_to_string(format!("/proc/{pid}/oom_score_adj")).unwrap();
    let ours = fs::read_to_string("/proc/self/oom_score_adj").unwrap();
    let number = |text: &str| text.trim().parse::<i32>().unwrap();
    assert_eq!(number(&score), (number(&ours) + 300).min(1000));

    supervisor.0.kill().unwrap();
    eventually("the server is dead", || !server.is_alive());
}

#[test]
#[ignore = "a role"]
fn supervisor_role() {
    let dir = role_dir();
    let log = File::create(dir.join("log")).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let server = ServerProcess::spawn(&script("exec sleep 300", &dir, &log)).unwrap();
        note(&dir, "server", &server.pid().to_string());
        server.exited().await.unwrap();
    });
}
