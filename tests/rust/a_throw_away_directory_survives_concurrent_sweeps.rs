//! A directory that is just being made is never taken away, however many sweeps run meanwhile.

use std::sync::atomic::{AtomicBool, Ordering};

use temporal_devserver::data_dir::DataDir;
use temporal_devserver::sweep::sweep;

use crate::support::{eventually, locations, playground};

#[test]
fn from_its_first_instant() {
    let (_temp, path) = playground();
    let locations = locations(&path);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    sweep(&locations);
                }
            });
        }
        let making = scope.spawn(|| {
            for _ in 0..300 {
                let (made, clients) = DataDir::create(locations.temp_root()).unwrap();
                std::fs::write(made.database(), "data").unwrap();
                assert!(made.path().join(".temporal-devserver").exists());
                assert_eq!(std::fs::read(made.database()).unwrap(), b"data");
                drop(clients);
            }
        });
        let made = making.join();
        done.store(true, Ordering::Relaxed);
        made.unwrap();
    });
    eventually("nothing is left", || {
        sweep(&locations);
        std::fs::read_dir(locations.temp_root()).unwrap().count() == 0
    });
}
