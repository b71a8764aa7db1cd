//! The keys of dynamic configuration that an executable of the server knows, read from the executable itself.
//!
//! The fact: Go's linker lays the text of all string constants of one length side by side, without a separator. So where two keys
//! are neighbours, their distance is their length. A key that is nowhere in the file, or only as the beginning of longer keys, is one that
//! this very server does not know; every other one counts as known. Each file and key is looked at once: the answers are cached
//! under what the kernel says about the file.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::ops::RangeInclusive;
use std::path::Path;

use nix::fcntl::OFlag;
use serde::{Deserialize, Serialize};

use super::digest::{Key as FileKey, digest_of};
use crate::directory::Directory;

/// What keys begin with, before the first dot; one that ends with another stands before it.
const AREAS: [&str; 17] = [
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
    "metrics",
    "rpc",
    "dynamicconfig",
];

/// Bytes that a key has at least and at most; what is longer is text that only looks like one.
const LENGTHS: RangeInclusive<usize> = 8..=90;

/// Bytes that one step reads.
const STEP: usize = 1 << 20;

/// Bytes around a key that tell what it is a part of: a key before it, and one after it.
const AROUND: usize = 2 * *LENGTHS.end();

/// Keys that are found at least in a server; with fewer the file is a script, or packed, and says nothing.
const FEWEST: usize = 100;

/// Bytes of the cache of one file.
const CACHE: u64 = 1 << 20;

/// What is known of the keys of one executable.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keys {
    /// Keys that stand in the executable, as they are spelt there; a few are none.
    listed: BTreeSet<String>,
    /// The keys that were asked about, in lower case, and the text that stands in the executable for each; null: none does.
    judged: BTreeMap<String, Option<String>>,
}

impl Keys {
    /// Tells whether the server does not know a key; false where that was never looked at.
    pub fn is_unknown(&self, key: &str) -> bool {
        self.listed.len() >= FEWEST
            && self.spelling(key).is_none()
            && self.judged.get(&key.to_lowercase()) == Some(&None)
    }

    /// Returns a key as the executable spells it: servers before 1.30 tell upper case from lower.
    pub fn spelling(&self, key: &str) -> Option<&str> {
        let same = |listed: &&String| listed.eq_ignore_ascii_case(key);
        let listed = self.listed.get(key);
        let listed = listed.or_else(|| self.listed.iter().find(same));
        let judged = || self.judged.get(&key.to_lowercase())?.as_ref();
        listed.or_else(judged).map(String::as_str)
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
        let Some((mut file, mut scanner)) = self.reading.take() else {
            return Ok(Some(std::mem::take(&mut self.known)));
        };
        let mut chunk = Vec::with_capacity(STEP);
        let read = (&mut file).take(STEP as u64).read_to_end(&mut chunk)?;
        if read > 0 {
            scanner.push(&chunk);
            self.reading = Some((file, scanner));
            return Ok(None);
        }
        let mut keys = scanner.finish();
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
#[derive(Debug)]
struct Scanner {
    /// In lower case.
    wanted: Vec<String>,
    /// What was pushed last, after the end of what was pushed before: keys may lie across.
    text: Vec<u8>,
    listed: BTreeSet<String>,
    /// Of those wanted, the text that stands there.
    found: BTreeMap<String, String>,
}

impl Scanner {
    fn new(wanted: Vec<String>) -> Self {
        Self {
            wanted,
            text: vec![0; AROUND],
            listed: BTreeSet::new(),
            found: BTreeMap::new(),
        }
    }

    fn push(&mut self, bytes: &[u8]) {
        self.text.extend_from_slice(bytes);
        if self.text.len() > 2 * AROUND {
            self.look();
            self.text.drain(..self.text.len() - 2 * AROUND);
        }
    }

    fn finish(mut self) -> Keys {
        self.push(&[0; AROUND]);
        let mut found = self.found;
        let judge = |key: String| {
            let spelling = found.remove(&key);
            (key, spelling)
        };
        Keys {
            listed: self.listed,
            judged: self.wanted.into_iter().map(judge).collect(),
        }
    }

    fn look(&mut self) {
        let text = &self.text;
        let dots = text.iter().enumerate().filter(|(_, byte)| **byte == b'.');
        let dots: Vec<usize> = dots.map(|(at, _)| at).collect();
        let starts: Vec<usize> = dots.iter().filter_map(|dot| start(text, *dot)).collect();
        let mut tiles = vec![];
        for pair in starts.windows(2) {
            let length = pair[1] - pair[0];
            if LENGTHS.contains(&length) && is_text(text, pair[0], length) {
                let is_whole = |start: &usize| is_text(text, *start, length);
                tiles.extend(
                    pair.iter()
                        .filter(|start| is_whole(start))
                        .map(|start| (*start, length)),
                );
            }
        }
        for (start, length) in &tiles {
            let key = String::from_utf8_lossy(&text[*start..start + length]);
            self.listed.insert(key.into_owned());
        }
        for key in &self.wanted {
            if !self.found.contains_key(key)
                && let Some(spelling) = find(text, &dots, key.as_bytes(), &tiles)
            {
                self.found.insert(key.clone(), spelling);
            }
        }
    }
}

/// Tells whether there is only what keys are made of.
fn is_text(text: &[u8], start: usize, length: usize) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b".-_".contains(byte);
    let part = text.get(start..start + length);
    part.is_some_and(|part| part.iter().all(is_part))
}

/// Returns where the key begins whose area ends at this dot.
fn start(text: &[u8], dot: usize) -> Option<usize> {
    let is_key = text.get(dot + 1).is_some_and(u8::is_ascii_alphabetic);
    let before = &text[..dot];
    let is_area = |area: &&&str| before.ends_with(area.as_bytes());
    let area = AREAS.iter().find(is_area).filter(|_| is_key)?;
    let start = dot - area.len();
    // After a dot it is a part of the key before it.
    (start == 0 || text[start - 1] != b'.').then_some(start)
}

/// Returns a key as a text spells it, where it stands other than as the beginning of longer keys. What is too near to an end to tell
/// is for the next text.
fn find(text: &[u8], dots: &[usize], key: &[u8], tiles: &[(usize, usize)]) -> Option<String> {
    let offset = key.iter().position(|byte| *byte == b'.')?;
    let inner = AROUND..text.len() - AROUND;
    let places = dots.iter().filter_map(|dot| dot.checked_sub(offset));
    let mut places = places.filter(|at| inner.contains(at));
    places.find_map(|at| {
        // All texts beside a key have its length. So a distance of a multiple of it is one of several texts, the next ones of which
        // do not look like keys, and not one of a longer key.
        let covers = |(start, length): &(usize, usize)| {
            *start == at && *length > key.len() && *length % key.len() != 0
        };
        let here = text.get(at..at + key.len())?;
        let is_key = here.eq_ignore_ascii_case(key) && !tiles.iter().any(covers);
        is_key.then(|| String::from_utf8_lossy(here).into_owned())
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
    fn a_key_that_is_only_the_beginning_of_longer_keys_is_unknown() {
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
                .filter(|key| keys.judged[&key.to_lowercase()].is_some())
                .collect();
            assert_eq!(known, ["history.rps", "Worker.Count"]);
        }
    }

    #[test]
    fn a_key_without_neighbours_is_spelt_as_it_stands_there() {
        for piece in [1, 7, 1000] {
            let keys = keys(TEXT, &["HISTORY.RPS", "worker.Count"], piece);
            assert_eq!(keys.spelling("HISTORY.rps"), Some("history.rps"));
            assert_eq!(keys.spelling("Worker.count"), Some("worker.count"));
        }
    }

    #[test]
    fn a_text_of_one_length_that_is_no_key_hides_no_key_before_it() {
        let text = "\0frontend.rpsTwelveBytesXhistory.ratehistory.size\0";
        let wanted = ["frontend.rps", "history.ra"];
        let keys = keys(text, &wanted, 1000);
        assert_eq!(keys.spelling("frontend.rps"), Some("frontend.rps"));
        assert_eq!(keys.judged["history.ra"], None);
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
