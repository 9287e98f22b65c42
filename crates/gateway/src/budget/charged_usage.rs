//! What is charged for a request: what the upstream told or what passed, otherwise an estimate.
//!
//! The estimate is never above the reserve. A usage that the upstream reports may be: then it is charged as reported,
//! up to 2^31 tokens, and the audit record has the note `budget_estimated=above_reserve`.

use http::StatusCode;

use super::{
    cost::{Amounts, Tokens},
    speech::{SoundSide, Speech},
    usage::Usage,
};

/// How a request ended, as far as it costs tokens.
///
/// | ending | tokens out without a report |
/// |---|---|
/// | `Complete` | the text that passed, in bytes, at most the reserve |
/// | `Cut`, `Unreadable` | the whole reserve |
/// | `NothingRan` | none |
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Ending {
    /// The response ended before its end, or there was none. Without a final usage at least the reserve of tokens out is
    /// charged: how far the upstream went on is not known.
    Cut,
    /// The response was complete.
    Complete,
    /// No model ran.
    NothingRan,
    /// The response could not be read.
    Unreadable,
}

/// What is charged, and why it is an estimate.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct ChargedUsage {
    /// In all units.
    pub(super) amounts: Amounts,
    /// Why the numbers are no usage as reported: `cut`, `unreadable`, `no_usage`, `no_audio`, `wrong_usage` or
    /// `above_reserve`.
    pub(super) estimated: Option<&'static str>,
}

/// The most tokens that a usage is believed: a larger one is a mistake.
const MOST_TOLD: u64 = 1 << 31;
/// The mark of a usage that is larger than the reserve.
const ABOVE_RESERVE: &str = "above_reserve";

impl ChargedUsage {
    /// Returns whether it is not what the upstream told.
    pub(super) fn is_estimated(&self) -> bool {
        self.estimated.is_some_and(|reason| reason != ABOVE_RESERVE)
    }

    /// Decides what is charged: what is told, otherwise the reserve at most.
    ///
    /// | part | reported | not reported |
    /// |---|---|---|
    /// | tokens in | the report, at most 2^31 | those of the text that was sent, at most the reserve |
    /// | tokens out | the report, at most 2^31 | of a complete response the text that passed, otherwise the reserve |
    /// | written to a cache | the report | all tokens in, if the request asked for that |
    ///
    /// A report of no tokens in counts as none, since each request has some. A report of no tokens out counts as none if
    /// text passed, or if the response was cut: a server may report in the last event, which did not come.
    pub(super) fn from_usage(usage: &Usage, ending: Ending, most: &Tokens) -> Self {
        if ending == Ending::NothingRan {
            return Self::nothing();
        }
        let passed = match ending {
            Ending::Cut | Ending::Unreadable => most.tokens_out,
            _ => usage.text.min(most.tokens_out),
        };
        let missing = match ending {
            Ending::Cut => "cut",
            Ending::Unreadable => "unreadable",
            _ => "no_usage",
        };
        // No request has no tokens in; and text has tokens.
        let told_in = usage.tokens_in.filter(|tokens| *tokens > 0);
        let may_be_zero = usage.text == 0 && ending != Ending::Cut;
        let so_far = usage.tokens_out.unwrap_or_default();
        let is_partial = ending != Ending::Complete && !usage.is_final;
        let told_out = usage.tokens_out.filter(|told| *told > 0 || may_be_zero);
        let told_out = told_out.filter(|_| !is_partial);
        let passed = match is_partial {
            true => passed.max(so_far.min(MOST_TOLD)),
            false => passed,
        };
        let is_above = |told: Option<u64>, most: u64| told.is_some_and(|told| told > most);
        let is_above = is_above(told_in, most.tokens_in) || is_above(told_out, most.tokens_out);
        let estimated = match (told_in, told_out) {
            _ if usage.is_wrong => Some("wrong_usage"),
            _ if is_above => Some(ABOVE_RESERVE),
            (Some(_), Some(_)) => None,
            _ => Some(missing),
        };
        let sent = most.text.min(most.tokens_in);
        let tokens_in = told_in.map_or(sent, |told| told.min(MOST_TOLD));
        let amounts = Amounts {
            tokens_in,
            tokens_out: told_out.map_or(passed, |told| told.min(MOST_TOLD)),
            cache_write: match told_in {
                None if most.writes_cache => tokens_in,
                _ => usage.cache_write,
            },
            ..Amounts::default()
        };
        Self { amounts, estimated }
    }

    /// Decides what is charged for sound: of a text that was spoken, its characters and the sound that passed whole; of sound
    /// that was written down, the length that the response tells.
    ///
    /// A client that leaves in the middle pays the reserve: the upstream may have made all of the sound.
    pub(super) fn from_speech(usage: &Usage, ending: Ending, most: &Speech) -> Self {
        let is_heard = most.side == SoundSide::Request;
        // A length that was told counts, even if the rest of the response did not pass. None is not believed.
        let counts = |millis: &u64| match is_heard {
            true => *millis > 0,
            false => ending == Ending::Complete,
        };
        let passed = usage.audio_millis.filter(counts);
        let estimated = match (ending, passed) {
            (Ending::NothingRan, _) => return Self::nothing(),
            (_, Some(millis)) if millis > most.audio_millis => Some(ABOVE_RESERVE),
            (_, Some(_)) => None,
            _ if usage.is_wrong => Some("wrong_usage"),
            (Ending::Cut, _) => Some("cut"),
            (Ending::Complete | Ending::Unreadable, _) if is_heard => Some("no_usage"),
            (Ending::Complete | Ending::Unreadable, _) => Some("no_audio"),
        };
        let passed = passed.map(|millis| millis.min(MOST_TOLD));
        let amounts = Amounts {
            characters: most.characters,
            audio_millis: passed.unwrap_or(most.audio_millis),
            ..Amounts::default()
        };
        Self { amounts, estimated }
    }

    /// No model ran.
    fn nothing() -> Self {
        Self {
            amounts: Amounts::default(),
            estimated: None,
        }
    }
}

/// Returns whether an upstream refused a request without running a model.
/// Only statuses with which a server refuses before it generates: 401, 403, 404, 405, 413, 415 and 429. After any other
/// status (500, for example) tokens may have been used, so the reserve counts.
pub(super) const fn ran_nothing(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::UNAUTHORIZED
            | StatusCode::FORBIDDEN
            | StatusCode::NOT_FOUND
            | StatusCode::METHOD_NOT_ALLOWED
            | StatusCode::PAYLOAD_TOO_LARGE
            | StatusCode::UNSUPPORTED_MEDIA_TYPE
            | StatusCode::TOO_MANY_REQUESTS
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::{cost::Cost, price::Price, unit::Unit};

    const MOST: Tokens = Tokens {
        text: 100,
        tokens_in: 150,
        tokens_out: 50,
        writes_cache: false,
    };

    fn usage(tokens_in: Option<u64>, tokens_out: Option<u64>, text: u64) -> Usage {
        Usage {
            tokens_in,
            tokens_out,
            text,
            cache_write: 0,
            audio_millis: None,
            is_wrong: false,
            is_final: false,
            has_one_choice: true,
        }
    }

    /// The usage of a stream whose last event was seen.
    fn final_usage(tokens_in: u64, tokens_out: u64, text: u64) -> Usage {
        Usage {
            is_final: true,
            ..usage(Some(tokens_in), Some(tokens_out), text)
        }
    }

    #[track_caller]
    fn check(usage: &Usage, ending: Ending, expected: (u64, u64, Option<&'static str>)) {
        let used = ChargedUsage::from_usage(usage, ending, &MOST);
        let (amounts, estimated) = (used.amounts, used.estimated);
        assert_eq!((amounts.tokens_in, amounts.tokens_out, estimated), expected);
    }

    #[test]
    fn a_usage_within_the_reserve_is_believed() {
        use Ending::{Complete, Cut};
        check(&usage(Some(12), Some(7), 30), Complete, (12, 7, None));
        check(&usage(Some(150), Some(50), 0), Complete, (150, 50, None));
        check(&usage(Some(12), Some(0), 0), Complete, (12, 0, None));
        check(&final_usage(12, 7, 30), Cut, (12, 7, None));
    }

    /// Some servers tell the tokens so far in every event.
    #[test]
    fn what_a_stream_told_before_its_end_does_not_lower_the_charge_of_a_client_that_leaves() {
        use Ending::{Complete, Cut, Unreadable};
        let early = usage(Some(12), Some(1), 2);
        check(&early, Cut, (12, 50, Some("cut")));
        check(&early, Unreadable, (12, 50, Some("unreadable")));
        check(&early, Complete, (12, 1, None));
        check(&usage(Some(12), Some(60), 99), Cut, (12, 60, Some("cut")));
    }

    #[test]
    fn without_usage_what_passed_is_charged_and_a_cut_is_the_reserve() {
        use Ending::{Complete, Cut, Unreadable};
        let none = usage(None, None, 30);
        check(&none, Complete, (100, 30, Some("no_usage")));
        check(&none, Cut, (100, 50, Some("cut")));
        check(&usage(None, None, 0), Cut, (100, 50, Some("cut")));
        check(&usage(Some(12), Some(0), 0), Cut, (12, 50, Some("cut")));
        check(&none, Unreadable, (100, 50, Some("unreadable")));
        check(&usage(None, None, 900), Cut, (100, 50, Some("cut")));
        check(&usage(Some(12), None, 30), Cut, (12, 50, Some("cut")));
        // Tokens that are told as none, though text passed.
        check(
            &usage(Some(0), Some(0), 30),
            Complete,
            (100, 30, Some("no_usage")),
        );
    }

    #[test]
    fn a_usage_above_the_reserve_is_charged_up_to_a_ceiling_and_marked() {
        let above = usage(Some(151), Some(51), 3);
        check(&above, Ending::Complete, (151, 51, Some("above_reserve")));
        let huge = usage(Some(u64::MAX), Some(u64::MAX), 3);
        let most = 1 << 31;
        check(&huge, Ending::Complete, (most, most, Some("above_reserve")));
        let wrong = Usage {
            is_wrong: true,
            ..usage(None, Some(9), 3)
        };
        check(&wrong, Ending::Complete, (100, 9, Some("wrong_usage")));
    }

    #[test]
    fn without_a_model_nothing_but_the_request_is_charged() {
        check(&usage(None, None, 30), Ending::NothingRan, (0, 0, None));
    }

    #[test]
    fn what_is_written_into_a_cache_has_its_own_price_before_and_after() {
        let price = Price {
            input: 1_000_000,
            output: 0,
            cache_write: 3_000_000,
        };
        let most = |writes_cache| Tokens {
            writes_cache,
            ..MOST
        };
        assert_eq!(
            Cost::of_tokens(most(false), price).most_units(Unit::Money),
            150
        );
        assert_eq!(
            Cost::of_tokens(most(true), price).most_units(Unit::Money),
            450
        );
        let written = |usage: &Usage, ending, writes_cache| {
            let used = ChargedUsage::from_usage(usage, ending, &most(writes_cache));
            used.amounts.cache_write
        };
        let told = Usage {
            cache_write: 40,
            ..usage(Some(100), Some(0), 0)
        };
        assert_eq!(written(&told, Ending::Complete, true), 40);
        let none = usage(None, None, 0);
        assert_eq!(written(&none, Ending::Cut, true), 100);
        assert_eq!(written(&none, Ending::Cut, false), 0);
    }

    #[test]
    fn sound_that_passed_whole_is_charged_and_everything_else_is_the_reserve() {
        let most = Speech {
            characters: 9,
            audio_millis: 9000,
            ..Speech::default()
        };
        let check = |audio_millis, ending, expected: (u64, u64, Option<&str>)| {
            let usage = Usage {
                audio_millis,
                ..usage(None, None, 0)
            };
            let used = ChargedUsage::from_speech(&usage, ending, &most);
            let Amounts {
                characters,
                audio_millis,
                ..
            } = used.amounts;
            assert_eq!((characters, audio_millis, used.estimated), expected);
        };
        check(Some(2500), Ending::Complete, (9, 2500, None));
        check(Some(2500), Ending::Cut, (9, 9000, Some("cut")));
        check(None, Ending::Complete, (9, 9000, Some("no_audio")));
        check(None, Ending::Unreadable, (9, 9000, Some("no_audio")));
        check(
            Some(9001),
            Ending::Complete,
            (9, 9001, Some("above_reserve")),
        );
        check(Some(2500), Ending::NothingRan, (0, 0, None));
    }

    #[test]
    fn sound_that_was_written_down_costs_what_is_told_and_otherwise_the_reserve() {
        let most = Speech {
            audio_millis: 9000,
            side: SoundSide::Request,
            ..Speech::default()
        };
        let check = |audio_millis, ending, expected: (u64, Option<&str>)| {
            let usage = Usage {
                audio_millis,
                ..usage(None, None, 0)
            };
            let used = ChargedUsage::from_speech(&usage, ending, &most);
            assert_eq!((used.amounts.audio_millis, used.estimated), expected);
        };
        check(Some(2500), Ending::Complete, (2500, None));
        check(Some(2500), Ending::Cut, (2500, None));
        check(Some(0), Ending::Complete, (9000, Some("no_usage")));
        check(None, Ending::Complete, (9000, Some("no_usage")));
        check(None, Ending::Unreadable, (9000, Some("no_usage")));
        check(None, Ending::Cut, (9000, Some("cut")));
        check(Some(9001), Ending::Complete, (9001, Some("above_reserve")));
        check(None, Ending::NothingRan, (0, None));
    }
}
