//! Every option is of one kind, and what cannot work is refused with its name.

use super::*;
use proptest::prelude::*;
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

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map("[a-z_]{0,12}", inner, 0..3)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_is_given_it_is_taken_or_refused_in_words(
        name in prop::sample::select(Options::defaults().keys().cloned().collect::<Vec<_>>()),
        value in any_json(),
    ) {
        let given = Map::from_iter([(name, value)]);
        match Options::parse(&given) {
            // What travels to the supervisor says the same to it.
            Ok(options) => {
                let told = Options::parse(&options.to_wire()).unwrap();
                prop_assert_eq!(told.identity, options.identity);
            }
            Err(error) => prop_assert!(error.to_string().contains(';'), "{error}"),
        }
    }
}
