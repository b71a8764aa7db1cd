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
        (json!({"ui": false, "ui_port": 1}), "ui_port"),
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
        (
            json!({"dynamic_config": {"frontend.rps": [{"value": 1, "constraints": {"namespace": "a"}}]}}),
            "dynamic_config",
        ),
        (
            json!({"dynamic_config": {"frontend.rps": [{"value": 5}]}}),
            "dynamic_config",
        ),
        (
            json!({"dynamic_config": {"frontend.rps": 5, "Frontend.RPS": 6}}),
            "dynamic_config",
        ),
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
fn what_is_implied_counts_as_given_and_gives_way_to_it() {
    let over = |given: Value| {
        let implied = json!({"db": true, "port": 7233, "ui": true, "ui_port": 8233});
        let (Value::Object(implied), Value::Object(given)) = (implied, given) else {
            panic!("objects")
        };
        Options::parse_over(implied, &given).unwrap()
    };
    let ports = |options: &Options| (options.identity.port, options.identity.ui_port);
    let ui_port = over(json!({"ui_port": 9000}));
    assert_eq!(ports(&ui_port), (Some(7233), Some(9000)));
    assert!(ui_port.identity.ui);
    let port = over(json!({"port": 8233}));
    assert_eq!(ports(&port), (Some(8233), None));
    assert_eq!(port.given, ["port"]);
    assert_eq!(ports(&over(json!({"ui_port": 7233}))), (None, Some(7233)));
    let metrics = over(json!({"metrics_port": 7233}));
    assert_eq!(ports(&metrics), (None, Some(8233)));
    // What is implied is compared with nothing.
    assert_eq!(over(json!({})).differences(&Identity::default()), []);
}

#[test]
fn a_port_of_the_ui_asks_for_the_ui() {
    assert!(parse(json!({"ui_port": 1})).unwrap().identity.ui);
    assert!(parse(json!({"ui": false, "ui_port": 1})).is_err());
}

#[test]
fn more_attributes_of_a_type_than_there_is_room_for_are_refused_with_the_limit() {
    for (kind, most) in [
        ("Text", 3),
        ("Keyword", 10),
        ("Bool", 3),
        ("KeywordList", 3),
    ] {
        let asked = |count: usize| {
            let names = (0..count).map(|i| (format!("A{i}"), Value::from(kind)));
            parse(json!({"search_attributes": names.collect::<Map<_, _>>()}))
        };
        assert!(asked(most).is_ok());
        let error = asked(most + 1).unwrap_err().to_string();
        let room = format!("{kind} has room for {most} search attributes in a namespace");
        assert!(error.contains(&room), "{error}");
        assert!(error.contains("another type"), "{error}");
    }
}

#[test]
fn a_remedy_shows_a_value_that_fits() {
    for (given, example) in [
        (
            json!({"search_attributes": {"T1": "Strin"}}),
            r#"{"CustomerId":"Keyword"}"#,
        ),
        (json!({"namespaces": "abc"}), r#"["orders"]"#),
        (json!({"extra_args": "--log-config"}), r#"["--log-config"]"#),
        (json!({"dynamic_config": 5}), r#"{"frontend.rps":100}"#),
    ] {
        let error = parse(given).unwrap_err().to_string();
        assert!(error.ends_with(example), "{error}");
    }
    let error = parse(json!({"search_attributes": {"T1": "Strin"}})).unwrap_err();
    let types =
        "expected one of `Text`, `Keyword`, `Int`, `Double`, `Bool`, `Datetime`, `KeywordList`";
    assert!(error.to_string().contains(types), "{error}");
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
