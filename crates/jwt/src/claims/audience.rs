//! The audience of a token: the services that it is meant for (RFC 7519 section 4.1.3).

use serde_json::Value;

use crate::{claims::Claims, error::InvalidToken};

impl Claims {
    /// Checks `aud`: text, or an array of text only, of which one value is an audience of this
    /// service.
    pub(crate) fn check_audience(&self, ours: &[Box<str>]) -> Result<(), InvalidToken> {
        let is_ours = |name: &str| ours.iter().any(|known| &**known == name);
        match self.get("aud") {
            None => Err(InvalidToken::ClaimMissing("aud")),
            Some(Value::String(one)) if is_ours(one) => Ok(()),
            Some(Value::String(_)) => Err(InvalidToken::AudienceMismatch),
            Some(Value::Array(several)) if !several.iter().all(Value::is_string) => {
                Err(InvalidToken::ClaimMalformed("aud"))
            }
            Some(Value::Array(several))
                if several.iter().filter_map(Value::as_str).any(is_ours) =>
            {
                Ok(())
            }
            Some(Value::Array(_)) => Err(InvalidToken::AudienceMismatch),
            Some(_) => Err(InvalidToken::ClaimMalformed("aud")),
        }
    }
}
