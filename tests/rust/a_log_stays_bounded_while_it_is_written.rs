//! A server that writes a gigabyte into its log fills no disk and is not held up; what it wrote last is there.

use std::path::Path;

use serde_json::json;
use temporal_devserver::control::message::Kind;

use crate::support::{World, eventually};

/// In bytes; a log is cut at 64 MiB, at the latest half a second of writing later.
const MOST: u64 = 512 << 20;

fn size(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).unwrap().flatten();
    entries
        .filter_map(|entry| Some(entry.metadata().ok()?.len()))
        .sum()
}

#[test]
fn a_log_stays_bounded_while_it_is_written() {
    let world = World::with("spam=1024");
    let mut client = world.client("loud", &json!({}));
    let before = client.start();
    let is_over = || {
        let end = world.text_end("loud", "server.log");
        end.contains("the spam is over")
    };
    let (mut most, mut last) = (0, 0);
    // How long a gigabyte takes is the disk's affair.
    while !is_over() {
        eventually("it goes on writing", || {
            let now = size(&world.server("loud"));
            most = most.max(now);
            std::mem::replace(&mut last, now) != now || is_over()
        });
    }
    assert!(most < MOST, "{most} bytes");
    let after = client.status();
    assert_eq!((after.state, after.pid), (Kind::Ready, before.pid));
    let cut = world.server("loud").join("server.log.1");
    assert!(cut.metadata().unwrap().len() <= 8 << 20);
}
