//! Dates of PDF (ISO 32000-1 7.9.4): `D:YYYYMMDDHHmmSSOHH'mm'`, everything behind the year may be missing.

use model::Time;
use std::time::Duration;

/// The instant. Without a zone it is taken as UTC.
pub(super) fn parse(text: &str) -> Option<Time> {
    let text = text.trim();
    let text = text.strip_prefix("D:").unwrap_or(text);
    let end = text.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let (digits, zone) = text.split_at_checked(end)?;
    let part = |at: usize, length: usize, default: u8| match digits.get(at..at + length) {
        Some(part) => part.parse::<u8>().ok(),
        None if digits.len() <= at => Some(default),
        None => None,
    };
    let year: i32 = digits.get(..4)?.parse().ok()?;
    let (month, day) = (part(4, 2, 1)?, part(6, 2, 1)?);
    let (hour, minute, second) = (part(8, 2, 0)?, part(10, 2, 0)?, part(12, 2, 0)?);
    let time = Time::from_civil(year, month, day, hour, minute, second)?;
    let ahead = match zone.as_bytes().first() {
        Some(b'+') => 1,
        Some(b'-') => -1,
        _ => return Some(time),
    };
    let numbers: Vec<u64> = zone
        .split(|c: char| !c.is_ascii_digit())
        .filter(|part| !part.is_empty())
        .flat_map(|part| part.parse())
        .collect();
    let (hours, minutes) = match numbers[..] {
        [both] if both > 99 => (both / 100, both % 100),
        [hours] => (hours, 0),
        [hours, minutes, ..] => (hours, minutes),
        [] => (0, 0),
    };
    if hours > 23 || minutes > 59 {
        return None;
    }
    let offset = Duration::from_secs(hours * 3_600 + minutes * 60);
    Some(match ahead {
        1 => Time::from_micros(time.micros().saturating_sub(i64::try_from(offset.as_micros()).ok()?)),
        _ => time.plus(offset),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<(i32, u8, u8, u8, u8, u8)>) {
        assert_eq!(parse(text).map(Time::civil), expected, "{text}");
    }

    #[test]
    fn dates_are_read_with_and_without_a_zone() {
        check("D:20240229123456Z", Some((2024, 2, 29, 12, 34, 56)));
        check("D:20240229123456+02'00'", Some((2024, 2, 29, 10, 34, 56)));
        check("D:20240229233456-0130", Some((2024, 3, 1, 1, 4, 56)));
        check("D:20240229123456-05'30", Some((2024, 2, 29, 18, 4, 56)));
        check("D:2024", Some((2024, 1, 1, 0, 0, 0)));
        check("202402", Some((2024, 2, 1, 0, 0, 0)));
        for wrong in ["", "D:", "D:20240230000000Z", "D:202", "D:2024022", "D:20240229123456+99'00'", "yesterday"] {
            check(wrong, None);
        }
    }
}
