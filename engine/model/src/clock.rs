//! Time as a value. The engine is handed a [`Time`]; only the outer crates own a [`Clock`].

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// An instant in UTC, microseconds since 1970-01-01T00:00:00Z. Never before that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Time {
    micros: i64,
}

impl Time {
    /// From microseconds since the epoch; negative values become the epoch.
    pub fn from_micros(micros: i64) -> Self {
        Self { micros: micros.max(0) }
    }

    /// From whole seconds since the epoch.
    pub fn from_seconds(seconds: i64) -> Self {
        Self::from_micros(seconds.saturating_mul(1_000_000))
    }

    /// Microseconds since the epoch.
    pub fn micros(self) -> i64 {
        self.micros
    }

    /// Whole seconds since the epoch.
    pub fn seconds(self) -> i64 {
        self.micros / 1_000_000
    }

    /// This instant and `duration` more.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Self { micros: self.micros.saturating_add(micros) }
    }

    /// How long ago `earlier` was; zero if it lies ahead.
    pub fn since(self, earlier: Time) -> Duration {
        Duration::from_micros(u64::try_from(self.micros - earlier.micros).unwrap_or(0))
    }

    /// Year, month, day, hour, minute, second in UTC (proleptic Gregorian calendar).
    ///
    /// ```
    /// # use model::Time;
    /// assert_eq!(Time::from_seconds(1_763_902_861).civil(), (2025, 11, 23, 13, 1, 1));
    /// ```
    pub fn civil(self) -> (i32, u8, u8, u8, u8, u8) {
        let seconds = self.seconds();
        let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        // Days are counted from 0000-03-01, so that the leap day is the last of its year; an era has 400 years.
        let z = days + 719_468;
        let era = z.div_euclid(146_097);
        let day_of_era = z.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        (year as i32, month as u8, day as u8, (rest / 3_600) as u8, (rest / 60 % 60) as u8, (rest % 60) as u8)
    }

    /// The instant that this civil time in UTC means; the other way of [`Time::civil`]. `None`: there is no such day or
    /// hour. A leap second is the second after it.
    ///
    /// ```
    /// # use model::Time;
    /// assert_eq!(Time::from_civil(2025, 11, 23, 13, 1, 1), Some(Time::from_seconds(1_763_902_861)));
    /// assert_eq!(Time::from_civil(2025, 2, 29, 0, 0, 0), None);
    /// ```
    pub fn from_civil(year: i32, month: u8, day: u8, hour: u8, minute: u8, second: u8) -> Option<Self> {
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let days_of_month = match month {
            4 | 6 | 9 | 11 => 30,
            2 if leap => 29,
            2 => 28,
            1..=12 => 31,
            _ => return None,
        };
        if !(1..=days_of_month).contains(&day) || hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        let shifted_year = i64::from(year) - i64::from(month <= 2);
        let (era, year_of_era) = (shifted_year.div_euclid(400), shifted_year.rem_euclid(400));
        let shifted_month = (i64::from(month) + 9) % 12;
        let day_of_year = (153 * shifted_month + 2) / 5 + i64::from(day) - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        let days = era * 146_097 + day_of_era - 719_468;
        let seconds_of_day = (i64::from(hour) * 60 + i64::from(minute)) * 60 + i64::from(second);
        Some(Self::from_seconds(days * 86_400 + seconds_of_day))
    }

    /// For sentences that people read, to the second.
    ///
    /// ```
    /// # use model::Time;
    /// assert_eq!(Time::from_seconds(1_763_902_861).in_words(), "2025-11-23 13:01:01 UTC");
    /// ```
    pub fn in_words(self) -> String {
        let (year, month, day, hour, minute, second) = self.civil();
        format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
    }
}

/// Where the outer crates take the time from.
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> Time;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods)] // the one place that reads the machine's clock
    fn now(&self) -> Time {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Time::from_micros(i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX))
    }
}
