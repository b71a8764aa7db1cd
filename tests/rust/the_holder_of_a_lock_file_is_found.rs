//! The heir of a lock is found behind it, even when who took the lock has closed it; who merely looks at the file is not.

use std::fs::File;
use std::os::fd::AsFd as _;
use std::os::unix::fs::MetadataExt as _;

use temporal_devserver::process::holders::lock_holders_of;
use temporal_devserver::process::server::ServerProcess;

use crate::support::{Guarded, eventually, script};

#[tokio::test]
async fn the_holder_of_a_lock_file_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("server.lock");
    let log = File::create(dir.path().join("log")).unwrap();
    let lock = File::create(&path).unwrap();
    lock.try_lock().unwrap();
    let meta = lock.metadata().unwrap();

    let mut command = script("exec sleep 300", dir.path(), &log);
    command.inherit = vec![lock.as_fd()];
    let mut server = ServerProcess::spawn(&command).unwrap();
    drop(command);
    drop(lock);
    let mut onlooker = std::process::Command::new("sleep");
    onlooker.arg("300").stdin(File::open(&path).unwrap());
    let _onlooker = Guarded::spawn(&mut onlooker);

    let again = File::open(&path).unwrap();
    assert!(again.try_lock().is_err(), "the server holds the lock");
    // Children of other tests have copies of our descriptors between their fork and their exec.
    eventually("only the server holds the lock", || {
        lock_holders_of(meta.dev(), meta.ino()) == [server.identity().clone()]
    });

    server.kill_group();
    server.exited().await.unwrap();
    server.reap();
    eventually("the lock is free", || again.try_lock().is_ok());
}
