//! The most that a request can cost, in the unit of each budget.
//!
//! Tokens are counted before the request is sent to the upstream, so these are upper bounds: bytes of the request for tokens in (a token
//! has at least one byte), and the limit that is written into the request for tokens out. Characters are exact, and the
//! sound of a text is bounded by its characters.

use super::{
    price::{self, Price},
    speech::Speech,
    unit::Unit,
};

/// The most tokens of a request.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tokens {
    /// Tokens in of what the client sent, without what the upstream adds.
    pub(super) text: u64,
    /// Tokens in with what the upstream adds (`overhead_tokens`): the upper bound that is reserved.
    pub(super) tokens_in: u64,
    /// The limit of tokens out, times the number of responses. 0 for embeddings.
    pub(super) tokens_out: u64,
    /// Whether tokens in may be written into a cache of the upstream.
    pub(super) writes_cache: bool,
}

/// What a request used.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Amounts {
    /// Tokens of the request, with those that the upstream adds.
    pub(super) tokens_in: u64,
    /// Tokens in that were written into a cache.
    pub(super) cache_write: u64,
    /// Tokens of the response.
    pub(super) tokens_out: u64,
    /// Characters that were spoken.
    pub(super) characters: u64,
    /// Milliseconds of sound.
    pub(super) audio_millis: u64,
}

/// The most that a request can cost.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cost {
    /// The bounds. All zero for a request that goes to no model.
    pub(super) tokens: Tokens,
    /// The price of the model. Zero where no budget counts money.
    price: Price,
    /// `None`: the request has nothing to do with sound.
    pub(super) speech: Option<Speech>,
}

impl Cost {
    /// Returns the cost of a request without tokens.
    pub(super) fn without_tokens() -> Self {
        Self::default()
    }

    /// Returns the cost of tokens at a price.
    pub(super) fn of_tokens(tokens: Tokens, price: Price) -> Self {
        Self {
            tokens,
            price,
            speech: None,
        }
    }

    /// Returns the cost of sound: of a text that is spoken, or of sound that is written down.
    pub(super) fn of_speech(speech: Speech) -> Self {
        Self {
            speech: Some(speech),
            ..Self::default()
        }
    }

    /// Returns the most units of one budget.
    pub(super) fn most_units(&self, unit: Unit) -> u64 {
        let speech = self.speech.unwrap_or_default();
        let most = Amounts {
            tokens_in: self.tokens.tokens_in,
            cache_write: 0,
            tokens_out: self.tokens.tokens_out,
            characters: speech.characters,
            audio_millis: speech.audio_millis,
        };
        let written = Amounts {
            cache_write: most.tokens_in,
            ..most
        };
        match self.tokens.writes_cache {
            true => self
                .units_of(unit, &most)
                .max(self.units_of(unit, &written)),
            false => self.units_of(unit, &most),
        }
    }

    /// Returns the units of what was used in one budget.
    pub(super) fn units_of(&self, unit: Unit, used: &Amounts) -> u64 {
        match unit {
            Unit::AudioSeconds => used.audio_millis,
            Unit::Characters => used.characters,
            Unit::Money => self.money(used),
            Unit::Requests => 1,
            Unit::Tokens => used.tokens_in.saturating_add(used.tokens_out),
            Unit::TokensIn => used.tokens_in,
            Unit::TokensOut => used.tokens_out,
        }
    }

    /// Returns what was used in millionths of the currency.
    pub(super) fn money(&self, used: &Amounts) -> u64 {
        let tokens = self
            .price
            .for_tokens(used.tokens_in, used.cache_write, used.tokens_out);
        let speech = self.speech.unwrap_or_default();
        let sound = price::for_millis(speech.minute_price, used.audio_millis);
        tokens
            .saturating_add(price::for_units(speech.price, used.characters))
            .saturating_add(sound)
    }
}
