//! A killed server leaves its data in the write-ahead log; afterwards it is all in one file, and nothing is lost.

use std::ffi::OsString;
use std::path::Path;

use temporal_devserver::database::sqlite::{Answer, Operation, SqliteHelper, parse};

use crate::support::{playground, python};

const PYTHON: &str = "python3";

/// Writes and ends without closing, as a killed server does.
const WRITER: &str = "
import os, sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.execute('PRAGMA journal_mode=wal')
db.execute('CREATE TABLE t (x)')
db.execute('INSERT INTO t VALUES (42)')
db.commit()
os._exit(0)
";

fn write(path: &Path) {
    let arguments = [PYTHON, "-c", WRITER].map(OsString::from);
    python(&[&arguments[..], &[path.into()]].concat());
}

fn run(operation: Operation<'_>, path: &Path) -> temporal_devserver::error::Result<Answer> {
    let helper = SqliteHelper::python(Path::new(PYTHON));
    parse(path, &python(&helper.command(operation, path)))
}

fn exists(path: &Path, suffix: &str) -> bool {
    temporal_devserver::database::beside(path, suffix).exists()
}

#[test]
fn with_all_that_was_written() {
    let (_temp, folder) = playground();
    let path = folder.join("a db?with#odd %characters.db");
    write(&path);
    assert!(exists(&path, "-wal") && exists(&path, "-shm"));
    let answer = run(Operation::Checkpoint, &path).unwrap();
    assert_eq!(answer, Answer::Checkpointed { busy: false });
    assert!(!exists(&path, "-wal") && !exists(&path, "-shm"));
    let copy = folder.join("copy.db");
    std::fs::copy(&path, &copy).unwrap();
    let checked = Answer::Checked {
        objects: 1,
        problems: Vec::new(),
    };
    assert_eq!(run(Operation::Check, &copy).unwrap(), checked);
}

#[test]
fn and_what_cannot_be_done_is_an_error_that_creates_nothing() {
    let (_temp, folder) = playground();
    let missing = folder.join("missing.db");
    assert!(run(Operation::Checkpoint, &missing).is_err());
    assert!(!missing.exists());
    let text = folder.join("text");
    std::fs::write(&text, "not a database at all, but long enough").unwrap();
    let error = run(Operation::Checkpoint, &text).unwrap_err();
    assert!(error.to_string().contains("not a database"), "{error}");
    // To find that out is what a check is for.
    let found = format!("{:?}", run(Operation::Check, &text).unwrap());
    assert!(found.contains("not a database"), "{found}");
}
