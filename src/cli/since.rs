//! Times as people type them, and as the lines of a log bear them.
//!
//! Invariant: whatever is typed or written, reading it never fails otherwise than by saying so.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Span, SpanRelativeTo, Timestamp};

use crate::clock::unix_now;

/// A length of time, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Seconds(pub f64);

/// A point in time, in seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Since(pub f64);

impl std::str::FromStr for Seconds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let read = duration(text).filter(|seconds| *seconds <= 1e9);
        read.map(Self)
            .ok_or_else(|| "say how long, like 90s, 10m, 1h30m or 7d".to_owned())
    }
}

impl std::str::FromStr for Since {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let ago = duration(text).map(|seconds| unix_now() - seconds);
        let read = ago.or_else(|| timestamp(text));
        read.map(Self).ok_or_else(|| {
            "say how long ago, like 90s, 10m or 1h30m, or a time like 2026-01-31T12:00:00Z"
                .to_owned()
        })
    }
}

/// Reads `1h30m`, `90s`, `1.5h`.
fn duration(text: &str) -> Option<f64> {
    let span: Span = text.parse().ok()?;
    let long = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
    (!long.is_negative()).then(|| long.as_secs_f64())
}

/// Returns when a line of a log was written: the first time in it.
pub(crate) fn written_at(line: &[u8]) -> Option<f64> {
    // It stands near the beginning, as the value of a key.
    let head = &line[..line.len().min(200)];
    let is_part = |byte: &u8| byte.is_ascii_digit() || b"-:.+TZ".contains(byte);
    let words = head.split(|byte| !is_part(byte));
    let mut words = words.filter(|word| word.contains(&b'T'));
    words.find_map(|word| timestamp(std::str::from_utf8(word).ok()?))
}

/// Reads `2026-01-31T12:00:00.123Z`, or with a zone like `+0100`; without a zone it is local time, as in the server's log.
fn timestamp(text: &str) -> Option<f64> {
    let in_a_zone = text.parse::<Timestamp>().ok();
    let at = in_a_zone.or_else(|| {
        let local: DateTime = text.parse().ok()?;
        TimeZone::system().to_timestamp(local).ok()
    })?;
    Some(at.as_duration().as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn times_are_read_as_people_type_them() {
        assert_eq!(duration("1h30m"), Some(5400.0));
        assert_eq!(duration("1.5h"), duration("90m"));
        for wrong in ["", "m", "10", "10x", "-5m", "1..5s", "10m5"] {
            assert_eq!(duration(wrong), None, "{wrong}");
        }
        let Since(ago) = "10m".parse().unwrap();
        assert!((unix_now() - 600.0 - ago).abs() < 5.0);
    }

    #[test]
    fn the_time_of_a_line_is_found() {
        let at = |line: &str| written_at(line.as_bytes());
        assert_eq!(
            at("time=1970-01-02T00:00:01.500+00:00 level=WARN"),
            Some(86401.5)
        );
        assert_eq!(
            at(r#"{"level":"warn","ts":"2000-03-01T00:00:00Z"}"#),
            Some(951_868_800.0)
        );
        assert_eq!(at("2026-11-26T05:00:00+0100 x"), at("2026-11-26T04:00:00Z"));
        let now = unix_now().floor();
        assert_eq!(at(&local(now)), Some(now));
        assert_eq!(at("panic: runtime error"), None);
        assert_eq!(at("2026-99-26T05:00:00Z"), None);
    }

    /// Writes a time as the server does, with the machine's own tool.
    fn local(time: f64) -> String {
        let date = std::process::Command::new("date")
            .arg(format!("--date=@{time}"))
            .arg("+time=%Y-%m-%dT%H:%M:%S level=WARN")
            .output();
        String::from_utf8(date.unwrap().stdout).unwrap()
    }

    proptest! {
        #[test]
        fn anything_can_be_typed_or_written(text in "\\PC*") {
            let _read = (text.parse::<Since>().is_ok(), text.parse::<Seconds>().is_ok());
            let _read = written_at(format!("2026-01-31T12:00:00{text}").as_bytes());
        }
    }
}
