//! Fields that make a sound longer than its text, or more than one: `n`, `best_of`, `speed`, `duration`.
//!
//! Other settings of a server that do so are not known here: `milliseconds_per_character` must be large enough for them.

use palisade::core::Rejection;

use super::super::super::{field_names::NameMatch, refusal};

/// The most sounds of one request.
const MOST_SOUNDS: u64 = 128;

/// How many sounds a request asks for, and how slow they are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Lengths {
    /// 1 to 128.
    pub(super) sounds: u64,
    /// 1 to 4: how often the sound of normal speed. `None`: the length is not known.
    pub(super) slowness: Option<u64>,
}

impl Lengths {
    /// Returns those of a request without such a field.
    pub(super) const fn new() -> Self {
        Self {
            sounds: 1,
            slowness: Some(1),
        }
    }

    /// Takes one field. What is there several times counts with its greatest value.
    ///
    /// # Errors
    ///
    /// 400: a number of sounds is no number from 1 to 128, or only some servers take the field for one of those names.
    pub(super) fn read_field(&mut self, name: &str, value: &str) -> Result<(), Box<Rejection>> {
        if is_field(name, "n")? || is_field(name, "best_of")? {
            let sounds = value.trim().parse().ok();
            let sounds = sounds.filter(|sounds| (1..=MOST_SOUNDS).contains(sounds));
            let refused = || refusal::unreadable_text("`n` or `best_of` is out of range");
            self.sounds = self.sounds.max(sounds.ok_or_else(refused)?);
        } else if is_field(name, "speed")? {
            let slower = self.slowness.zip(slowness_of(value));
            self.slowness = slower.map(|(before, now)| before.max(now));
        } else if is_field(name, "duration")? {
            self.slowness = None;
        }
        Ok(())
    }
}

/// Returns how much longer a sound is at a speed, rounded up. `None`: it is no number, or below 0.25.
fn slowness_of(speed: &str) -> Option<u64> {
    match speed.trim().parse::<f64>().ok()? {
        speed if speed >= 1.0 => Some(1),
        speed if speed >= 0.5 => Some(2),
        speed if speed >= 0.25 => Some(4),
        _ => None,
    }
}

/// Returns whether a field has a name, in any case of letters.
///
/// # Errors
///
/// 400: only some servers take it for that name.
fn is_field(name: &str, wanted: &str) -> Result<bool, Box<Rejection>> {
    match NameMatch::of(name, wanted) {
        NameMatch::Exact | NameMatch::OtherCase => Ok(true),
        NameMatch::Other => Ok(false),
        NameMatch::Near => Err(refusal::unreadable_text(
            "a field has nearly the name `n`, `best_of`, `speed` or `duration`",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(fields: &[(&str, &str)], expected: Option<(u64, Option<u64>)>) {
        let mut lengths = Lengths::new();
        let read = fields
            .iter()
            .try_for_each(|(name, value)| lengths.read_field(name, value));
        let found = read.ok().map(|()| (lengths.sounds, lengths.slowness));
        assert_eq!(found, expected, "{fields:?}");
    }

    #[test]
    fn several_and_slow_sounds_are_longer() {
        check(&[("voice", "a"), ("names", "9")], Some((1, Some(1))));
        check(&[("n", "3"), ("best_of", "2")], Some((3, Some(1))));
        check(&[("speed", "4.0"), ("Speed", "0.5")], Some((1, Some(2))));
        check(&[("speed", "0.25"), ("speed", "1")], Some((1, Some(4))));
    }

    #[test]
    fn what_has_no_known_length_has_none() {
        for speed in ["0.2", "0", "-1", "NaN", "slow", "null", ""] {
            check(&[("speed", speed), ("speed", "1")], Some((1, None)));
        }
        check(&[("duration", "600")], Some((1, None)));
        for (name, value) in [
            ("n", "0"),
            ("n", "129"),
            ("best_of", "x"),
            ("n[]", "2"),
            ("speed.a", "1"),
        ] {
            check(&[(name, value)], None);
        }
    }
}
