//! The command line of `temporal server start-dev`, and how it refuses what it does not know.
//!
//! Invariant: a flag that the real one refuses is refused here, with the same words: otherwise a supervisor that passes
//! a wrong flag would be found by nobody.

use std::net::Ipv4Addr;
use std::path::PathBuf;

/// Flags that stand alone.
const SWITCHES: [&str; 4] = [
    "--headless",
    "--ui-disable-news-fetch",
    "--log-config",
    "--disable-config-file",
];
/// Flags with a value of which the fake makes nothing.
const IGNORED: [&str; 7] = [
    "--sqlite-pragma",
    "--dynamic-config-value",
    "--search-attribute",
    "--ui-asset-path",
    "--ui-codec-endpoint",
    "--ui-ip",
    "--ui-public-path",
];
/// The levels of `--log-level`.
const LEVELS: &str = "debug, info, warn, error, never";
/// The formats of `--log-format`.
const FORMATS: &str = "text, json, pretty";

/// What was asked for.
pub(crate) enum Command {
    /// Print the version.
    Version,
    /// Print the flags.
    Help,
    /// Be a server.
    Serve(Options),
}

/// The options of the server.
pub(crate) struct Options {
    /// Address of all ports.
    pub(crate) ip: Ipv4Addr,
    /// Port of gRPC.
    pub(crate) port: u16,
    /// Port of the HTTP API; 0 is any.
    pub(crate) http_port: u16,
    /// Port of the metrics; 0 is any.
    pub(crate) metrics_port: u16,
    /// Port of the web UI; absent: gRPC port + 1000.
    pub(crate) ui_port: Option<u16>,
    /// No web UI.
    pub(crate) headless: bool,
    /// Namespaces to create, besides `default`.
    pub(crate) namespaces: Vec<String>,
    /// The database file; absent: in memory.
    pub(crate) database: Option<PathBuf>,
}

/// Understands a command line, or says what is wrong with it as the real one does.
pub(crate) fn parse(arguments: impl Iterator<Item = String>) -> Result<Command, String> {
    let arguments: Vec<String> = arguments.collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["--version" | "-v"] => Ok(Command::Version),
        ["server", "start-dev", flags @ .., "--help"] => {
            // As the real one does, it understands the others first.
            parse_flags(flags.iter().map(ToString::to_string)).map(|_| Command::Help)
        }
        ["server", "start-dev", ..] => {
            parse_flags(arguments.into_iter().skip(2)).map(Command::Serve)
        }
        _ => Err("unknown command".to_owned()),
    }
}

/// What `--help` prints: as far as it is read, the usage and the flags.
pub(crate) fn help() -> String {
    let flags = SWITCHES.iter().chain(&IGNORED);
    let usage = "Usage:\n  temporal server start-dev [flags]\n\nFlags:".to_owned();
    flags.fold(usage, |text, flag| format!("{text}\n  {flag}"))
}

fn parse_flags(mut arguments: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options {
        ip: Ipv4Addr::LOCALHOST,
        port: 7233,
        http_port: 0,
        metrics_port: 0,
        ui_port: None,
        headless: false,
        namespaces: Vec::new(),
        database: None,
    };
    while let Some(argument) = arguments.next() {
        let (flag, value) = match argument.split_once('=') {
            Some((flag, value)) => (flag.to_owned(), Some(value.to_owned())),
            None => (argument, None),
        };
        if SWITCHES.contains(&flag.as_str()) {
            options.headless |= flag == "--headless";
            continue;
        }
        let needs = || format!("flag needs an argument: {flag}");
        let mut value = || value.clone().or_else(|| arguments.next()).ok_or_else(needs);
        set(&mut options, &flag, &mut value)?;
    }
    Ok(options)
}

fn set(
    options: &mut Options,
    flag: &str,
    value: &mut dyn FnMut() -> Result<String, String>,
) -> Result<(), String> {
    match flag {
        "--ip" => {
            let ip = value()?.replace("localhost", "127.0.0.1");
            options.ip = ip.parse().map_err(|_| "no such host")?;
        }
        "--port" | "-p" => options.port = number("-p, --port", &value()?)?,
        "--http-port" => options.http_port = number(flag, &value()?)?,
        "--metrics-port" => options.metrics_port = number(flag, &value()?)?,
        "--ui-port" => options.ui_port = Some(number(flag, &value()?)?),
        "--namespace" | "-n" => options.namespaces.push(value()?),
        "--db-filename" | "-f" => options.database = Some(value()?.into()),
        "--log-level" => one_of(flag, &value()?, LEVELS)?,
        "--log-format" => one_of(flag, &value()?, FORMATS)?,
        _ if IGNORED.contains(&flag) => drop(value()?),
        _ => return Err(format!("unknown flag: {flag}")),
    }
    Ok(())
}

fn number(flag: &str, text: &str) -> Result<u16, String> {
    text.parse().map_err(|_| {
        format!(
            r#"invalid argument "{text}" for "{flag}" flag: strconv.ParseInt: parsing "{text}": invalid syntax"#
        )
    })
}

fn one_of(flag: &str, text: &str, allowed: &str) -> Result<(), String> {
    if allowed.split(", ").any(|word| word == text) {
        return Ok(());
    }
    Err(format!(
        r#"invalid argument "{text}" for "{flag}" flag: {text} is not one of required values of {allowed}"#
    ))
}
