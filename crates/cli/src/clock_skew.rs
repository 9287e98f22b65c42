//! The difference between the clock of this machine and that of a server.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use palisade::{diagnostics, shield::Warning};

/// The difference that is reported. Tokens allow for as much; limits and certificates for less.
const MOST_SKEW: Duration = Duration::from_secs(30);

/// `clock-skew`. `None` up to and with 30 seconds. The text names the difference in whole seconds and its
/// direction.
pub(crate) fn skew_warning(ours: SystemTime, theirs: SystemTime) -> Option<Warning> {
    let skew = time_difference(ours, theirs);
    if skew <= MOST_SKEW {
        return None;
    }
    let direction = if ours > theirs { "ahead" } else { "behind" };
    let text = format!(
        "the clock of this machine is {} s {direction}: tokens, keys and certificates are checked against it; \
         start a time service (timedatectl set-ntp true)",
        skew.as_secs()
    );
    diagnostics::find("clock-skew").map(|entry| Warning::new(entry, text))
}

/// Returns the difference, whichever clock is ahead.
pub(crate) fn time_difference(ours: SystemTime, theirs: SystemTime) -> Duration {
    let since = |time: SystemTime| time.duration_since(UNIX_EPOCH).unwrap_or_default();
    since(ours).abs_diff(since(theirs))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_minute_is_accepted_in_both_directions() {
        let now = UNIX_EPOCH + Duration::from_secs(2_000_000_000);
        for seconds in [0, 30] {
            assert!(skew_warning(now, now + Duration::from_secs(seconds)).is_none());
            assert!(skew_warning(now + Duration::from_secs(seconds), now).is_none());
        }
        let behind = skew_warning(now, now + Duration::from_secs(90)).unwrap();
        assert!(behind.text.contains("90 s behind"), "{}", behind.text);
        let ahead = skew_warning(now + Duration::from_secs(31), now).unwrap();
        assert_eq!(ahead.number(), Some("PAL0020"));
    }
}
