//! The audience of a token: the services that it is meant for (RFC 7519 section 4.1.3).

use serde_json::Value;

use crate::{
    claims::{ClaimPath, Claims},
    error::InvalidToken,
};

impl Claims {
    /// Checks the audience: text, or an array of text only, of which one value is an audience of
    /// this service.
    ///
    /// `claim` is read in place of `aud`, if the issuer writes the audience elsewhere.
    ///
    /// # Errors
    ///
    /// The claim is missing or of another type, or names other audiences only.
    pub(crate) fn check_audience(
        &self,
        claim: Option<&ClaimPath>,
        audiences: &[Box<str>],
    ) -> Result<(), InvalidToken> {
        let name = claim.map_or("aud", |_| "the claim of the audience");
        let value = self.get(claim.map_or("aud", ClaimPath::as_str));
        let is_ours = |name: &str| audiences.iter().any(|known| &**known == name);
        match value {
            None => Err(InvalidToken::ClaimMissing(name)),
            Some(Value::String(one)) if is_ours(one) => Ok(()),
            Some(Value::String(_)) => Err(InvalidToken::AudienceMismatch),
            Some(Value::Array(several)) if !several.iter().all(Value::is_string) => {
                Err(InvalidToken::ClaimMalformed(name))
            }
            Some(Value::Array(several))
                if several.iter().filter_map(Value::as_str).any(is_ours) =>
            {
                Ok(())
            }
            Some(Value::Array(_)) => Err(InvalidToken::AudienceMismatch),
            Some(_) => Err(InvalidToken::ClaimMalformed(name)),
        }
    }
}
