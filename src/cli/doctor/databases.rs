//! Kept databases of servers that do not run: whether a start would take them, and what lies beside them.
//!
//! The fact: the lock beside a database is held while any server has it, under whatever name; then nothing of this is left over.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::finding::{Code, Finding, Look};
use super::world::World;
use crate::database::{COMPANIONS, beside, checks, lock, new};
use crate::process::holders::lock_holders_of;

/// Looks at the files; a database in use is its server's business.
pub(crate) fn look(world: &World) -> Look {
    let mut look = Look::default();
    let mut seen = vec![];
    for known in world.dead() {
        let Some(path) = known.database() else {
            continue;
        };
        let findings = of(&path);
        if path.exists() || !findings.is_empty() {
            seen.push(path.display().to_string());
        }
        look.findings.extend(findings);
    }
    look.at = if seen.is_empty() {
        "none is known that no server has".to_owned()
    } else {
        seen.join(", ")
    };
    look
}

fn of(path: &Path) -> Vec<Finding> {
    let is_there = |path: &Path| path.symlink_metadata().is_ok();
    let unfinished = new::path(path);
    let companions = COMPANIONS.map(|suffix| beside(path, suffix));
    let log = companions.iter().find(|file| is_there(file));
    let mut findings = vec![];
    if is_there(&unfinished) {
        findings.push(Finding::new(
            Code::HalfMade,
            format!("{} was left by a kill, half written", unfinished.display()),
            "nothing: the next start of the server removes it",
        ));
    }
    if is_there(path) || log.is_some() {
        if let Err(error) = checks::check(path) {
            findings.push(Finding::of(Code::DatabaseUnusable, &error));
        } else if let Some(log) = log {
            findings.push(Finding::new(
                Code::DatabaseLog,
                format!(
                    "{} lies beside a database that no server has: it holds what came last, and a copy of the database alone lacks it",
                    log.display()
                ),
                "start the server and stop it: that makes it one file again; until then copy all of them or none",
            ));
        }
    }
    if !findings.is_empty() && is_in_use(path) {
        findings.clear();
    }
    findings
}

fn is_in_use(path: &Path) -> bool {
    let lock = lock::path(path).symlink_metadata();
    lock.is_ok_and(|lock| !lock_holders_of(lock.dev(), lock.ino()).is_empty())
}
