//! The keys of dynamic configuration that an executable of the server knows, read from the executable itself.
//!
//! The fact: Go's linker lays the text of all string constants of one length side by side, without a separator. So where two keys
//! are neighbours, their distance is their length. A key that is nowhere in the file, or only inside of longer keys, is one that
//! this very server does not know; every other one counts as known. Each file and key is looked at once: the answers are cached
//! under what the kernel says about the file.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use nix::fcntl::OFlag;
use serde::{Deserialize, Serialize};

use super::digest::{Key as FileKey, digest_of};
use crate::directory::Directory;

/// What keys begin with, before the first dot; one that ends with another stands before it.
const AREAS: [&str; 14] = [
    "internal-frontend",
    "frontend",
    "history",
    "matching",
    "worker",
    "system",
    "limit",
    "nexusoperation",
    "component",
    "callback",
    "scheduler",
    "activity",
    "chasm",
    "admin",
];

/// Bytes that a key has at least and at most; what is longer is text that only looks like one.
const LENGTHS: std::ops::RangeInclusive<usize> = 8..=90;

/// Bytes that one step reads.
const STEP: usize = 1 << 20;

/// Bytes of one run of text that are looked at together.
const RUN: usize = 1 << 16;

/// Keys that are found at least in a server; with fewer the file is a script, or packed, and says nothing.
const FEWEST: usize = 100;

/// Bytes of the cache of one file.
const CACHE: u64 = 1 << 20;

/// What is known of the keys of one executable.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keys {
    /// Keys that stand in the executable, as they are spelt there; a few are none.
    listed: BTreeSet<String>,
    /// Whether the other keys that were asked about are known.
    judged: BTreeMap<String, bool>,
}

impl Keys {
    /// Tells whether the server does not know a key; false where that was never looked at.
    pub fn is_unknown(&self, key: &str) -> bool {
        self.listed.len() >= FEWEST
            && self.spelling(key).is_none()
            && self.judged.get(&key.to_lowercase()) == Some(&false)
    }

    /// Returns a key as the executable spells it: servers before 1.30 tell upper case from lower.
    pub fn spelling(&self, key: &str) -> Option<&str> {
        let same = |listed: &&String| listed.eq_ignore_ascii_case(key);
        let exact = self.listed.get(key);
        exact
            .or_else(|| self.listed.iter().find(same))
            .map(String::as_str)
    }

    /// Returns the key that was probably meant.
    pub fn nearest(&self, key: &str) -> Option<&str> {
        let most = (key.len() / 4).min(6);
        let distance =
            |listed: &String| strsim::osa_distance(&listed.to_lowercase(), &key.to_lowercase());
        let near = self.listed.iter().map(|listed| (distance(listed), listed));
        let nearest = near.filter(|(distance, _)| *distance <= most).min();
        nearest.map(|(_, listed)| listed.as_str())
    }

    fn is_answered(&self, key: &str) -> bool {
        self.spelling(key).is_some() || self.judged.contains_key(&key.to_lowercase())
    }
}

/// A look into an executable; the caller may do other things between two steps.
#[derive(Debug)]
pub struct KeyScan<'a> {
    cache: &'a Directory,
    name: String,
    known: Keys,
    /// None where the cache answers.
    reading: Option<(File, Scanner)>,
}

impl<'a> KeyScan<'a> {
    /// Begins to look for the keys that somebody wants to set.
    pub fn open<'k>(
        path: &Path,
        wanted: impl Iterator<Item = &'k String>,
        cache: &'a Directory,
    ) -> io::Result<Self> {
        let key = serde_json::to_string(&FileKey::of(path)?)?;
        let name = format!("{}.keys.json", digest_of(&key));
        let known = read(cache, &name);
        let open = |key: &&String| !known.is_answered(key);
        let wanted: Vec<String> = wanted.filter(open).map(|key| key.to_lowercase()).collect();
        let reading = if wanted.is_empty() {
            None
        } else {
            Some((File::open(path)?, Scanner::new(wanted)))
        };
        Ok(Self {
            cache,
            name,
            known,
            reading,
        })
    }

    /// Takes one step; at the end what is known of the keys.
    pub fn step(&mut self) -> io::Result<Option<Keys>> {
        let Some((file, scanner)) = &mut self.reading else {
            return Ok(Some(std::mem::take(&mut self.known)));
        };
        let mut chunk = Vec::with_capacity(STEP);
        if file.take(STEP as u64).read_to_end(&mut chunk)? > 0 {
            scanner.push(&chunk);
            return Ok(None);
        }
        let mut keys = std::mem::take(scanner).finish();
        keys.judged.append(&mut self.known.judged);
        // A cache that cannot be written costs time, nothing else.
        write(self.cache, &self.name, &keys).ok();
        Ok(Some(keys))
    }
}

/// Returns what the executable at `path` knows of these keys.
pub fn keys_of<'k>(
    path: &Path,
    wanted: impl Iterator<Item = &'k String>,
    cache: &Directory,
) -> io::Result<Keys> {
    let mut scan = KeyScan::open(path, wanted, cache)?;
    loop {
        if let Some(keys) = scan.step()? {
            return Ok(keys);
        }
    }
}

/// Says which keys the server ignores.
pub fn warnings<'k>(wanted: impl Iterator<Item = &'k String>, keys: &Keys) -> Vec<String> {
    let unknown = wanted.filter(|key| keys.is_unknown(key));
    let warning = |key: &String| {
        let remedy = keys.nearest(key).map_or_else(
            || "look at its spelling, or leave it out".to_owned(),
            |nearest| format!("did you mean `{nearest}`?"),
        );
        format!(
            "dynamic_config `{key}`: this server does not know the key and ignores it; {remedy}"
        )
    };
    unknown.map(warning).collect()
}

fn read(cache: &Directory, name: &str) -> Keys {
    let mut text = vec![];
    let opened = cache.open_file(name, OFlag::O_RDONLY);
    match opened.and_then(|file| file.take(CACHE).read_to_end(&mut text)) {
        Ok(_) => serde_json::from_slice(&text).unwrap_or_default(),
        Err(_) => Keys::default(),
    }
}

fn write(cache: &Directory, name: &str, keys: &Keys) -> io::Result<()> {
    let new = format!("{name}.{}", std::process::id());
    let flags = OFlag::O_CREAT | OFlag::O_WRONLY | OFlag::O_TRUNC;
    let mut file = cache.open_file(&new, flags)?;
    file.write_all(&serde_json::to_vec(keys)?)?;
    cache.rename(&new, name)
}

/// Finds keys in bytes that come piece by piece.
#[derive(Debug, Default)]
struct Scanner {
    /// In lower case.
    wanted: Vec<String>,
    /// The end of what was pushed, where a key may go on.
    run: Vec<u8>,
    listed: BTreeSet<String>,
    found: BTreeSet<String>,
}

impl Scanner {
    fn new(wanted: Vec<String>) -> Self {
        Self {
            wanted,
            ..Self::default()
        }
    }

    fn push(&mut self, bytes: &[u8]) {
        let is_text = |byte: &u8| byte.is_ascii_alphanumeric() || b".-_".contains(byte);
        let mut runs = bytes.split(|byte| !is_text(byte)).peekable();
        while let Some(run) = runs.next() {
            let is_last = runs.peek().is_none();
            if !self.run.is_empty() || is_last {
                self.run.extend_from_slice(run);
            }
            if is_last {
                break;
            }
            if self.run.is_empty() {
                self.look(run);
            } else {
                let run = std::mem::take(&mut self.run);
                self.look(&run);
            }
        }
        if self.run.len() > RUN {
            let run = std::mem::take(&mut self.run);
            self.look(&run);
            self.run = run[run.len() - 2 * LENGTHS.end()..].to_vec();
        }
    }

    fn finish(mut self) -> Keys {
        let run = std::mem::take(&mut self.run);
        self.look(&run);
        let found = self.found;
        let judge = |key: String| (found.contains(&key), key);
        let judged = self.wanted.into_iter().map(judge);
        Keys {
            listed: self.listed,
            judged: judged.map(|(is_known, key)| (key, is_known)).collect(),
        }
    }

    /// Looks at one run of text.
    fn look(&mut self, run: &[u8]) {
        if run.len() < *LENGTHS.start() || !run.contains(&b'.') {
            return;
        }
        let starts: Vec<usize> = dots(run).filter_map(|dot| start(run, dot)).collect();
        let mut tiles = vec![];
        for pair in starts.windows(2) {
            let (first, length) = (pair[0], pair[1] - pair[0]);
            if LENGTHS.contains(&length) {
                let is_whole = |start: &usize| start + length <= run.len();
                tiles.extend(
                    [first, pair[1]]
                        .into_iter()
                        .filter(is_whole)
                        .map(|start| (start, length)),
                );
            }
        }
        for (start, length) in &tiles {
            let key = String::from_utf8_lossy(&run[*start..start + length]);
            self.listed.insert(key.into_owned());
        }
        for key in &self.wanted {
            if !self.found.contains(key) && is_in(run, key.as_bytes(), &tiles) {
                self.found.insert(key.clone());
            }
        }
    }
}

fn dots(run: &[u8]) -> impl Iterator<Item = usize> {
    let is_dot = |(at, byte): (usize, &u8)| (*byte == b'.').then_some(at);
    run.iter().enumerate().filter_map(is_dot)
}

/// Returns where the key begins whose area ends at this dot.
fn start(run: &[u8], dot: usize) -> Option<usize> {
    let is_key = run.get(dot + 1).is_some_and(u8::is_ascii_alphabetic);
    let before = &run[..dot];
    let area = AREAS.iter().find(|area| before.ends_with(area.as_bytes()));
    let start = dot - area.filter(|_| is_key)?.len();
    // After a dot it is a part of the key before it.
    (start == 0 || run[start - 1] != b'.').then_some(start)
}

/// Tells whether a key stands in a run other than inside of longer keys.
fn is_in(run: &[u8], key: &[u8], tiles: &[(usize, usize)]) -> bool {
    let Some(offset) = key.iter().position(|byte| *byte == b'.') else {
        return false;
    };
    let mut places = dots(run).filter_map(|dot| dot.checked_sub(offset));
    places.any(|at| {
        let end = at + key.len();
        let is_here = run
            .get(at..end)
            .is_some_and(|text| text.eq_ignore_ascii_case(key));
        let covers = |(start, length): &(usize, usize)| {
            *length > key.len() && *start <= at && end <= start + length
        };
        is_here && !tiles.iter().any(covers)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns what is known after a look at this text, pushed in pieces of this length.
    fn keys(text: &str, wanted: &[&str], piece: usize) -> Keys {
        let mut scanner = Scanner::new(wanted.iter().map(|key| key.to_lowercase()).collect());
        for bytes in text.as_bytes().chunks(piece) {
            scanner.push(bytes);
        }
        scanner.finish()
    }

    const TEXT: &str = "\0cache misshistory.cacheSizehistory.cacheLifematching.cacheIdlfrontend.rpsx0123456789\0\
        see history.rps and worker.count\0";

    #[test]
    fn neighbours_are_keys_of_one_length() {
        for piece in [1, 7, 1000] {
            let keys = keys(TEXT, &[], piece);
            assert!(keys.listed.contains("history.cacheSize"), "{keys:?}");
            assert!(keys.listed.contains("history.cacheLife"), "{keys:?}");
            assert_eq!(
                keys.spelling("History.CacheSize"),
                Some("history.cacheSize")
            );
        }
    }

    #[test]
    fn a_key_that_only_longer_keys_contain_is_unknown() {
        let wanted = [
            "history.cacheSiz",
            "history.rps",
            "worker.counts",
            "Worker.Count",
            "foo",
        ];
        for piece in [1, 7, 1000] {
            let keys = keys(TEXT, &wanted, piece);
            let known: Vec<&str> = wanted
                .into_iter()
                .filter(|key| keys.judged[&key.to_lowercase()])
                .collect();
            assert_eq!(known, ["history.rps", "Worker.Count"]);
        }
    }

    #[test]
    fn the_nearest_key_is_proposed() {
        let keys = keys(TEXT, &[], 1000);
        assert_eq!(
            keys.nearest("history.cacheSizes"),
            Some("history.cacheSize")
        );
        assert_eq!(keys.nearest("histroy.cachesize"), Some("history.cacheSize"));
        assert_eq!(keys.nearest("something.else"), None);
    }

    #[test]
    fn a_file_without_keys_says_nothing() {
        let temp = tempfile::tempdir().unwrap();
        let cache = Directory::make(&temp.path().join("cache"), "X").unwrap();
        let path = temp.path().join("temporal");
        std::fs::write(&path, "#!/bin/sh\nexec temporal\n").unwrap();
        let wanted = ["history.rps".to_owned()];
        let keys = keys_of(&path, wanted.iter(), &cache).unwrap();
        assert!(warnings(wanted.iter(), &keys).is_empty());
        let again = KeyScan::open(&path, wanted.iter(), &cache).unwrap();
        assert!(again.reading.is_none());
    }
}
