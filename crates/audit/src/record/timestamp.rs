//! Writes moments as RFC 3339, in UTC, with microseconds.

use std::time::Duration;

const DAY: u64 = 86_400;
const DAYS_IN_400_YEARS: u64 = 146_097;
/// Days from 0000-03-01 to 1970-01-01. Years that begin in March have the leap day at their end.
const EPOCH: u64 = 719_468;

/// Formats a time since the Unix epoch.
pub(crate) fn rfc3339(unix_time: Duration) -> String {
    let seconds = unix_time.as_secs();
    let (year, month, day) = date(seconds / DAY);
    let (hour, minute) = (seconds % DAY / 3600, seconds % 3600 / 60);
    let (second, micros) = (seconds % 60, unix_time.subsec_micros());
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z")
}

/// Reads a moment that [`rfc3339`] wrote, and no other spelling.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let bytes = text.as_bytes();
    let shape = b"0000-00-00T00:00:00.000000Z";
    let fits = bytes.len() == shape.len()
        && bytes.iter().zip(shape).all(|(byte, shape)| match shape {
            b'0' => byte.is_ascii_digit(),
            _ => byte == shape,
        });
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<u64>().ok();
    let days = days(number(0, 4)?, number(5, 7)?, number(8, 10)?).filter(|_| fits)?;
    let seconds = number(11, 13)? * 3600 + number(14, 16)? * 60 + number(17, 19)?;
    let micros = u32::try_from(number(20, 26)?).ok()?;
    let seconds = days.checked_mul(DAY)?.checked_add(seconds)?;
    Some(Duration::new(seconds, micros.checked_mul(1000)?))
}

/// Turns a date into days since the epoch.
fn days(year: u64, month: u64, day: u64) -> Option<u64> {
    let month_from_march = (month + 9) % 12;
    let year = year.checked_sub(u64::from(month <= 2))?;
    let in_year = (153 * month_from_march + 2) / 5 + day.checked_sub(1)?;
    let leap_days = year / 4 - year / 100 + year / 400;
    (year * 365 + leap_days + in_year).checked_sub(EPOCH)
}

/// Turns days since the epoch into a date of the Gregorian calendar.
fn date(days_since_epoch: u64) -> (u64, u64, u64) {
    let days = days_since_epoch.saturating_add(EPOCH);
    let (era, day_of_era) = (days / DAYS_IN_400_YEARS, days % DAYS_IN_400_YEARS);
    let leap_days = day_of_era / 1460 + day_of_era / 146_096 - day_of_era / 36_524;
    let year_of_era = (day_of_era - leap_days) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    // Months from March on have 31, 30, 31, 30, 31 days, twice and a bit: 153 days in five.
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(seconds: u64, expected: &str) {
        assert_eq!(rfc3339(Duration::from_secs(seconds)), expected);
    }

    #[test]
    fn known_moments_are_written_right() {
        check(0, "1970-01-01T00:00:00.000000Z");
        check(951_782_399, "2000-02-28T23:59:59.000000Z");
        check(951_782_400, "2000-02-29T00:00:00.000000Z");
        check(951_868_800, "2000-03-01T00:00:00.000000Z");
        check(1_700_000_000, "2023-11-14T22:13:20.000000Z");
        check(4_107_542_400, "2100-03-01T00:00:00.000000Z");
    }

    #[test]
    fn every_day_of_four_centuries_follows_the_one_before() {
        let mut previous = date(0);
        for day in 1..DAYS_IN_400_YEARS {
            let next = date(day);
            assert!(
                next > previous && next.2 <= 31,
                "{next:?} after {previous:?}"
            );
            assert!(next.2 == previous.2 + 1 || next.2 == 1);
            previous = next;
        }
        assert_eq!(previous, (2369, 12, 31));
    }

    #[test]
    fn what_was_written_is_read_again() {
        for seconds in (0..4_107_542_400_u64).step_by(86_399 * 7) {
            let moment = Duration::new(seconds, 123_456_000);
            assert_eq!(parse(&rfc3339(moment)), Some(moment));
        }
        assert_eq!(parse("2023-11-14 22:13:20.000000Z"), None);
        assert_eq!(parse("2023-11-14T22:13:20Z"), None);
    }

    #[test]
    fn the_end_of_time_does_not_overflow() {
        assert!(rfc3339(Duration::MAX).ends_with('Z'));
    }
}
