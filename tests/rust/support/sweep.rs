//! The crash-point sweep: one life of a server after another, and in the n-th one the n-th effect goes wrong.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use temporal_devserver::control::message::{Kind, Request};

use crate::support::{Client, FORCE, World, eventually};

/// Tells a process which of its effects goes wrong, see `src/failpoint.rs`.
pub(crate) const FAILPOINT: &str = "TEMPORAL_DEVSERVER_FAILPOINT";

/// The name of the newcomer's server.
const NAME: &str = "swept";

/// How long each step of a life may take before its client gives up.
const PATIENCE: Duration = Duration::from_secs(10);

/// Makes a test of every fault: of what a function does with its name.
macro_rules! each_fault {
    ($swept:path) => {
        $crate::support::each_fault! { $swept:
            it_aborts = "abort",
            it_exits = "exit",
            the_disk_is_broken = "eio",
            the_disk_is_full = "enospc",
            no_descriptors_are_left = "emfile",
            the_kernel_says_try_again = "eagain",
            it_stands_still = "stop",
        }
    };
    ($swept:path: $($name:ident = $fault:literal,)*) => {
        $(
            #[test]
            #[ignore = "long"]
            fn $name() {
                $swept($fault);
            }
        )*
    };
}

pub(crate) use each_fault;

/// Lives under way at once: some of their time is spent waiting, and nearly all of it for a process that stands still.
fn at_once(fault: &str) -> usize {
    if fault == "stop" { 48 } else { 6 }
}

/// Lets the n-th effect of `life` go wrong, for every n until a life has fewer effects. `life` gets the plan of what goes
/// wrong, and tells whether it came to its end.
///
/// After each no two servers have one database, a newcomer's start succeeds, and in the end nothing is left.
#[expect(clippy::print_stdout, reason = "how much was swept is a result")]
pub(crate) fn sweep(fault: &str, life: impl Fn(&mut World, &str) -> bool + Sync) {
    let (next, is_over) = (AtomicU64::new(1), AtomicBool::new(false));
    let names = Mutex::new(BTreeSet::new());
    std::thread::scope(|scope| {
        for _ in 0..at_once(fault) {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    match one(fault, number, &life) {
                        Some(name) => drop(names.lock().unwrap().insert(name)),
                        None => is_over.store(true, Ordering::Relaxed),
                    }
                }
            });
        }
    });
    let (names, lives) = (names.into_inner().unwrap(), next.into_inner() - 1);
    println!("{fault}: {lives} lives, {} points: {names:?}", names.len());
    assert!(names.len() > 5, "the points are not compiled in");
}

/// Lives once; returns the name of the effect that went wrong, none if there were fewer.
fn one(fault: &str, number: u64, life: impl Fn(&mut World, &str) -> bool) -> Option<String> {
    let mut world = World::new();
    let plan = format!("{number} {fault} {}", world.path().display());
    let is_whole = life(&mut world, &plan);
    let wrong = std::fs::read_to_string(world.path().join("fired")).ok();
    let context = format!("{fault} at effect {number} ({wrong:?})");
    assert!(is_whole || wrong.is_some(), "{context}: it ended early");
    assert!(!has_two_on_one_database(&world), "{context}");
    world.set_variable(FAILPOINT, "");
    // Who comes while the old one is still dying finds its files in use: they are for the one after.
    let is_dying = !world.processes().is_empty() || world.has_locks();
    let mut newcomer = world.client(NAME, &json!({ "db": true }));
    if let Err(error) = newcomer.try_start() {
        let log = world.text(NAME, "supervisor.log");
        panic!("{context}: a newcomer is told: {error}\n{log}");
    }
    assert!(!has_two_on_one_database(&world), "{context}");
    newcomer.release();
    if is_dying {
        let mut next = world.client(NAME, &json!({ "db": true }));
        next.start();
        next.release();
    }
    eventually("no process is left", || {
        world.processes().is_empty() && world.users().is_empty()
    });
    let left = world.remains();
    assert!(left.is_empty(), "{context}: {left:?}, dying: {is_dying}");
    wrong
}

/// Tells whether two servers are told to use the same database.
pub(crate) fn has_two_on_one_database(world: &World) -> bool {
    let database = |pid: i32| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let mut arguments = line.split(|byte| *byte == 0);
        arguments.find(|argument| *argument == b"--db-filename")?;
        arguments.next().map(<[u8]>::to_vec)
    };
    let mut databases: Vec<Vec<u8>> = world.processes().into_iter().filter_map(database).collect();
    let count = databases.len();
    databases.sort();
    databases.dedup();
    databases.len() < count
}

/// The life of a named server that keeps its data, of an executable that was never seen before; see [`live`].
pub(crate) fn kept_life(world: &mut World) -> bool {
    world.use_cache_of_its_own();
    let options = json!({ "db": true, "start_timeout": PATIENCE.as_secs() });
    live(world.client(NAME, &options))
}

/// The life of a private server with throw-away data, see [`live`].
pub(crate) fn private_life(world: &mut World) -> bool {
    live(world.private(&json!({ "start_timeout": PATIENCE.as_secs() })))
}

/// A life in which everything happens: a start, a crash, a restart, the end. What goes wrong may end it early; tells whether
/// nothing did.
fn live(mut client: Client) -> bool {
    if client.try_start().is_err() {
        return false;
    }
    let killed = client.call_within(Request::Kill(FORCE), PATIENCE);
    let is_whole = matches!(killed, Some(Ok(_))) && is_ready_again(&mut client);
    client.release();
    is_whole
}

/// Waits until the killed server is ready again; false where it is not in time.
fn is_ready_again(client: &mut Client) -> bool {
    let until = Instant::now() + PATIENCE;
    let mut has_ended = false;
    while Instant::now() < until {
        for kind in client.kinds() {
            has_ended |= kind == Kind::Exited;
            if has_ended && kind == Kind::Ready {
                return true;
            }
        }
        std::thread::park_timeout(Duration::from_millis(1));
    }
    false
}
