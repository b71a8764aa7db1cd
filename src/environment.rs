//! The environment of every program that is started beside a server, or connects to one: the one list of variables that lead elsewhere.
//!
//! The fact: a Temporal client takes all that its program leaves open from variables and from a configuration file, and an
//! address overrules neither an API key, nor TLS, nor a proxy. So the address of a server of ours reaches that server only where
//! all of them are out of the way. Variables that no client reads are the program's own, and stay.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};

/// Variables, by name.
pub type Variables = BTreeMap<OsString, OsString>;
/// What becomes of variables: a value, or `None` for one that goes.
pub type Changes = BTreeMap<OsString, Option<OsString>>;

/// Where a client finds the server.
pub const ADDRESS: &str = "TEMPORAL_ADDRESS";
/// The namespace that a client uses.
pub const NAMESPACE: &str = "TEMPORAL_NAMESPACE";
/// The configuration file of the SDKs and of the `temporal` tool.
pub const CONFIGURATION_FILE: &str = "TEMPORAL_CONFIG_FILE";
/// The profile of that file which a client uses.
pub(crate) const PROFILE: &str = "TEMPORAL_PROFILE";
/// The environment of its own older file, which the `temporal` tool uses.
pub(crate) const TOOLS_ENVIRONMENT: &str = "TEMPORAL_ENV";

/// A configuration file that configures nothing. An entirely empty one (`/dev/null`) is an error in the TypeScript SDK.
pub const CONFIGURATION: &str =
    "# temporal-devserver: address and namespace are in the environment.\n[profile.default]\n";

/// What else tells a client how to connect; a name that ends with `_` stands for all that begin with it.
const CONNECTION: [&str; 12] = [
    // Java's gRPC sends every call to this proxy, and knows no exception.
    "GRPC_PROXY_EXP",
    "TEMPORAL_API_KEY",
    "TEMPORAL_CLIENT_AUTHORITY",
    // Of `tctl`, which came before the `temporal` tool.
    "TEMPORAL_CLI_",
    "TEMPORAL_CODEC_",
    CONFIGURATION_FILE,
    TOOLS_ENVIRONMENT,
    "TEMPORAL_ENV_FILE",
    "TEMPORAL_GRPC_META_",
    PROFILE,
    "TEMPORAL_TLS",
    "TEMPORAL_TLS_",
];

/// What names a proxy; each in capitals, too.
const PROXIES: [&str; 4] = ["http_proxy", "https_proxy", "all_proxy", "grpc_proxy"];
/// What lists the exceptions from a proxy. Some programs read only the one, and some only the other.
const EXCEPTIONS: [&str; 2] = ["no_proxy", "NO_PROXY"];
/// What gRPC's libraries read in place of `no_proxy`, where it is set.
const GRPC_EXCEPTIONS: &str = "no_grpc_proxy";
/// Every host, for most programs; the libraries of gRPC take it for the end of a name.
const EVERY_HOST: &[u8] = b"*";
/// Where clients find our servers. In this form it is understood by all; some programs know neither `127.0.0.0/8` nor blanks.
pub(crate) const LOOPBACK: [&str; 2] = ["127.0.0.1", "localhost"];
/// Where a server finds itself: its web interface and its HTTP API call the address that it listens on.
const ITSELF: [&str; 3] = ["127.0.0.1", "localhost", "0.0.0.0"];

/// Returns the variables of this process.
pub(crate) fn inherited() -> Variables {
    std::env::vars_os().collect()
}

/// Returns the variables of a server, or of another program of Temporal's that is no client: none of the user's that it would
/// obey, and no proxy on the way to itself.
pub(crate) fn of_server() -> Variables {
    let mut variables = inherited();
    variables.retain(|name, _| !name.as_bytes().starts_with(b"TEMPORAL_"));
    variables.extend(without_proxy(&variables, &ITSELF));
    variables
}

/// Tells whether a variable tells a client how to connect, beside address and namespace.
pub(crate) fn is_connection(name: &OsStr) -> bool {
    let name = name.as_bytes();
    CONNECTION
        .iter()
        .any(|known| match known.strip_suffix('_') {
            Some(_) => name.starts_with(known.as_bytes()),
            None => name == known.as_bytes(),
        })
}

/// Returns what makes these variables those of a client that reaches the server of this address.
///
/// `configuration` is the path of a file with [`CONFIGURATION`] in it.
#[must_use]
pub fn of_client(
    variables: &Variables,
    address: &str,
    namespace: &str,
    configuration: &OsStr,
) -> Changes {
    let removed = variables.keys().filter(|name| is_connection(name));
    let mut changes: Changes = removed.map(|name| (name.clone(), None)).collect();
    let set = [
        (ADDRESS, address.into()),
        (NAMESPACE, namespace.into()),
        (CONFIGURATION_FILE, configuration.into()),
    ];
    let set = set.map(|(name, value)| (name.into(), value));
    let all = set.into_iter().chain(without_proxy(variables, &LOOPBACK));
    changes.extend(all.map(|(name, value)| (name, Some(value))));
    changes
}

/// Makes changes.
pub(crate) fn apply(variables: &mut Variables, changes: Changes) {
    for (name, value) in changes {
        match value {
            Some(value) => drop(variables.insert(name, value)),
            None => drop(variables.remove(&name)),
        }
    }
}

/// Returns the names of the variables that name a proxy.
pub(crate) fn proxies(variables: &Variables) -> Vec<String> {
    let names = PROXIES.iter();
    let names = names.flat_map(|name| [(*name).to_owned(), name.to_uppercase()]);
    names
        .filter(|name| !value(variables, name).is_empty())
        .collect()
}

/// Returns the lists of exceptions with which no program asks a proxy for these hosts.
///
/// What they list already stays. An empty list takes over the other spelling's: a program that reads one of them, and the other
/// only where there is no such variable, finds what it found before.
pub(crate) fn without_proxy(variables: &Variables, hosts: &[&str]) -> Variables {
    let [lower, upper] = EXCEPTIONS;
    let listed = |name, instead| match value(variables, name) {
        b"" => value(variables, instead),
        own => own,
    };
    let lists = [(lower, listed(lower, upper)), (upper, listed(upper, lower))];
    let mut set: Variables = lists
        .iter()
        .map(|(name, list)| match list.trim_ascii() {
            // With more in the list, `*` means nothing to some.
            EVERY_HOST => (name.into(), OsString::from_vec(list.to_vec())),
            _ => (name.into(), excepting(list, hosts)),
        })
        .collect();
    let has_every_host = lists[0].1.trim_ascii() == EVERY_HOST;
    if has_every_host || variables.contains_key(OsStr::new(GRPC_EXCEPTIONS)) {
        let own = match value(variables, GRPC_EXCEPTIONS) {
            b"" if !has_every_host => lists[0].1,
            own => own,
        };
        set.insert(GRPC_EXCEPTIONS.into(), excepting(own, hosts));
    }
    set
}

/// Adds hosts to a list of exceptions.
fn excepting(list: &[u8], hosts: &[&str]) -> OsString {
    let mut entries: Vec<&[u8]> = match list.trim_ascii() {
        b"" => vec![],
        _ => list.split(|byte| *byte == b',').collect(),
    };
    for host in hosts.iter().map(|host| host.as_bytes()) {
        if !entries.contains(&host) {
            entries.push(host);
        }
    }
    OsString::from_vec(entries.join(&b','))
}

fn value<'a>(variables: &'a Variables, name: &str) -> &'a [u8] {
    let found = variables.get(OsStr::new(name));
    found.map_or(b"", |value| value.as_bytes())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn variables(set: &[(&str, &str)]) -> Variables {
        let owned = set.iter().map(|(name, value)| (name.into(), value.into()));
        owned.collect()
    }

    fn lists(set: &[(&str, &str)]) -> Vec<(String, String)> {
        let text = |text: OsString| text.into_string().unwrap();
        let lists = without_proxy(&variables(set), &LOOPBACK).into_iter();
        lists.map(|(name, list)| (text(name), text(list))).collect()
    }

    fn expected(set: &[(&str, &str)]) -> Vec<(String, String)> {
        let owned = set.iter();
        owned.map(|(n, v)| ((*n).into(), (*v).into())).collect()
    }

    const ADDED: &str = "127.0.0.1,localhost";

    #[test]
    fn the_loopback_is_added_to_both_spellings() {
        assert_eq!(
            lists(&[]),
            expected(&[("NO_PROXY", ADDED), ("no_proxy", ADDED)])
        );
        let both = [("NO_PROXY", "a"), ("no_proxy", "b,127.0.0.1")];
        let added = [
            ("NO_PROXY", "a,127.0.0.1,localhost"),
            ("no_proxy", "b,127.0.0.1,localhost"),
        ];
        assert_eq!(lists(&both), expected(&added));
    }

    #[test]
    fn a_list_that_is_missing_takes_over_the_other_spellings() {
        for missing in [
            &[("NO_PROXY", "a")][..],
            &[("NO_PROXY", "a"), ("no_proxy", "")],
        ] {
            let list = "a,127.0.0.1,localhost";
            assert_eq!(
                lists(missing),
                expected(&[("NO_PROXY", list), ("no_proxy", list)])
            );
        }
    }

    #[test]
    fn the_list_of_grpc_is_extended_where_it_is_obeyed() {
        let found = lists(&[("no_grpc_proxy", "a"), ("no_proxy", "b")]);
        assert!(
            found.contains(&("no_grpc_proxy".into(), format!("a,{ADDED}"))),
            "{found:?}"
        );
        let found = lists(&[("no_grpc_proxy", ""), ("no_proxy", "b")]);
        assert!(
            found.contains(&("no_grpc_proxy".into(), format!("b,{ADDED}"))),
            "{found:?}"
        );
    }

    #[test]
    fn every_host_stays_every_host_and_grpc_gets_a_list_that_it_understands() {
        let lists = lists(&[("NO_PROXY", "*")]);
        let kept = [
            ("NO_PROXY", "*"),
            ("no_grpc_proxy", ADDED),
            ("no_proxy", "*"),
        ];
        assert_eq!(lists, expected(&kept));
    }

    #[test]
    fn the_page_lists_every_variable_that_is_removed() {
        let page = include_str!("../docs/cli.md");
        for name in CONNECTION {
            let any = if name.ends_with('_') { "*" } else { "" };
            assert!(page.contains(&format!("`{name}{any}`")), "{name}");
        }
    }

    #[test]
    fn variables_of_a_program_stay() {
        for name in [
            "TEMPORAL_TASK_QUEUE",
            "TEMPORAL_DEVSERVER_STATE_DIR",
            "TEMPORAL_TLSX",
            "API_KEY",
        ] {
            assert!(!is_connection(name.as_ref()), "{name}");
        }
        for name in [
            "TEMPORAL_TLS",
            "TEMPORAL_TLS_SERVER_NAME",
            "TEMPORAL_GRPC_META_X",
            "TEMPORAL_ENV",
        ] {
            assert!(is_connection(name.as_ref()), "{name}");
        }
    }

    fn environments() -> impl Strategy<Value = Variables> {
        let names = CONNECTION.iter().map(|name| format!("{name}X"));
        let names = names.chain(CONNECTION.map(str::to_owned));
        let lists = [
            "no_proxy",
            "NO_PROXY",
            GRPC_EXCEPTIONS,
            "PATH",
            ADDRESS,
            "TEMPORAL_QUEUE",
        ];
        let names: Vec<String> = names.chain(lists.map(str::to_owned)).collect();
        let value = prop_oneof![Just("*".to_owned()), "[a-z,.* ]{0,8}"];
        proptest::collection::btree_map(proptest::sample::select(names), value, 0..8).prop_map(
            |set| {
                set.into_iter()
                    .map(|(name, value)| (name.into(), value.into()))
                    .collect()
            },
        )
    }

    proptest! {
        #[test]
        fn changes_made_twice_are_made_once(before in environments()) {
            let mut after = before.clone();
            apply(&mut after, of_client(&before, "127.0.0.1:7", "n", "/x".as_ref()));
            let again = of_client(&after, "127.0.0.1:7", "n", "/x".as_ref());
            prop_assert!(again.iter().all(|(name, value)| after.get(name) == value.as_ref()));
            let of_a_client = after.keys().filter(|name| is_connection(name));
            prop_assert_eq!(of_a_client.collect::<Vec<_>>(), vec![CONFIGURATION_FILE]);
            let own = |all: &Variables| all.get(OsStr::new("TEMPORAL_QUEUE")).cloned();
            prop_assert_eq!(own(&before), own(&after));
        }
    }
}
