//! What a budget counts, and whom it counts apart.

use super::price::Money;

/// What a budget counts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Unit {
    /// Sound of responses that speak a text, in milliseconds.
    AudioSeconds,
    /// Characters of texts that are spoken.
    Characters,
    /// The currency of the prices, in millionths.
    Money,
    /// Every request counts one, whatever its tokens.
    Requests,
    /// Tokens in and out together.
    Tokens,
    /// Tokens of requests.
    TokensIn,
    /// Tokens of responses.
    TokensOut,
}

/// Whom a budget counts apart.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum By {
    /// One counter for all requests.
    Everyone,
    /// The pattern of `models`, never the name that a client sent: clients could make counters.
    Model,
    /// The owner (tenant) of the principal; without one, the principal.
    Owner,
    /// The principal as `kind:id`. All guests share one counter.
    Principal,
    /// The upstream, by its addresses and path prefix.
    Upstream,
}

impl Unit {
    /// All units with their names in the file.
    pub(super) const ALL: [(&'static str, Self); 7] = [
        ("requests", Self::Requests),
        ("characters", Self::Characters),
        ("audio_seconds", Self::AudioSeconds),
        ("tokens", Self::Tokens),
        ("tokens_in", Self::TokensIn),
        ("tokens_out", Self::TokensOut),
        ("money", Self::Money),
    ];

    /// Returns its name.
    pub(super) fn name(self) -> &'static str {
        let named = Self::ALL.iter().find(|(_, unit)| *unit == self);
        named.map_or("", |(name, _)| name)
    }

    /// Returns whether requests to models are counted in it.
    pub(super) const fn is_of_tokens(self) -> bool {
        matches!(
            self,
            Self::Money | Self::Tokens | Self::TokensIn | Self::TokensOut
        )
    }

    /// Returns whether texts that are spoken are counted in it.
    pub(super) const fn is_of_speech(self) -> bool {
        matches!(self, Self::AudioSeconds | Self::Characters | Self::Money)
    }

    /// Writes units for people: money and seconds as decimal numbers.
    pub(super) fn format_units(self, units: u64) -> String {
        match self {
            Self::AudioSeconds => format!("{}.{:03}", units / 1000, units % 1000),
            Self::Money => Money(units).to_string(),
            _ => units.to_string(),
        }
    }
}

impl By {
    /// All subjects with their names in the file.
    pub(super) const ALL: [(&'static str, Self); 5] = [
        ("principal", Self::Principal),
        ("owner", Self::Owner),
        ("model", Self::Model),
        ("upstream", Self::Upstream),
        ("everyone", Self::Everyone),
    ];

    /// Returns its name.
    pub(super) fn name(self) -> &'static str {
        let named = Self::ALL.iter().find(|(_, by)| *by == self);
        named.map_or("", |(name, _)| name)
    }
}
