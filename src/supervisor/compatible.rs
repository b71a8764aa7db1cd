//! Whether a database fits the executable that is about to open it.
//!
//! The fact (`docs/compatibility.md`): a server makes its tables in a new file only and changes nothing in one that exists, so
//! a database has for ever what the version that made it knew. A newer version starts on it all the same and says it is ready;
//! then whatever needs a table that is missing fails for ever (1.9.1 on a database of 1.5.1: schedules), and what needs a
//! column that is missing, some searches. Tables and columns that it does not know do an older version no harm.
//!
//! Invariant: nothing is written here, and nothing is decided by comparing version numbers: the database is compared with the
//! template of the executable. The mark of the same version spares that.

use std::os::fd::BorrowedFd;
use std::path::Path;

use crate::database::mark::{self, Mark, Version};
use crate::database::refusal;
use crate::database::sqlite::{Answer, Difference, Operation};
use crate::error::{Error, Result};
use crate::supervisor::template::{Build, sqlite};

/// Names that a message lists before it counts the rest.
const NAMED: usize = 3;

/// Refuses a database that lacks tables of the executable's; returns a warning about one that differs otherwise.
///
/// `path` is what the user calls it, `file` where it lies.
pub(crate) async fn examine(
    file: &Path,
    path: &Path,
    build: &Build<'_>,
    inherit: Vec<BorrowedFd<'_>>,
) -> Result<Option<String>> {
    let made_by = match mark::read(file) {
        Ok(Some((Mark::Made, version))) => Some(version),
        _ => None,
    };
    let running = &build.facts.version;
    let is_same = made_by == Some(Version::of(running));
    let Some(python) = build.plan.python.as_ref().filter(|_| !is_same) else {
        return Ok(None);
    };
    let template = build.get().await?;
    let compared = sqlite(python, Operation::Compare(&template), file, inherit).await;
    let difference = match compared {
        Ok(Answer::Compared(difference)) => difference,
        // Whatever is wrong with it, the server has more to say of it.
        other => {
            tracing::warn!(path = %path.display(), ?other, "the database could not be compared");
            return Ok(None);
        }
    };
    if !difference.tables.is_empty() {
        return Err(refused(path, made_by, running, &difference.tables));
    }
    Ok(warning(made_by, &difference))
}

fn refused(path: &Path, made_by: Option<Version>, running: &str, tables: &[String]) -> Error {
    let maker = maker(made_by);
    let tables = list(tables);
    let problem = format!(
        "it was made by {maker} and lacks what temporal {running} needs (tables: {tables}), which no version adds"
    );
    let which = made_by.map_or_else(
        || "the version that made it".to_owned(),
        |version| format!("`version=\"{version}\"`"),
    );
    let remedy = format!(
        "use an executable of that time for it ({which}), or another path for a new database"
    );
    refusal(path, &problem, &remedy)
}

fn warning(made_by: Option<Version>, difference: &Difference) -> Option<String> {
    let maker = maker(made_by);
    if !difference.columns.is_empty() {
        let columns = list(&difference.columns);
        return Some(format!(
            "its database was made by {maker} and lacks columns ({columns}): searches for them fail"
        ));
    }
    difference.foreign.then(|| {
        format!(
            "its database was made by {maker}, a newer one: what only that one knows is not seen"
        )
    })
}

fn maker(made_by: Option<Version>) -> String {
    made_by.map_or_else(
        || "another version of temporal".to_owned(),
        |version| format!("temporal {version}"),
    )
}

fn list(names: &[String]) -> String {
    let first = names[..names.len().min(NAMED)].join(", ");
    match names.len().saturating_sub(NAMED) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}
