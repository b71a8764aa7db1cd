//! Directories to play in, and places that touch nothing of the user's.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use temporal_devserver::directory::Directory;
use temporal_devserver::paths::Locations;

/// A private directory to play in, seen only by one test.
pub(crate) fn playground() -> (tempfile::TempDir, PathBuf) {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().canonicalize().unwrap();
    (temp, path)
}

/// A directory of ours in `path`.
pub(crate) fn directory(path: &Path) -> Directory {
    Directory::make(&path.join("ours"), "THE_VARIABLE").unwrap()
}

/// Locations that lie wholly below `root`, with `root/tmp` for throw-away data.
pub(crate) fn locations(root: &Path) -> Locations {
    std::fs::create_dir_all(root.join("tmp")).unwrap();
    let lookup = |name: &str| match name {
        "TEMPORAL_DEVSERVER_STATE_DIR" => Some(OsString::from(root.join("state"))),
        "TEMPORAL_DEVSERVER_CACHE_DIR" => Some(OsString::from(root.join("cache"))),
        "TMPDIR" => Some(OsString::from(root.join("tmp"))),
        _ => None,
    };
    Locations::from_environment(lookup, None).unwrap()
}

/// Runs Python, and returns what it printed.
pub(crate) fn python(arguments: &[OsString]) -> Vec<u8> {
    let output = Command::new(&arguments[0])
        .args(&arguments[1..])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    output.stdout
}

/// A directory that goes away with the test.
pub(crate) struct TestDir(tempfile::TempDir);

impl TestDir {
    /// Makes an empty one.
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// Returns the path of a file in it.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

/// Writes a row into a database in the way of a server that is killed: it is in the log, which stays.
pub(crate) fn write_row(database: &Path, text: &str) {
    sql(
        "db.execute('PRAGMA journal_mode=WAL'); db.execute('PRAGMA wal_autocheckpoint=0'); \
         db.execute('CREATE TABLE IF NOT EXISTS t(x)'); \
         db.execute('INSERT INTO t VALUES (?)', (sys.argv[2],)); db.commit(); os._exit(0)",
        database,
        text,
    );
}

/// Returns the rows of a database that no server has open; it has to be whole.
pub(crate) fn rows(database: &Path) -> String {
    let read = sql(
        "assert db.execute('PRAGMA integrity_check').fetchone() == ('ok',); \
         has = db.execute('SELECT 1 FROM sqlite_master WHERE name = ?', ('t',)).fetchone(); \
         print(*[x for x, in db.execute('SELECT x FROM t')] if has else ())",
        database,
        "",
    );
    String::from_utf8(read).unwrap().trim().to_owned()
}

fn sql(program: &str, database: &Path, text: &str) -> Vec<u8> {
    let program = format!("import os, sqlite3, sys; db = sqlite3.connect(sys.argv[1]); {program}");
    python(&[
        "python3".into(),
        "-c".into(),
        program.into(),
        database.into(),
        text.into(),
    ])
}
