//! The digest of an executable, which names its template; hashing 100 MB takes a while, so it is done once and in steps.
//!
//! Invariant: a digest is stored under the key that the open file had both before and after it was hashed, so a file that
//! changed meanwhile stores nothing. The store is a cache: unreadable, it is empty; lost, it is built again.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use nix::fcntl::OFlag;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::directory::Directory;
use crate::failpoint;

/// Bytes that one step hashes: about 1 ms.
const STEP: usize = 1 << 20;
/// Name of the store in the directory of templates.
const STORE: &str = "digests.json";
/// The store while it is being written.
const STORE_NEW: &str = "digests.json.new";
/// Most digests that are kept: the newest.
const MOST: usize = 32;

/// What the kernel says about a file; another content has another key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// Device.
    pub dev: u64,
    /// Inode.
    pub ino: u64,
    /// Bytes.
    pub size: u64,
    /// Last change of the content: seconds and nanoseconds.
    pub mtime: (i64, i64),
    /// Last change of anything: seconds and nanoseconds; nobody can set it back.
    pub ctime: (i64, i64),
}

impl Key {
    /// Asks the kernel about the file at `path`, or what it links to.
    pub fn of(path: &Path) -> io::Result<Self> {
        std::fs::metadata(path).map(|metadata| Self::from(&metadata))
    }
}

impl From<&std::fs::Metadata> for Key {
    fn from(metadata: &std::fs::Metadata) -> Self {
        Self {
            dev: metadata.dev(),
            ino: metadata.ino(),
            size: metadata.size(),
            mtime: (metadata.mtime(), metadata.mtime_nsec()),
            ctime: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// A hashing under way; the caller may do other things between two steps.
#[derive(Debug)]
pub struct Digester {
    /// The file, open all the while, so that a replaced one is not half hashed.
    file: File,
    /// Its key before the first step.
    key: Key,
    /// What was hashed so far.
    hash: Sha256,
    /// Where a step reads to.
    buffer: Vec<u8>,
}

impl Digester {
    /// Begins to hash the file at `path`.
    pub fn open(path: &Path) -> io::Result<Self> {
        failpoint::pass("digest.open")?;
        let file = File::open(path)?;
        let key = Key::from(&file.metadata()?);
        Ok(Self {
            file,
            key,
            hash: Sha256::new(),
            buffer: vec![0; STEP],
        })
    }

    /// Hashes one step; at the end the key and the digest in hexadecimal digits.
    pub fn step(&mut self) -> io::Result<Option<(Key, String)>> {
        let read = match self.file.read(&mut self.buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(None),
            other => other?,
        };
        if read > 0 {
            self.hash.update(&self.buffer[..read]);
            return Ok(None);
        }
        if Key::from(&self.file.metadata()?) != self.key {
            return Err(io::Error::other("the executable changed while it was read"));
        }
        failpoint::pass("digest.done")?;
        let digest = digits(std::mem::take(&mut self.hash));
        Ok(Some((self.key, digest)))
    }
}

/// Returns the digest of some words.
pub fn digest_of(words: &str) -> String {
    digits(Sha256::new_with_prefix(words))
}

fn digits(hash: Sha256) -> String {
    let mut digits = String::with_capacity(64);
    for byte in hash.finalize() {
        for half in [byte >> 4, byte & 15] {
            digits.extend(char::from_digit(u32::from(half), 16));
        }
    }
    digits
}

/// The digests that are known.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Digests(Vec<(Key, String)>);

impl Digests {
    /// Reads the store in `directory`.
    pub fn read(directory: &Directory) -> Self {
        let mut text = Vec::new();
        let opened = directory.open_file(STORE, OFlag::O_RDONLY);
        match opened.and_then(|file| file.take(1 << 20).read_to_end(&mut text)) {
            Ok(_) => serde_json::from_slice(&text).unwrap_or_default(),
            Err(_) => Self::default(),
        }
    }

    /// Returns the digest of the file with this key, if it is known and looks like one.
    pub fn get(&self, key: &Key) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == key);
        let digest = found.map(|(_, digest)| digest.as_str())?;
        super::is_digest(digest).then_some(digest)
    }

    /// Adds a digest to the store in `directory`. While another writes, this one is lost, and hashed again.
    pub fn add(directory: &Directory, key: Key, digest: String) -> io::Result<()> {
        // The new file has one fixed name: two writers would mix their text.
        let Ok(Some(_lock)) = directory.try_exclusive("digests.lock") else {
            return Ok(());
        };
        let Self(mut known) = Self::read(directory);
        known.retain(|(other, _)| (other.dev, other.ino) != (key.dev, key.ino));
        known.push((key, digest));
        let surplus = known.len().saturating_sub(MOST);
        known.drain(..surplus);
        let flags = OFlag::O_CREAT | OFlag::O_TRUNC | OFlag::O_WRONLY;
        let mut file = directory.open_file(STORE_NEW, flags)?;
        failpoint::pass("digest.write")?;
        file.write_all(&serde_json::to_vec(&Self(known))?)?;
        directory.rename(STORE_NEW, STORE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(path: &Path) -> (Key, String) {
        let mut digester = Digester::open(path).unwrap();
        loop {
            if let Some(done) = digester.step().unwrap() {
                return done;
            }
        }
    }

    #[test]
    fn the_digest_is_sha256_and_is_found_until_the_file_changes() {
        let temp = tempfile::tempdir().unwrap();
        let directory = Directory::make(&temp.path().join("cache"), "X").unwrap();
        let path = temp.path().join("temporal");
        std::fs::write(&path, "abc").unwrap();
        let (key, hex) = digest(&path);
        assert_eq!(
            hex,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(Digests::read(&directory).get(&key), None);
        Digests::add(&directory, key, hex.clone()).unwrap();
        assert_eq!(Digests::read(&directory).get(&key), Some(hex.as_str()));
        std::fs::write(&path, "abcd").unwrap();
        assert_eq!(
            Digests::read(&directory).get(&Key::of(&path).unwrap()),
            None
        );
    }

    #[test]
    fn a_big_file_takes_several_steps_and_a_change_is_noticed() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("temporal");
        std::fs::write(&path, vec![7; STEP + 1]).unwrap();
        let mut digester = Digester::open(&path).unwrap();
        assert!(digester.step().unwrap().is_none());
        assert!(digester.step().unwrap().is_none());
        assert!(digester.step().unwrap().is_some());
        let mut digester = Digester::open(&path).unwrap();
        assert!(digester.step().unwrap().is_none());
        std::fs::write(&path, "changed").unwrap();
        assert!((0..9).any(|_| digester.step().is_err()));
    }

    #[test]
    fn a_spoiled_store_is_an_empty_one() {
        let temp = tempfile::tempdir().unwrap();
        let directory = Directory::make(&temp.path().join("cache"), "X").unwrap();
        let path = temp.path().join("temporal");
        std::fs::write(&path, "abc").unwrap();
        let (key, _) = digest(&path);
        Digests::add(&directory, key, "../../evil".to_owned()).unwrap();
        assert_eq!(Digests::read(&directory).get(&key), None);
        std::fs::write(directory.path().join(STORE), "{").unwrap();
        assert_eq!(Digests::read(&directory).get(&key), None);
    }
}
