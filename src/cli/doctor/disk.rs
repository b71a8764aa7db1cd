//! Room on the disks that we write to.

use std::path::Path;

use nix::sys::statvfs::{Statvfs, statvfs};

use super::directories::{nearest, roots};
use super::finding::{Code, Finding, Look};
use super::world::World;
use crate::cli::show::size;

/// Below this a server's first writes fail: a template and a fresh database with its log need as much.
const FULL: u64 = 16 << 20;
/// Below this an afternoon of tests may fill it.
const LOW: u64 = 256 << 20;

/// Looks at each file system once.
pub(crate) fn look(world: &World) -> Look {
    let mut look = Look::default();
    let (mut seen, mut shown) = (vec![], vec![]);
    for root in world.locations.as_ref().map(roots).unwrap_or_default() {
        let place = nearest(root);
        let Ok(disk) = statvfs(&place) else { continue };
        if seen.contains(&disk.filesystem_id()) {
            continue;
        }
        seen.push(disk.filesystem_id());
        let free = free(&disk);
        shown.push(format!("{} free at {}", size(free), place.display()));
        look.findings.extend(judge(&place, free));
    }
    look.at = shown.join(", ");
    look
}

fn judge(place: &Path, free: u64) -> Option<Finding> {
    let code = match free {
        ..FULL => Code::DiskFull,
        FULL..LOW => Code::DiskLow,
        LOW.. => return None,
    };
    Some(Finding::new(
        code,
        format!("only {} are left at {}", size(free), place.display()),
        "make room there, or set TMPDIR (throw-away data), TEMPORAL_DEVSERVER_STATE_DIR or TEMPORAL_DEVSERVER_CACHE_DIR to a disk that has room",
    ))
}

/// Returns the bytes that we may still write; none where there is no inode left for a new file.
#[expect(
    clippy::useless_conversion,
    reason = "its types differ between targets"
)]
fn free(disk: &Statvfs) -> u64 {
    if disk.files() > 0 && disk.files_available() == 0 {
        return 0;
    }
    u64::from(disk.blocks_available()).saturating_mul(u64::from(disk.fragment_size()))
}
