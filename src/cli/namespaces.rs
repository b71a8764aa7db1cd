//! `namespace`: creates, lists and deletes the namespaces of a running server.

use serde_json::{Value, json};

use crate::cli::args::{Create, Delete, Namespace, Server};
use crate::cli::query::{ask, existing};
use crate::cli::wait::end_at_ctrl_c;
use crate::cli::{Failure, OK, print, say};
use crate::control::message::Request;

/// Does what is to be done with namespaces.
pub(crate) fn namespace(what: Namespace) -> Result<u8, Failure> {
    end_at_ctrl_c()?;
    match what {
        Namespace::Create(create) => self::create(create),
        Namespace::List(which) => list(&which),
        Namespace::Delete(delete) => self::delete(delete),
    }
}

fn create(create: Create) -> Result<u8, Failure> {
    let name = create.namespace;
    let request = Request::CreateNamespace {
        name: name.clone(),
        retention: create.retention.map(|retention| retention.0),
    };
    let is_new = said(&create.which, request)?;
    if create.which.json {
        say(&json!({ "namespace": name, "created": is_new }))?;
    } else if is_new == Value::Bool(false) {
        say(&format!("namespace `{name}` was there already"))?;
    } else {
        say(&format!("namespace `{name}` is created"))?;
    }
    Ok(OK)
}

fn list(which: &Server) -> Result<u8, Failure> {
    let names = said(which, Request::ListNamespaces)?;
    if which.json {
        say(&names)?;
    } else {
        let names = names.as_array().into_iter().flatten();
        let lines = names.filter_map(|name| Some(format!("{}\n", name.as_str()?)));
        print(lines.collect::<String>().as_bytes())?;
    }
    Ok(OK)
}

fn delete(delete: Delete) -> Result<u8, Failure> {
    let name = delete.namespace;
    said(
        &delete.which,
        Request::DeleteNamespace { name: name.clone() },
    )?;
    if delete.which.json {
        say(&json!({ "namespace": name, "deleted": true }))?;
    } else {
        say(&format!("namespace `{name}` is deleted"))?;
    }
    Ok(OK)
}

fn said(which: &Server, request: Request) -> Result<Value, Failure> {
    Ok(ask(existing(&which.server)?, &which.server, request)?)
}
