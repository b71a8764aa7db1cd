//! Every option is of one kind, and what cannot work is refused with its name.

use super::*;
use serde_json::json;

fn parse(given: Value) -> Result<Options> {
    let Value::Object(given) = given else {
        panic!("an object")
    };
    Options::parse(&given)
}

#[test]
fn only_what_was_given_is_compared() {
    let running = Identity {
        port: Some(7233),
        ui: true,
        ..Identity::default()
    };
    assert_eq!(parse(json!({})).unwrap().differences(&running), []);
    assert_eq!(
        parse(json!({"port": 7233})).unwrap().differences(&running),
        []
    );
    let differences = parse(json!({"port": 7234, "ui": true, "log_level": "info"}))
        .unwrap()
        .differences(&running);
    let names: Vec<_> = differences
        .iter()
        .map(|difference| &*difference.option)
        .collect();
    assert_eq!(names, ["log_level", "port"]);
}

#[test]
fn an_option_belongs_to_one_kind_only() {
    let (identity, additive, mine) = (
        object(&Identity::default()),
        object(&Additive::default()),
        object(&Mine::default()),
    );
    assert_eq!(
        Options::defaults().len(),
        identity.len() + additive.len() + mine.len()
    );
}

#[test]
fn what_cannot_work_is_refused_with_the_name_of_the_option() {
    for (given, option) in [
        (json!({"prot": 1}), "prot"),
        (json!({"port": 70_000}), "port"),
        (json!({"port": 0}), "port"),
        (json!({"port": 1, "http_port": 1}), "http_port"),
        (json!({"ui_port": 1}), "ui_port"),
        (json!({"ip": "127.0.0.2"}), "ip"),
        (json!({"ip": "::1"}), "ip"),
        (json!({"db": false}), "db"),
        (json!({"db": "relative.db"}), "db"),
        (json!({"log_level": "loud"}), "log_level"),
        (json!({"health": {"interval": 0}}), "health"),
        (json!({"health": {"often": 1}}), "health"),
        (json!({"restart": {"max_delay": 0.01}}), "restart"),
        (json!({"linger": -1}), "linger"),
        (json!({"namespaces": [""]}), "namespaces"),
        (json!({"namespaces": ["a b"]}), "namespaces"),
        (
            json!({"search_attributes": {"K": "Keywort"}}),
            "search_attributes",
        ),
        (json!({"dynamic_config": {"a=b": 1}}), "dynamic_config"),
        (json!({"extra_args": ["--port=1"]}), "extra_args"),
        (json!({"extra_args": ["-p7233"]}), "extra_args"),
    ] {
        match parse(given.clone()) {
            Err(Error::Config { option: named, .. }) => assert_eq!(named, option, "{given}"),
            other => panic!("{given}: {other:?}"),
        }
    }
}

#[test]
fn a_pinned_configuration_survives_the_wire() {
    let mut options = parse(json!({"namespaces": ["a"]})).unwrap();
    let identity = Identity {
        port: Some(7233),
        db: Db::Path("/x.db".into()),
        ..Identity::default()
    };
    options.pin(
        identity.clone(),
        &Additive {
            namespaces: vec!["b".to_owned()],
            ..Additive::default()
        },
    );
    let back = Options::parse(&options.to_wire()).unwrap();
    assert_eq!(
        (back.identity, back.additive.namespaces),
        (identity, vec!["a".to_owned(), "b".to_owned()])
    );
}
