//! Moments on the command line.

use model::Time;

/// A moment in RFC 3339, or a day, which is its midnight in UTC.
pub fn parse(text: &str) -> Result<Time, String> {
    let day = || text.parse::<jiff::civil::Date>().ok().map(|date| date.to_zoned(jiff::tz::TimeZone::UTC));
    let moment = match (text.parse::<jiff::Timestamp>(), day()) {
        (Ok(moment), _) => moment,
        (Err(_), Some(Ok(day))) => day.timestamp(),
        (Err(error), _) => return Err(format!("{text:?} is no moment: {error}")),
    };
    Ok(Time::from_micros(moment.as_microsecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_its_midnight_in_utc() {
        assert_eq!(parse("2026-11-26"), parse("2026-11-26T00:00:00Z"));
        assert_eq!(parse("1970-01-01T01:00:01+01:00"), Ok(Time::from_seconds(1)));
        assert!(parse("yesterday").is_err());
    }
}
