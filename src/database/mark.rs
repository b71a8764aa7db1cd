//! The mark in the header of a database file: what the file is to us, and which version of the server made it.
//!
//! The fact: `SQLite` leaves two numbers of the header to applications, `user_version` (bytes 60 to 64) and `application_id`
//! (bytes 68 to 72). Every server that `make compat` tries leaves both 0, runs on a file in which they are not, and leaves
//! them so.

use std::fmt;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use super::checks;
use crate::failpoint;

/// Where `user_version` lies in the header: the version.
const VERSION_AT: u64 = 60;

/// Where `application_id` lies in the header: which mark it is.
const MARK_AT: u64 = 68;

/// What a marked file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// A snapshot: whole, and not in use.
    Snapshot,
    /// A database that was made from the template of this version, so that it has its tables.
    Made,
}

impl Mark {
    fn number(self) -> u32 {
        u32::from_be_bytes(match self {
            Self::Snapshot => *b"tdss",
            Self::Made => *b"tdsd",
        })
    }
}

/// A version of the server's executable, as one number that compares as versions do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(u32);

impl Version {
    /// Reads `1.9.1`; what follows the numbers (`-rc.1`) is left out.
    pub fn of(text: &str) -> Self {
        let digits = |part: &str| {
            let end = part.find(|c: char| !c.is_ascii_digit());
            part[..end.unwrap_or(part.len())].parse().unwrap_or(0)
        };
        let mut parts = text
            .splitn(3, '.')
            .map(digits)
            .map(|part: u32| part.min(999));
        let mut next = || parts.next().unwrap_or(0);
        Self((next() * 1000 + next()) * 1000 + next())
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(number) = self;
        let (major, minor) = (number / 1_000_000, number / 1000 % 1000);
        write!(f, "{major}.{minor}.{}", number % 1000)
    }
}

/// Returns the mark of the file at `path`; none where it bears none of ours.
pub fn read(path: &Path) -> io::Result<Option<(Mark, Version)>> {
    if !std::fs::metadata(path)?.is_file() || !checks::is_database(path)? {
        return Ok(None);
    }
    let file = File::open(path)?;
    let number = |at| -> io::Result<u32> {
        let mut bytes = [0; 4];
        file.read_exact_at(&mut bytes, at)?;
        Ok(u32::from_be_bytes(bytes))
    };
    let found = match number(MARK_AT) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        found => found?,
    };
    let marks = [Mark::Snapshot, Mark::Made];
    let mark = marks.into_iter().find(|mark| mark.number() == found);
    mark.map(|mark| Ok((mark, Version(number(VERSION_AT)?))))
        .transpose()
}

/// Marks a file that no connection has open, or takes its mark away.
pub fn write(path: &Path, mark: Option<(Mark, Version)>) -> io::Result<()> {
    failpoint::pass("database.mark")?;
    let (mark, number) = mark.map_or((0, 0), |(mark, Version(number))| (mark.number(), number));
    let file = File::options().write(true).open(path)?;
    file.write_all_at(&number.to_be_bytes(), VERSION_AT)?;
    file.write_all_at(&mark.to_be_bytes(), MARK_AT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_mark_is_read_and_taken_away() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("x.db");
        std::fs::write(
            &path,
            [b"SQLite format 3\0".as_slice(), &[0; 4080]].concat(),
        )
        .unwrap();
        let before = std::fs::read(&path).unwrap();
        assert_eq!(read(&path).unwrap(), None);
        for kind in [Mark::Snapshot, Mark::Made] {
            write(&path, Some((kind, Version::of("1.9.1")))).unwrap();
            assert_eq!(
                read(&path).unwrap(),
                Some((kind, Version::of("1.9.1-rc.2")))
            );
        }
        write(&path, None).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }

    proptest! {
        #[test]
        fn versions_compare_as_their_numbers(a in any::<[u8; 3]>(), b in any::<[u8; 3]>()) {
            let text = |[x, y, z]: [u8; 3]| format!("{x}.{y}.{z}");
            prop_assert_eq!(Version::of(&text(a)).to_string(), text(a));
            prop_assert_eq!(Version::of(&text(a)).cmp(&Version::of(&text(b))), a.cmp(&b));
        }
    }
}
