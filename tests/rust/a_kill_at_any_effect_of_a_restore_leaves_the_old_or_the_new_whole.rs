//! Whatever goes wrong at whatever effect of a restore: the next start finds the old state whole or the new one.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::json;
use temporal_devserver::control::message::Request;

use crate::support::{FAILPOINT, LONG, POLITE, World, rows, write_row};

/// Lives under way at once.
const AT_ONCE: usize = 6;

/// Restores with a supervisor in which the effect of this number goes wrong; returns how many effects there were before the
/// restore and at its end, and the rows that are left.
fn live(number: u64, fault: &str) -> (u64, u64, String) {
    let mut world = World::new();
    let plan = format!("{number} {fault} {}", world.path().display());
    world.set_variable(FAILPOINT, &plan);
    let (db, path) = (world.path().join("kept.db"), world.path().join("snapshot"));
    let mut client = world.client("kept", &json!({ "db": db }));
    client.start();
    write_row(&db, "before");
    client.call_within(Request::Snapshot { path: path.clone() }, LONG);
    // To the file, which a reader folds the log into, and to the log.
    write_row(&db, "later");
    rows(&db);
    write_row(&db, "after");
    let begin = met(world.path());
    let (path, force) = (path, POLITE);
    client.call_within(Request::Restore { path, force }, LONG);
    let end = met(world.path());
    drop(client);
    world.wait_until_empty();
    // The next start, which removes what a kill has left.
    world.set_variable(FAILPOINT, "");
    world.client("next", &json!({ "db": db })).start();
    world.wait_until_empty();
    let lies_there = |suffix: &str| world.path().join(format!("kept.db{suffix}")).exists();
    assert!(
        ![".unfinished-database", "-wal", "-shm"]
            .into_iter()
            .any(lies_there)
    );
    (begin, end, rows(&db))
}

fn met(directory: &Path) -> u64 {
    let met = std::fs::read_to_string(directory.join("met")).unwrap();
    met.lines().count().try_into().unwrap()
}

fn swept(fault: &str) {
    let (begin, end, whole) = live(u64::MAX, fault);
    assert_eq!(whole, "before");
    assert!(end - begin > 10, "the points are not compiled in");
    let next = AtomicU64::new(begin);
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number > end + 5 {
                        break;
                    }
                    let (.., left) = live(number, fault);
                    let is_whole = ["before", "before later after"].contains(&&*left);
                    assert!(is_whole, "{fault} at effect {number}: {left:?}");
                }
            });
        }
    });
}

#[test]
#[ignore = "long"]
fn it_aborts() {
    swept("abort");
}

#[test]
#[ignore = "long"]
fn the_disk_is_full() {
    swept("enospc");
}
