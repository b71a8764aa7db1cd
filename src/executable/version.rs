//! What `temporal --version` says.
//!
//! Invariant: whatever a program prints, reading it never fails otherwise than by saying nothing.

/// Returns the version of the command-line tool, which the option `version` means.
///
/// Reads `temporal version 1.9.1 (Server 1.32.0, UI 2.54.1)`, on any line of the output.
pub fn version_from_output(output: &str) -> Option<String> {
    output.lines().find_map(|line| {
        let rest = line.trim().strip_prefix("temporal version ")?;
        let (cli, rest) = rest.split_once(" (")?;
        let (components, _) = rest.split_once(')')?;
        let server = components
            .split(", ")
            .find_map(|component| component.strip_prefix("Server "))?;
        (is_version(cli) && is_version(server)).then(|| cli.to_owned())
    })
}

fn is_version(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
        && text.bytes().all(|b| b.is_ascii_graphic())
        && text.contains('.')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_real_line_is_read() {
        let read = version_from_output("temporal version 1.9.1 (Server 1.32.0, UI 2.54.1)\n");
        assert_eq!(read.as_deref(), Some("1.9.1"));
        assert_eq!(version_from_output("tctl version 1.18.0"), None);
        assert_eq!(version_from_output("temporal version DEV (Server )"), None);
    }

    proptest! {
        #[test]
        fn anything_can_be_printed(text in "\\PC*") {
            let _read = version_from_output(&text);
            let _read = version_from_output(&format!("temporal version {text}"));
        }

        #[test]
        fn what_was_printed_is_read(cli in "[0-9]{1,3}(\\.[0-9]{1,3}){2}(-rc\\.[0-9])?", server in "[0-9]{1,2}(\\.[0-9]{1,3}){2}", before in "[a-z ]{0,9}\n") {
            let text = format!("{before}temporal version {cli} (Server {server}, UI 2.0.0)");
            prop_assert_eq!(version_from_output(&text), Some(cli));
        }
    }
}
