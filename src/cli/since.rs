//! Times as people type them, and as the lines of a log bear them.
//!
//! Invariant: whatever is typed or written, reading it never fails otherwise than by saying so.

use crate::clock::unix_now;
use crate::sys::local_to_unix;

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
        let read = ago.or_else(|| timestamp(text.as_bytes()));
        read.map(Self).ok_or_else(|| {
            "say how long ago, like 90s, 10m or 1h30m, or a time like 2026-01-31T12:00:00Z"
                .to_owned()
        })
    }
}

/// Reads `1h30m`, `90s`, `1.5h`.
fn duration(text: &str) -> Option<f64> {
    let (mut total, mut rest) = (0.0, text);
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..end].parse().ok()?;
        let unit = match rest.as_bytes()[end] {
            b's' => 1.0,
            b'm' => 60.0,
            b'h' => 3600.0,
            b'd' => 86400.0,
            _ => return None,
        };
        total += number * unit;
        rest = &rest[end + 1..];
    }
    (!text.is_empty()).then_some(total)
}

/// Returns when a line of a log was written: the first time in it.
pub(crate) fn written_at(line: &[u8]) -> Option<f64> {
    // It stands near the beginning, as the value of a key.
    let head = &line[..line.len().min(200)];
    (0..head.len()).find_map(|start| timestamp(&head[start..]))
}

/// Reads `2026-01-31T12:00:00.123Z`, or with a zone like `+0100`, from the beginning of `text`; without a zone it is local time,
/// as in the server's log.
fn timestamp(text: &[u8]) -> Option<f64> {
    let fields = text.first_chunk::<19>()?;
    let pattern = b"dddd-dd-ddTdd:dd:dd";
    let fits = |(byte, wanted): (&u8, &u8)| match wanted {
        b'd' => byte.is_ascii_digit(),
        _ => byte == wanted,
    };
    if !fields.iter().zip(pattern).all(fits) {
        return None;
    }
    let number = |from: usize, to: usize| number(&fields[from..to]);
    let date = days(number(0, 4), number(5, 7), number(8, 10))?;
    let clock = number(11, 13) * 3600 + number(14, 16) * 60 + number(17, 19);
    let rest = &text[19..];
    let fraction = rest.strip_prefix(b".").unwrap_or_default();
    let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit());
    let digits = digits.count();
    let part = format!("0.{}", String::from_utf8_lossy(&fraction[..digits]));
    let zone = if digits > 0 {
        &fraction[digits..]
    } else {
        rest
    };
    let local = date * 86400 + clock;
    let whole = offset(zone).map_or_else(|| local_to_unix(local), |ahead| local - ahead);
    #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 fit exactly")]
    let whole = whole as f64;
    Some(whole + part.parse::<f64>().unwrap_or(0.0))
}

/// Returns the seconds that a zone is ahead of UTC; none where no zone is named.
fn offset(zone: &[u8]) -> Option<i64> {
    match zone {
        [b'Z', ..] => Some(0),
        [sign @ (b'+' | b'-'), rest @ ..] => {
            let digits: Vec<u8> = rest.iter().copied().filter(|byte| *byte != b':').collect();
            let clock = digits.first_chunk::<4>()?;
            if !clock.iter().all(u8::is_ascii_digit) {
                return None;
            }
            let ahead = number(&clock[..2]) * 3600 + number(&clock[2..]) * 60;
            Some(if *sign == b'-' { -ahead } else { ahead })
        }
        _ => None,
    }
}

fn number(digits: &[u8]) -> i64 {
    let value = |total: i64, digit: &u8| total * 10 + i64::from(digit - b'0');
    digits.iter().fold(0, value)
}

/// Returns the days from 1970-01-01 to a date; the years count from March, so that a leap day is the last of one.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    Some(year * 365 + leap_days + day_of_year - 719_468)
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

        #[test]
        fn later_days_have_higher_numbers(day in 0i64..1_000_000) {
            let (year, month, date) = civil(day);
            prop_assert_eq!(days(year, month, date), Some(day));
        }
    }

    /// Counts the days up one year and one month after the other.
    fn civil(mut day: i64) -> (i64, i64, i64) {
        let is_leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let mut year = 1970;
        while day >= 365 + i64::from(is_leap(year)) {
            day -= 365 + i64::from(is_leap(year));
            year += 1;
        }
        let february = 28 + i64::from(is_leap(year));
        let lengths = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        for (month, length) in (1..).zip(lengths) {
            if day < length {
                return (year, month, day + 1);
            }
            day -= length;
        }
        unreachable!()
    }
}
