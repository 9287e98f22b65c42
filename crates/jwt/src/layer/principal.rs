//! Makes a [`Principal`] from the claims of a verified token.
//!
//! The layer calls it once for each token that is not in the cache. A claim of the wrong type
//! refuses the token.

use std::borrow::Cow;

use palisade_core::{OwnLimits, Principal};
use palisade_internal::hex;
use serde_json::Value;

use crate::{
    claims::{Claims, ImpliedScopes, PrincipalNames},
    error::InvalidToken,
    verifier::{Issuer, cache::TokenDigest},
};

/// The kind of all principals made here.
pub(crate) const KIND: &str = "jwt";

/// In bytes: of a subject, owner, tier or token id.
const LONGEST_NAME: usize = 256;
/// In bytes.
const LONGEST_ATTRIBUTE: usize = 1024;
/// Bounds what each principal carries.
pub(crate) const MOST_ATTRIBUTES: usize = 16;

/// Which claims become what in a principal.
#[derive(Clone, Debug, Default)]
pub(crate) struct ClaimMap {
    /// Become id, owner and tier, where the issuer names no others.
    pub(crate) names: PrincipalNames,
    /// Become attributes of the same names.
    pub(crate) attributes: Vec<Box<str>>,
    /// Which scopes include which others.
    pub(crate) implied: ImpliedScopes,
}

impl ClaimMap {
    /// Makes the principal of a token.
    ///
    /// `issuer` has a label, and perhaps claims of its own. `signed`, the digest of what was signed,
    /// identifies a token without `jti`.
    ///
    /// # Errors
    ///
    /// A claim is missing, too long, or of another type.
    pub(crate) fn principal(
        &self,
        claims: &Claims,
        kind: &'static str,
        issuer: Option<&Issuer>,
        signed: &TokenDigest,
    ) -> Result<Principal, InvalidToken> {
        let label = issuer.and_then(Issuer::label_text);
        let (names, first) = (&self.names, issuer.map(Issuer::principal_names));
        let subject = name(claims, names.subject(first), "the subject's claim")?
            .ok_or(InvalidToken::ClaimMissing("the subject's claim"))?;
        let id = match label {
            Some(label) => Cow::Owned(format!("{label}:{subject}")),
            None => Cow::Borrowed(subject),
        };
        let mut who = Principal::builder(kind, id)
            .credential(credential(claims, label, signed)?)
            .scopes(self.implied.expand(claims.scopes()))
            .expires(claims.expires());
        if let Some(issued) = claims.times().issued {
            who = who.issued(issued);
        }
        if let Some(tenant) = optional(claims, names.tenant(first), "the tenant's claim")? {
            who = who.owner(tenant);
        }
        if let Some(tier) = optional(claims, names.tier(first), "the tier's claim")? {
            who = who.tier(tier);
        }
        if let Some(value) = names.own_limits(first).and_then(|it| claims.get(it)) {
            who = who.own_limits(own_limits(value)?);
        }
        for attribute in &self.attributes {
            // A serialiser's `null` says that there is none.
            if let Some(value) = claims.get(attribute).filter(|value| !value.is_null()) {
                who = who.attribute(attribute.clone(), attribute_text(value)?);
            }
        }
        Ok(who.build())
    }
}

/// Reads a claim that is perhaps not configured.
///
/// # Errors
///
/// The claim is there and is not text.
fn optional<'a>(
    claims: &'a Claims,
    claim: Option<&str>,
    what: &'static str,
) -> Result<Option<&'a str>, InvalidToken> {
    claim.map_or(Ok(None), |claim| name(claims, claim, what))
}

/// Reads amounts of its own for rate limits: an object of names and whole numbers. An amount that is left out could be a
/// restriction, so all of them are read, or the token is refused.
///
/// # Errors
///
/// It is no such object, has more than eight members, an amount of 0 or over 4,294,967,295, or a name that no limit has.
fn own_limits(value: &Value) -> Result<OwnLimits, InvalidToken> {
    let malformed = InvalidToken::ClaimMalformed("the claim of its own limits");
    let members = value.as_object().ok_or(malformed)?;
    let amounts = members.iter().map(|(name, amount)| {
        let amount = u32::try_from(amount.as_u64()?).ok()?;
        Some((name.as_str(), amount))
    });
    let amounts: Option<Vec<_>> = amounts.collect();
    let amounts = amounts.ok_or(malformed)?;
    OwnLimits::checked(amounts).map_err(|_| malformed)
}

/// Reads a claim that names something: text that may be logged. Absent is allowed, another type is
/// not.
///
/// # Errors
///
/// The claim is not text, or is too long for a log.
fn name<'a>(
    claims: &'a Claims,
    claim: &str,
    what: &'static str,
) -> Result<Option<&'a str>, InvalidToken> {
    match claims.get(claim) {
        None => Ok(None),
        Some(Value::String(text)) if is_loggable(text) => Ok(Some(text)),
        Some(_) => Err(InvalidToken::ClaimMalformed(what)),
    }
}

fn is_loggable(text: &str) -> bool {
    (1..=LONGEST_NAME).contains(&text.len()) && !text.contains(char::is_control)
}

/// The public id of the token: its `jti`, which is unique for its issuer only (RFC 7519, 4.1.7), or
/// else the beginning of the digest of what was signed. Neither depends on the signature, which a
/// client can change.
fn credential(
    claims: &Claims,
    label: Option<&str>,
    signed: &TokenDigest,
) -> Result<Box<str>, InvalidToken> {
    if let Some(id) = name(claims, "jti", "jti")? {
        return Ok(match label {
            Some(label) => format!("{label}:{id}").into(),
            None => id.into(),
        });
    }
    let (first, _) = signed.split_at(16);
    Ok(format!("sha256:{}", hex::encode(first)).into())
}

/// Text stays text, anything else is its JSON.
///
/// # Errors
///
/// The text is longer than 1,024 bytes.
fn attribute_text(value: &Value) -> Result<Box<str>, InvalidToken> {
    let text = match value {
        Value::String(text) => Cow::Borrowed(text.as_str()),
        other => Cow::Owned(other.to_string()),
    };
    match text.len() <= LONGEST_ATTRIBUTE {
        true => Ok(text.into()),
        false => Err(InvalidToken::ClaimMalformed("an attribute")),
    }
}
