//! Adds the search attributes that a namespace lacks.
//!
//! Invariant: nothing is ever removed or changed. The server ignores its own `--search-attribute` for namespaces that
//! exist, so this is done at every start.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::grpc::Connection;
use super::namespaces::refused;
use super::proto;
use crate::error::{Error, Result};

/// What a search attribute holds; the names are those of Temporal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[repr(i32)]
pub enum AttributeType {
    /// Text, searched by word.
    Text = 1,
    /// Text, searched as a whole.
    Keyword = 2,
    /// A whole number.
    Int = 3,
    /// A number.
    Double = 4,
    /// True or false.
    Bool = 5,
    /// A moment.
    Datetime = 6,
    /// Several texts, each searched as a whole.
    KeywordList = 7,
}

impl AttributeType {
    /// Every type, by the server's number of it, which starts at 1.
    const ALL: [Self; 7] = [
        Self::Text,
        Self::Keyword,
        Self::Int,
        Self::Double,
        Self::Bool,
        Self::Datetime,
        Self::KeywordList,
    ];

    /// Returns how many attributes of this type a namespace can have: the server's database has a column for each of them.
    ///
    /// The fact: `temporal` 1.5.1 to 1.9.1 have `Keyword01` to `Keyword10`, and three columns of each other type.
    pub fn most(self) -> usize {
        match self {
            Self::Keyword => 10,
            _ => 3,
        }
    }

    /// Returns the type of the server's number.
    pub fn from_number(number: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as i32 == number)
    }
}

impl fmt::Display for AttributeType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// How the server says that there is no room, where somebody else has taken it since we looked.
pub(super) const FULL: &str = "cannot have more than";

/// Finds the type of which there are more than a namespace can have; returns it with their names.
pub fn too_many<'a>(
    attributes: impl IntoIterator<Item = (&'a String, AttributeType)>,
) -> Option<(AttributeType, Vec<&'a str>)> {
    let mut by_type: HashMap<AttributeType, Vec<&str>> = HashMap::new();
    for (name, kind) in attributes {
        by_type.entry(kind).or_default().push(name);
    }
    let kinds = AttributeType::ALL.into_iter();
    let mut crowded = kinds.filter_map(|kind| Some((kind, by_type.remove(&kind)?)));
    crowded.find(|(kind, names)| names.len() > kind.most())
}

/// Says how many attributes of a type there can be, and what to do where these are more.
pub fn limit_of(kind: AttributeType, names: &[&str]) -> (String, String) {
    let (most, names) = (kind.most(), names.join(", "));
    let problem = format!(
        "{kind} has room for {most} search attributes in a namespace, which is a fixed limit of the server; with these there would be more: {names}"
    );
    let others = AttributeType::ALL
        .map(|it| format!("{it} {}", it.most()))
        .join(", ");
    let remedy = format!("leave some out, or give them another type (there is room for: {others})");
    (problem, remedy)
}

/// Makes sure that a namespace has these attributes, each of its type.
pub async fn reconcile(
    connection: &Connection,
    namespace: &str,
    wanted: &BTreeMap<String, AttributeType>,
) -> Result<()> {
    if wanted.is_empty() {
        return Ok(());
    }
    let request = proto::ListSearchAttributesRequest {
        namespace: namespace.to_owned(),
    };
    let present: proto::ListSearchAttributesResponse = connection
        .unary(proto::LIST_SEARCH_ATTRIBUTES, &request)
        .await
        .map_err(|error| refused(namespace, &error))?;
    let missing = missing(namespace, wanted, &present)?;
    if missing.is_empty() {
        return Ok(());
    }
    check_room(namespace, &missing, &present)?;
    let request = proto::AddSearchAttributesRequest {
        search_attributes: missing,
        namespace: namespace.to_owned(),
    };
    let answer = connection.unary(proto::ADD_SEARCH_ATTRIBUTES, &request);
    let proto::Empty {} = answer.await.map_err(|error| refused(namespace, &error))?;
    Ok(())
}

/// Checks that there is room for what is missing beside what is there, from an earlier life of the database perhaps.
fn check_room(
    namespace: &str,
    missing: &HashMap<String, i32>,
    present: &proto::ListSearchAttributesResponse,
) -> Result<()> {
    let all = present.custom_attributes.iter().chain(missing);
    let all = all.filter_map(|(name, number)| Some((name, AttributeType::from_number(*number)?)));
    let Some((kind, mut names)) = too_many(all) else {
        return Ok(());
    };
    names.sort_unstable();
    let (problem, remedy) = limit_of(kind, &names);
    Err(Error::Namespace {
        namespace: namespace.to_owned(),
        problem,
        remedy: format!("{remedy}; `temporal operator search-attribute remove` makes room"),
    })
}

/// Works out what to add; an attribute of another type is an error, for it cannot be changed.
fn missing(
    namespace: &str,
    wanted: &BTreeMap<String, AttributeType>,
    present: &proto::ListSearchAttributesResponse,
) -> Result<HashMap<String, i32>> {
    let mut missing = HashMap::new();
    for (name, kind) in wanted {
        let custom = present.custom_attributes.get(name);
        let remedy = match custom.or_else(|| present.system_attributes.get(name)) {
            None => {
                missing.insert(name.clone(), *kind as i32);
                continue;
            }
            Some(number) if *number == *kind as i32 => continue,
            Some(_) if custom.is_none() => "every server has one of this name: choose another name",
            Some(_) => {
                "use that type, choose another name, or remove it with `temporal operator search-attribute remove`"
            }
        };
        let number = custom.or_else(|| present.system_attributes.get(name));
        let has = number.copied().and_then(AttributeType::from_number);
        return Err(Error::Namespace {
            namespace: namespace.to_owned(),
            problem: format!(
                "search attribute `{name}` is of type {}, not {kind}",
                has.map_or_else(|| "unknown".to_owned(), |has| has.to_string())
            ),
            remedy: remedy.to_owned(),
        });
    }
    Ok(missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn present() -> proto::ListSearchAttributesResponse {
        proto::ListSearchAttributesResponse {
            custom_attributes: HashMap::from([("Customer".into(), 2)]),
            system_attributes: HashMap::from([("StartTime".into(), 6)]),
        }
    }

    fn reconciled(name: &str, kind: AttributeType) -> Result<HashMap<String, i32>> {
        missing("n", &BTreeMap::from([(name.to_owned(), kind)]), &present())
    }

    #[test]
    fn what_is_there_is_left_alone() {
        let nothing = Ok(HashMap::new());
        assert_eq!(reconciled("Customer", AttributeType::Keyword), nothing);
        assert_eq!(reconciled("StartTime", AttributeType::Datetime), nothing);
    }

    #[test]
    fn what_is_missing_is_added() {
        let added = reconciled("Amount", AttributeType::Double);
        assert_eq!(added, Ok(HashMap::from([("Amount".to_owned(), 4)])));
    }

    #[test]
    fn another_type_is_an_error() {
        let error = reconciled("Customer", AttributeType::Int).unwrap_err();
        assert!(error.to_string().contains("is of type Keyword, not Int"));
        let error = reconciled("StartTime", AttributeType::Int).unwrap_err();
        assert!(error.to_string().ends_with("choose another name"));
    }

    #[test]
    fn names_and_numbers_are_those_of_temporal() {
        let names = r#"["Text","Keyword","Int","Double","Bool","Datetime","KeywordList"]"#;
        assert_eq!(serde_json::to_string(&AttributeType::ALL).unwrap(), names);
        for (number, kind) in (1..).zip(AttributeType::ALL) {
            assert_eq!(AttributeType::from_number(number), Some(kind));
        }
        assert_eq!(AttributeType::from_number(0), None);
        assert_eq!(AttributeType::from_number(8), None);
    }
}
