//! Kinds of collections.

use super::names::Collection;

impl Collection {
    /// Whether it is what the links before have matched.
    pub(crate) const fn is_matched(self) -> bool {
        matches!(
            self,
            Self::MatchedVar | Self::MatchedVars | Self::MatchedVarName | Self::MatchedVarsNames
        )
    }

    /// Whether it is made while rules run, and not read from the request.
    pub(crate) const fn is_made(self) -> bool {
        self.is_matched()
            || matches!(
                self,
                Self::Tx | Self::UniqueId | Self::FullRequest | Self::FullRequestLength
            )
    }
}
