//! Owns the timetable: at its time it tells the owner of the work, and does no work itself.

use crate::directory::DirectoryParts;
use actix::{Actor, AsyncContext, Context};
use croner::Cron;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use model::{Clock, Time};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

/// Moments that come again: a cron expression of five fields (minute, hour, day, month, weekday), in UTC.
#[derive(Clone, Debug)]
pub struct Timetable {
    cron: Cron,
}

impl Timetable {
    /// Reads an expression.
    pub fn parse(text: &str) -> Result<Self, String> {
        let cron =
            Cron::from_str(text).map_err(|error| format!("the timetable \"{text}\" is not understood: {error}"))?;
        Ok(Self { cron })
    }

    /// The first moment after `now`; `None` if there is none (the 31st of February).
    pub fn after(&self, now: Time) -> Option<Time> {
        let now = Timestamp::from_microsecond(now.micros()).ok()?.to_zoned(TimeZone::UTC);
        let next = self.cron.find_next_occurrence(&now, false).ok()?;
        Some(Time::from_micros(next.timestamp().as_microsecond()))
    }
}

/// The actor: one timer for each directory with a timetable.
pub struct Schedule {
    clock: Arc<dyn Clock>,
    directories: Vec<Arc<DirectoryParts>>,
}

impl Schedule {
    /// A schedule for those of the directories that have a timetable.
    pub fn new(clock: Arc<dyn Clock>, directories: &[Arc<DirectoryParts>]) -> Self {
        let timed = directories.iter().filter(|directory| directory.settings.timetable.is_some());
        Self { clock, directories: timed.cloned().collect() }
    }

    fn arm(&self, directory: Arc<DirectoryParts>, ctx: &mut Context<Self>) {
        let now = self.clock.now();
        let Some(next) = directory.settings.timetable.as_ref().and_then(|timetable| timetable.after(now)) else {
            return;
        };
        // A long sleep would miss a clock that is set: look again at least every minute.
        let wait = next.since(now).min(LOOK);
        ctx.run_later(wait, move |schedule, ctx| {
            if schedule.clock.now() >= next {
                tracing::info!(directory = %directory.settings.name, "its time has come");
                directory.tick();
            }
            schedule.arm(directory, ctx);
        });
    }
}

impl Actor for Schedule {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        for directory in self.directories.clone() {
            self.arm(directory, ctx);
        }
    }
}

const LOOK: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_moment_is_found_in_utc() {
        let timetable = Timetable::parse("30 22 * * *").unwrap();
        // 2025-11-23T13:01:01Z
        let next = timetable.after(Time::from_seconds(1_763_902_861)).unwrap();
        assert_eq!(next.civil(), (2025, 11, 23, 22, 30, 0));
        assert_eq!(timetable.after(next).unwrap().civil(), (2025, 11, 24, 22, 30, 0));
        assert!(Timetable::parse("every night").is_err());
    }
}
