//! The settings of the layer that are limits of what a client sends.

use super::builder::SanitizeLayerBuilder;

impl SanitizeLayerBuilder {
    /// Limits a body in which fields are looked for, in bytes. A longer one is refused with 413.
    ///
    /// Such a body is held in memory until it is complete. Default: 64 KiB.
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.settings.max_body = bytes;
        self
    }

    /// Limits a body in which no fields are looked for, in bytes. Default: 1 MiB.
    ///
    /// A body whose declared length is longer is refused with 413. A body without a declared length
    /// ends with an error as soon as the handler reads beyond the limit.
    pub fn max_unread_body(mut self, bytes: usize) -> Self {
        self.settings.max_unread_body = bytes;
        self
    }

    /// Limits the nesting of JSON, in levels. Deeper documents are refused with 400
    /// (`json_malformed`).
    ///
    /// Default: 32. Highest value: 128; [`build`](Self::build) refuses more.
    ///
    /// ```
    /// use palisade_sanitize::{SanitizeBuildError, SanitizeLayer};
    ///
    /// let refused = SanitizeLayer::builder().max_depth(129).build().unwrap_err();
    /// assert_eq!(refused, SanitizeBuildError::TooDeep { levels: 129 });
    /// # Ok::<(), palisade_sanitize::SanitizeBuildError>(())
    /// ```
    pub fn max_depth(mut self, levels: usize) -> Self {
        self.settings.caps.depth = levels;
        self
    }

    /// Limits the parameters of a query or form, and the members and elements of a JSON document
    /// together.
    ///
    /// More are refused with 400 (`query_malformed`, `form_malformed`, `json_malformed`). Default:
    /// 1,000.
    pub fn max_keys(mut self, count: usize) -> Self {
        self.settings.caps.keys = count;
        self
    }

    /// Limits each string and each name of a JSON document, and each name and value of a query or form, in
    /// bytes as they are written.
    ///
    /// It counts for all of them, whether a field selects them or not. Longer ones are refused with 400
    /// (`json_malformed`, `query_malformed`, `form_malformed`). Default: only the limit of the body.
    ///
    /// ```
    /// use palisade_sanitize::SanitizeLayer;
    ///
    /// let layer = SanitizeLayer::builder().max_string(16 * 1024).build()?;
    /// # let _ = layer;
    /// # Ok::<(), palisade_sanitize::SanitizeBuildError>(())
    /// ```
    pub fn max_string(mut self, bytes: usize) -> Self {
        self.settings.caps.string = bytes;
        self
    }

    /// Limits the digits of each number of a JSON document, those of its exponent included. Default: 128.
    ///
    /// More are refused with 400 (`json_malformed`). The time to read a long integer exactly grows with the
    /// square of its length, and no number of 64 or 128 bits has more than 40 digits.
    pub fn max_number_digits(mut self, count: usize) -> Self {
        self.settings.caps.digits = count;
        self
    }

    /// Limits the exponent of each number of a JSON document, in both directions. Default: 400.
    ///
    /// Larger ones are refused with 400 (`json_malformed`). A number of 64 bits ends at 308, and a parser
    /// of exact decimals can make a gigabyte of `1e1000000000`.
    pub fn max_exponent(mut self, exponent: usize) -> Self {
        self.settings.caps.exponent = exponent;
        self
    }
}
