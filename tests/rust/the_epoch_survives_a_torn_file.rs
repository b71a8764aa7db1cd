//! A writer that is killed half-way leaves the old state, and a spoiled file never keeps a server from starting.

use temporal_devserver::state_file::{Hints, State};

use crate::support::{directory, playground};

#[test]
fn a_half_written_successor_is_ignored_and_replaced() {
    let (_temp, path) = playground();
    let directory = directory(&path);
    State::begin_epoch(&directory).unwrap();
    State::remember_stop(&directory, 1).unwrap();
    let new = directory.path().join("state.json.new");
    std::fs::write(&new, "{\"epoch\": 99, \"stopped_ep").unwrap();
    let state = State::read(&directory);
    assert_eq!((state.epoch, state.stopped_epoch), (1, 1));
    assert_eq!(State::begin_epoch(&directory).unwrap().epoch, 2);
    assert!(!new.exists());
}

#[test]
fn a_spoiled_file_is_a_new_beginning() {
    let (_temp, path) = playground();
    let directory = directory(&path);
    let file = directory.path().join("state.json");
    for text in [
        "",
        "{",
        "\0\0\0\0",
        "[]",
        "{\"epoch\": -1}",
        "{\"epoch\": 1e99}",
    ] {
        std::fs::write(&file, text).unwrap();
        assert_eq!(State::read(&directory), State::default(), "{text}");
        assert_eq!(State::begin_epoch(&directory).unwrap().epoch, 1);
    }
}

#[test]
fn a_life_whose_file_was_lost_writes_its_epoch_again() {
    let (_temp, path) = playground();
    let directory = directory(&path);
    let epoch = State::begin_epoch(&directory).unwrap().epoch;
    std::fs::write(directory.path().join("state.json"), "garbage").unwrap();
    State::write_hints(&directory, epoch, Hints::default()).unwrap();
    let state = State::read(&directory);
    assert_eq!(state.epoch, epoch);
    assert!(!state.is_stopped(epoch), "it would not be inherited");
}

#[test]
fn hints_come_and_go_without_the_epochs() {
    let (_temp, path) = playground();
    let directory = directory(&path);
    State::begin_epoch(&directory).unwrap();
    let hints = Hints {
        address: Some("127.0.0.1:7233".to_owned()),
        ..Hints::default()
    };
    State::write_hints(&directory, 1, hints.clone()).unwrap();
    let state = State::read(&directory);
    assert_eq!((state.epoch, state.hints), (1, hints));
    assert_eq!(
        State::begin_epoch(&directory).unwrap().hints,
        Hints::default()
    );
}
