//! A database file that every `SQLite` can open: one page, one view, for one without anything is incomplete.
//!
//! Invariant: the file appears whole (written, then renamed), and one that exists is left as it is.

use std::fs::{self, File};
use std::io;
use std::path::Path;

/// What is not zero in a database of one 4 KiB page, by offset.
const PAGE: [(usize, &[u8]); 9] = [
    (0, b"SQLite format 3\0"),
    // Page size, versions of the file format, and three fixed fractions.
    (16, &[0x10, 0, 1, 1, 0, 64, 32, 32]),
    // Change counter, and size in pages.
    (24, &[0, 0, 0, 1, 0, 0, 0, 1]),
    // Schema format 4.
    (44, &[0, 0, 0, 4]),
    // Text is UTF-8.
    (56, &[0, 0, 0, 1]),
    // Counter for which the version is valid, and the version.
    (92, &[0, 0, 0, 1, 0, 46, 0, 0]),
    // The table of tables: a leaf with one cell, whose content begins 39 bytes before the end of the page.
    (100, &[0x0d, 0, 0, 0, 1, 0x0f, 0xd9, 0, 0x0f, 0xd9]),
    // The cell: 37 bytes for row 1, the types of its columns, and the columns.
    (4057, &[37, 1, 6, 0x15, 0x0f, 0x0f, 8, 0x3f]),
    (4065, b"viewvvCREATE VIEW v AS SELECT 1"),
];

/// Opens the database, making it first where it is missing.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    if !path.exists() {
        let mut page = [0; 4096];
        for (at, bytes) in PAGE {
            page[at..at + bytes.len()].copy_from_slice(bytes);
        }
        let new = path.with_extension("new");
        fs::write(&new, page)?;
        fs::rename(&new, path)?;
    }
    File::options().read(true).write(true).open(path)
}
