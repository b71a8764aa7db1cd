//! Work on a database, done by the interpreter's own `sqlite3` in a short-lived child.
//!
//! Invariant: the files beside a database are removed by `SQLite`'s own last close or not at all, for only `SQLite` knows
//! whether their contents are in the main file. Here the command is built and its answer read; the supervisor spawns it,
//! with the locks inherited and tied to its own life.

use std::ffi::OsString;
use std::path::Path;

use serde::Deserialize;

use super::refusal;
use crate::error::Result;

/// The program: takes an operation, a path and, for a copy or a comparison, that of another file, and prints one line of JSON.
///
/// The database is opened by URI with `mode=rw`, so that a missing file is an error and not a new database. What is only
/// looked at is opened so that nothing is made beside it: as one that nobody changes, unless its log has to be read, too.
pub const SCRIPT: &str = r#"
import json, sys
def main(op, path, target=None):
    try:
        import sqlite3
    except ImportError as error:
        return {"error": "this Python has no sqlite3 (%s)" % error}
    from os import fsencode, fsync, stat
    safe = b"/-_.~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    def connect(path, how="mode=rw"):
        quoted = "".join(chr(b) if b in safe else "%%%02X" % b for b in fsencode(path))
        return sqlite3.connect("file:" + quoted + "?" + how, uri=True, timeout=5, isolation_level=None)
    def looked_at(path):
        try:
            is_logged = stat(path + "-wal").st_size > 0
        except OSError:
            is_logged = False
        return connect(path, "mode=ro" if is_logged else "immutable=1")
    def columns(path):
        db = looked_at(path)
        found = {name: set() for name, in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        for table, column in db.execute("SELECT m.name, x.name FROM sqlite_master m, pragma_table_xinfo(m.name) x"
                                        " WHERE m.type = 'table' AND m.sql NOT LIKE 'CREATE VIRTUAL%'"):
            found[table].add(column)
        db.close()
        return found
    try:
        if op == "compare":
            ours, theirs = columns(path), columns(target)
            return {"tables": sorted(theirs.keys() - ours.keys()),
                    "columns": sorted(c for t in theirs.keys() & ours.keys() for c in theirs[t] - ours[t]),
                    "foreign": any(ours[t] - theirs.get(t, set()) or t not in theirs for t in ours)}
        db = connect(path)
        try:
            if op == "copy":
                copy = connect(target)
                copy.execute("PRAGMA synchronous=OFF")
                db.backup(copy)
                mode, = copy.execute("PRAGMA journal_mode=DELETE").fetchone()
                copy.close()
                with open(target, "rb") as written:
                    fsync(written.fileno())
                return {"mode": mode}
            if op == "checkpoint":
                busy, _, _ = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
                return {"busy": bool(busy)}
            objects, = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
            problems = [row[0] for row in db.execute("PRAGMA integrity_check(10)")]
            return {"objects": objects, "problems": [p for p in problems if p != "ok"]}
        finally:
            db.close()
    except sqlite3.Error as error:
        if op == "check":
            return {"objects": 0, "problems": [str(error)]}
        return {"error": str(error)}
print(json.dumps(main(*sys.argv[1:])))
"#;

/// What the child is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation<'a> {
    /// Write a consistent copy, one whole file, to this empty one; the database may be in use.
    Copy(&'a Path),
    /// Fold the write-ahead log into the file, so that the database is one file.
    Checkpoint,
    /// Compare its tables and columns with those of this database.
    Compare(&'a Path),
    /// Examine the whole file, and count its tables, indexes and triggers.
    Check,
}

/// What the child found.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Answer {
    /// The operation could not be done.
    Failed {
        /// What `SQLite` says.
        error: String,
    },
    /// The log was folded in; or, when busy, not: then all three files belong together.
    Checkpointed {
        /// Whether somebody else had the database open.
        busy: bool,
    },
    /// A copy was written.
    Copied {
        /// Its journal mode: `delete`, or it is not one file.
        mode: String,
    },
    /// The database was compared with another.
    Compared(Difference),
    /// The database was examined.
    Checked {
        /// Number of tables, indexes and triggers; a complete one has as many as its template.
        objects: u64,
        /// What is broken, at most ten lines; empty when all is well.
        problems: Vec<String>,
    },
}

/// How a database differs from another.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Difference {
    /// The tables that it lacks.
    pub tables: Vec<String>,
    /// The columns that it lacks in the tables that it has.
    pub columns: Vec<String>,
    /// Whether it has any that the other one lacks.
    pub foreign: bool,
}

/// How to run the program.
#[derive(Debug, Clone)]
pub struct SqliteHelper {
    /// The interpreter and its arguments, the program among them, as [`SqliteHelper::python`] makes them.
    pub argv: Vec<OsString>,
}

impl SqliteHelper {
    /// Uses the interpreter `python`, isolated from its user's and its site's modules.
    pub fn python(python: &Path) -> Self {
        let arguments = ["-I", "-S", "-c", SCRIPT].map(OsString::from);
        let argv = std::iter::once(python.into()).chain(arguments).collect();
        Self { argv }
    }

    /// Returns the command line that does `operation` on the database at `path`.
    pub fn command(&self, operation: Operation<'_>, path: &Path) -> Vec<OsString> {
        let (operation, target) = match operation {
            Operation::Copy(target) => ("copy", Some(target.into())),
            Operation::Compare(target) => ("compare", Some(target.into())),
            Operation::Checkpoint => ("checkpoint", None),
            Operation::Check => ("check", None),
        };
        let more = [OsString::from(operation), path.into()];
        self.argv
            .iter()
            .cloned()
            .chain(more)
            .chain(target)
            .collect()
    }
}

/// Reads what the child printed about the database at `path`.
pub fn parse(path: &Path, stdout: &[u8]) -> Result<Answer> {
    let remedy = "see that the interpreter still is where it was and has `sqlite3`";
    match serde_json::from_slice(stdout) {
        Ok(Answer::Failed { error }) => {
            let remedy = "see that it is a whole database, that its disk has room, and that no other program has it open";
            Err(refusal(path, &error, remedy))
        }
        Ok(answer) => Ok(answer),
        Err(_) => Err(refusal(
            path,
            "the child that works on it gave no answer",
            remedy,
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn answers_are_read() {
        let read = |text: &str| parse(Path::new("x.db"), text.as_bytes());
        assert_eq!(
            read("{\"busy\": true}\n").unwrap(),
            Answer::Checkpointed { busy: true }
        );
        let checked = read(r#"{"objects": 149, "problems": []}"#).unwrap();
        assert!(matches!(checked, Answer::Checked { objects: 149, .. }));
        let text = read(r#"{"error": "file is not a database"}"#).unwrap_err();
        assert!(text.to_string().contains("not a database"));
        assert!(read("").is_err());
    }

    proptest! {
        #[test]
        fn anything_can_be_answered(bytes: Vec<u8>) {
            let _answer = parse(Path::new("x"), &bytes);
        }
    }
}
