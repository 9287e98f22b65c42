//! The most that a request can cost, in the unit of each budget.
//!
//! Tokens are counted before the request is sent to the upstream, so these are upper bounds: bytes of the request for tokens in (a token
//! has at least one byte), and the limit that is written into the request for tokens out.

use super::{policy::Unit, price::Price};

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

/// The most that a request can cost.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cost {
    /// The bounds. All zero for a request that goes to no model.
    pub(super) tokens: Tokens,
    /// The price of the model. Zero where no budget counts money.
    price: Price,
}

impl Cost {
    /// Returns the cost of a request without tokens.
    pub(super) fn without_tokens() -> Self {
        Self::default()
    }

    /// Returns the cost of tokens at a price.
    pub(super) const fn of_tokens(tokens: Tokens, price: Price) -> Self {
        Self { tokens, price }
    }

    /// Returns the price of the tokens.
    pub(super) const fn price(&self) -> Price {
        self.price
    }

    /// Returns the most units of one budget.
    pub(super) fn most_units(&self, unit: Unit) -> u64 {
        let Tokens {
            tokens_in,
            tokens_out,
            writes_cache,
            ..
        } = self.tokens;
        let written = [0, if writes_cache { tokens_in } else { 0 }];
        let units = written.map(|written| self.units_of(unit, tokens_in, written, tokens_out));
        units.into_iter().max().unwrap_or(u64::MAX)
    }

    /// Returns the units of these tokens in one budget. `written` of the tokens in go into a cache.
    pub(super) fn units_of(
        &self,
        unit: Unit,
        tokens_in: u64,
        written: u64,
        tokens_out: u64,
    ) -> u64 {
        match unit {
            Unit::Money => self.price.for_tokens(tokens_in, written, tokens_out),
            Unit::Requests => 1,
            Unit::Tokens => tokens_in.saturating_add(tokens_out),
            Unit::TokensIn => tokens_in,
            Unit::TokensOut => tokens_out,
        }
    }
}
