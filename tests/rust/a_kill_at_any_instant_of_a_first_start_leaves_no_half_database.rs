//! A kill at any instant of an executable's first start leaves no half schema under the name of a database, for one that lacks
//! what is made last looks healthy; and the next start works.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use temporal_devserver::control::message::Kind;
use temporal_devserver::session::Notice;

use crate::support::{World, eventually, python, real_temporal};

/// Counts what is in a database, after the copying of all that belongs to it: a look must not change it.
const COUNT: &str = "
import pathlib, shutil, sqlite3, sys, tempfile
file = pathlib.Path(sys.argv[1])
with tempfile.TemporaryDirectory() as folder:
    for part in file.parent.glob(file.name + '*'):
        if part.suffix != '.lock':
            shutil.copy(part, folder)
    database = sqlite3.connect(pathlib.Path(folder, file.name))
    kinds = database.execute('SELECT type, count(*) FROM sqlite_master GROUP BY type').fetchall()
    print(database.execute('PRAGMA integrity_check').fetchall(), kinds)
    database.close()
";

fn contents(database: &Path) -> String {
    let argv = ["python3", "-c", COUNT].map(OsString::from);
    let counted = python(&[&argv[..], &[database.into()]].concat());
    String::from_utf8(counted).unwrap()
}

/// Returns the templates of a cache; the executable has one.
fn templates(cache: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(cache.join("templates")).into_iter();
    let paths = files.flatten().flatten().map(|file| file.path());
    paths
        .filter(|path| path.extension().is_some_and(|ending| ending == "db"))
        .collect()
}

struct Sweep {
    /// In which everything is complete.
    clean: World,
    contents: String,
}

impl Sweep {
    fn new() -> Self {
        let mut clean = World::new();
        clean.use_cache_of_its_own();
        let mut client = clean.client("first", &options(&clean));
        client.start();
        client.stop();
        client.wait_until_stopped();
        let contents = contents(&clean.path().join("kept.db"));
        assert!(contents.contains("[('ok',)]"), "{contents}");
        assert!(contents.contains("('table', "), "{contents}");
        Self { clean, contents }
    }

    /// Takes over what is known of the executable, but for its template: to hash it takes longer than all the rest.
    fn known(&self, world: &World) {
        let (from, to) = (self.clean.path().join("cache"), world.path().join("cache"));
        let copy = std::process::Command::new("cp")
            .arg("-a")
            .args([&from, &to])
            .status();
        assert!(copy.unwrap().success());
        for template in templates(&to) {
            std::fs::remove_file(template).unwrap();
        }
    }

    /// Kills everything so long after the beginning of a start; tells whether the server was not ready yet.
    fn killed_after(&self, delay: Duration) -> bool {
        let mut world = World::new();
        world.use_cache_of_its_own();
        self.known(&world);
        let (options, database) = (options(&world), world.path().join("kept.db"));
        let mut client = world.client("first", &options);
        let began = Instant::now();
        client.begin();
        std::thread::park_timeout(delay.saturating_sub(began.elapsed()));
        let is_ready = client
            .look()
            .iter()
            .any(|notice| matches!(notice, Notice::Granted { .. }));
        client.abandon();
        let mut all = world.processes();
        all.sort_unstable();
        for pid in all {
            // The supervisor first: it has the lowest number, and takes others along.
            kill(Pid::from_raw(pid), Signal::SIGKILL).ok();
        }
        drop(client);
        eventually("no process is left", || world.processes().is_empty());
        let whole: Vec<PathBuf> = templates(&world.path().join("cache"));
        for file in whole.iter().chain([&database]).filter(|file| file.exists()) {
            let found = contents(file);
            assert_eq!(found, self.contents, "{delay:?}: {}", file.display());
        }
        let mut next = world.client("first", &options);
        assert_eq!(next.start().state, Kind::Ready, "{delay:?}");
        next.stop();
        next.wait_until_stopped();
        assert_eq!(contents(&database), self.contents, "{delay:?}");
        !is_ready
    }

    fn every(&self, step: Duration) {
        let mut delay = Duration::ZERO;
        while self.killed_after(delay) {
            delay += step;
        }
        assert!(delay > Duration::from_millis(100), "ready after {delay:?}");
    }
}

fn options(world: &World) -> Value {
    json!({ "executable": real_temporal(), "db": world.path().join("kept.db") })
}

#[test]
#[ignore = "long"]
fn a_kill_at_any_instant_of_a_first_start_leaves_no_half_database() {
    Sweep::new().every(Duration::from_millis(5));
}
