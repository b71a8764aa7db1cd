//! Whoever can plant a link must not be able to lead us elsewhere.

use std::os::unix::fs::symlink;

use temporal_devserver::data_dir::DataDir;
use temporal_devserver::directory::Directory;
use temporal_devserver::paths::ServerDir;

use crate::support::{directory, playground};

#[test]
fn as_a_server() {
    let (_temp, path) = playground();
    let root = directory(&path);
    let real = ServerDir::open(&root, "real").unwrap();
    symlink(real.path(), root.path().join("link")).unwrap();
    for error in [
        ServerDir::open(&root, "link").unwrap_err(),
        ServerDir::existing(&root, "link").unwrap_err(),
        Directory::open(&root.path().join("link"), "X").unwrap_err(),
    ] {
        assert!(error.to_string().contains("symbolic link"), "{error}");
    }
}

#[test]
fn as_a_data_directory() {
    let (_temp, path) = playground();
    let (real, _clients) = DataDir::create(&path).unwrap();
    let link = path.join("link");
    symlink(real.path(), &link).unwrap();
    assert!(DataDir::reopen(real.path()).is_ok());
    assert!(DataDir::reopen(&link).is_err());
}

#[test]
fn as_a_log() {
    let (_temp, path) = playground();
    let root = directory(&path);
    std::fs::write(path.join("victim"), "precious").unwrap();
    symlink(path.join("victim"), root.path().join("server.log")).unwrap();
    assert!(root.open_log("server.log").is_err());
}
