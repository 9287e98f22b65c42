//! The members of a record that are objects, and how a principal is read from records of both versions.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{
        Error, MapAccess, Visitor,
        value::{BorrowedStrDeserializer, MapAccessDeserializer, StrDeserializer},
    },
};

/// Who sent a request.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub(crate) struct PrincipalMember<S> {
    /// The kind of credential: `api_key`, `token` and others.
    pub(crate) kind: Option<S>,
    /// Who it is.
    pub(crate) id: Option<S>,
    /// The public identifier of the credential.
    pub(crate) credential: Option<S>,
    /// The owner (tenant).
    pub(crate) owner: Option<S>,
}

/// A refusal.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub(crate) struct RefusalMember<S> {
    /// The guard that refused.
    pub(crate) guard: Option<S>,
    /// The stable code, which the client gets too.
    pub(crate) code: Option<S>,
    /// The policy that refused, as it is called in the configuration: limits, budgets or rules, `, ` between several.
    pub(crate) policy: Option<S>,
    /// The private reason, which the client does not get. Not there in a trail with pseudonyms.
    pub(crate) reason: Option<S>,
    /// How often, if more than once.
    pub(crate) count: Option<u64>,
}

/// A credential that is not valid.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub(crate) struct FailedCredentialMember<S> {
    /// The kind of credential.
    pub(crate) kind: Option<S>,
    /// The stable code.
    pub(crate) code: Option<S>,
    /// The sort of failure, such as `guess` or `expired`.
    pub(crate) failure: Option<S>,
}

/// A text field that was cleaned.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub(crate) struct CleanedMember<S> {
    /// The name of the field.
    pub(crate) field: Option<S>,
    /// How many characters were removed.
    pub(crate) removed: Option<u64>,
    /// How often, if more than once.
    pub(crate) count: Option<u64>,
}

/// A credential that was sent where others can see it.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub(crate) struct ExposedMember<S> {
    /// The kind of credential.
    pub(crate) kind: Option<S>,
    /// Its public identifier, if it is known.
    pub(crate) id: Option<S>,
    /// How often, if more than once.
    pub(crate) count: Option<u64>,
}

/// A guard that decided without a part that it needs.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub(crate) struct DegradedMember<S> {
    /// The guard.
    pub(crate) guard: Option<S>,
    /// What was not there, such as a store.
    pub(crate) what: Option<S>,
    /// How often, if more than once.
    pub(crate) count: Option<u64>,
}

/// A note of a guard or a handler.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub(crate) struct NoteMember<S> {
    /// What it is about.
    pub(crate) key: Option<S>,
    /// What it says.
    pub(crate) value: Option<S>,
    /// How often, if more than once.
    pub(crate) count: Option<u64>,
}

/// A guard.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub(crate) struct GuardMember<S> {
    /// Its name.
    pub(crate) guard: Option<S>,
    /// How often, if more than once.
    pub(crate) count: Option<u64>,
}

/// Reads a principal: an object, or the identifier alone as in version 1 of `folded`.
///
/// # Errors
///
/// The member is neither an object nor a text.
pub(crate) fn principal_of_any_version<'de, D, S>(
    deserializer: D,
) -> Result<Option<PrincipalMember<S>>, D::Error>
where
    D: Deserializer<'de>,
    S: Deserialize<'de> + Default,
{
    let visitor = PrincipalVisitor(PhantomData);
    deserializer.deserialize_any(visitor).map(Some)
}

struct PrincipalVisitor<S>(PhantomData<S>);

impl<'de, S: Deserialize<'de> + Default> Visitor<'de> for PrincipalVisitor<S> {
    type Value = PrincipalMember<S>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object, or an identifier")
    }

    fn visit_borrowed_str<E: Error>(self, id: &'de str) -> Result<PrincipalMember<S>, E> {
        let id = S::deserialize(BorrowedStrDeserializer::new(id))?;
        Ok(PrincipalMember::of_id(id))
    }

    fn visit_str<E: Error>(self, id: &str) -> Result<PrincipalMember<S>, E> {
        let id = S::deserialize(StrDeserializer::new(id))?;
        Ok(PrincipalMember::of_id(id))
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<PrincipalMember<S>, A::Error> {
        PrincipalMember::deserialize(MapAccessDeserializer::new(members))
    }
}

impl<S: Default> PrincipalMember<S> {
    fn of_id(id: S) -> Self {
        Self {
            id: Some(id),
            ..Self::default()
        }
    }
}
