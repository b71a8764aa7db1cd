//! Configuration files of Temporal's clients that say where a client connects to.
//!
//! The fact: a client takes from the file what its variables leave open, so an address alone does not keep an API key out; and the
//! `temporal` tool lets the environment `default` of its own older file win over `TEMPORAL_ADDRESS`.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::environment::mended;
use super::finding::{Code, Finding};
use crate::environment::{CONFIGURATION_FILE, PROFILE, TOOLS_ENVIRONMENT};

/// What is used where a variable names none.
const DEFAULT: &str = "default";

/// Looks at the files that a client of this user loads.
pub(crate) fn look(lookup: &impl Fn(&str) -> Option<OsString>) -> Vec<Finding> {
    let named = |variable: &str| {
        let name = lookup(variable).map(|name| name.to_string_lossy().into_owned());
        name.unwrap_or_else(|| DEFAULT.to_owned())
    };
    let home = lookup("HOME").map(|home| Path::new(&home).join(".config"));
    let xdg = lookup("XDG_CONFIG_HOME").map(PathBuf::from);
    let within = |folder: PathBuf, name: &str| folder.join("temporalio").join(name);
    let named_file = lookup(CONFIGURATION_FILE).map(PathBuf::from);
    let usual = xdg.filter(|path| path.is_absolute()).or(home.clone());
    let file = named_file.or(usual.map(|folder| within(folder, "temporal.toml")));
    let tools = home.map(|folder| within(folder, "temporal.yaml"));
    let configured = file.filter(|file| says(file, |text| configures(text, &named(PROFILE))));
    let preset = tools.filter(|file| says(file, |text| presets(text, &named(TOOLS_ENVIRONMENT))));
    let findings = [
        configured.map(|file| configuration(&file)),
        preset.map(|file| environment(&file, &named(TOOLS_ENVIRONMENT))),
    ];
    findings.into_iter().flatten().collect()
}

fn configuration(file: &Path) -> Finding {
    let file = file.display();
    Finding::new(
        Code::ConfigurationFile,
        format!(
            "`{file}` tells clients how to connect, also to our server, which knows neither TLS nor API keys; {}",
            mended("hide it")
        ),
        "run the program by `temporal-devserver run -- PROGRAM`, or let TEMPORAL_CONFIG_FILE name a file with the line `[profile.default]` alone",
    )
}

fn environment(file: &Path, name: &str) -> Finding {
    let file = file.display();
    Finding::new(
        Code::ToolEnvironment,
        format!(
            "`{file}` has an environment `{name}`: what it sets wins over TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE where the `temporal` tool is run, \
             and no variable hides it, so neither does `run -- COMMAND`"
        ),
        format!(
            "give the tool `--env-file /dev/null`, or move what is in it: `temporal config set`, then `temporal env delete --env {name}`"
        ),
    )
}

/// Tells whether a file says something; also one that cannot be read, for a client fails at it.
fn says(file: &Path, something: impl Fn(&str) -> bool) -> bool {
    match std::fs::read_to_string(file) {
        Ok(text) => something(&text),
        Err(error) => !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory),
    }
}

/// Tells whether a configuration file sets anything outside the other profiles; in doubt, it does.
fn configures(text: &str, profile: &str) -> bool {
    let mut is_other = false;
    for line in text.lines().map(str::trim) {
        if let Some(table) = line.strip_prefix('[') {
            let name = table.strip_prefix("profile.");
            let name = name.map(|rest| rest.split([']', '.']).next().unwrap_or(rest));
            is_other = name.is_some_and(|name| name.trim_matches(['"', '\'', ' ']) != profile);
        } else if !is_other && !line.starts_with('#') && line.contains('=') {
            return true;
        }
    }
    false
}

/// Tells whether a file of the `temporal` tool has an environment of this name.
fn presets(text: &str, name: &str) -> bool {
    let keys = text
        .lines()
        .filter_map(|line| line.trim().strip_suffix(':'));
    keys.into_iter()
        .any(|key| key.trim_matches(['"', '\'']) == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_profile_that_is_used_counts() {
        let key = "api_key = \"k\"";
        for used in [
            "[profile.default]",
            "[profile.default.tls]",
            "[ profile . default ]",
            "",
        ] {
            assert!(
                configures(&format!("# a = b\n{used}\n{key}"), DEFAULT),
                "{used}"
            );
        }
        let other = format!("[profile.cloud]\n{key}\n[profile.default]\n# {key}");
        assert!(!configures(&other, DEFAULT));
        assert!(configures(&other, "cloud"));
        assert!(!configures(crate::environment::CONFIGURATION, DEFAULT));
    }

    #[test]
    fn only_the_environment_that_is_used_counts() {
        let text = "env:\n    prod:\n        address: x:7233\n";
        assert!(!presets(text, DEFAULT));
        assert!(presets(text, "prod"));
    }
}
