//! The account at the authority: read from the cache, or created once.
//!
//! An account is a key pair that the authority knows (RFC 8555, section 7.3). All certificates of a
//! cache share it, one for each authority. It is created at the first order, so that a server that
//! never orders makes none.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use instant_acme::{Account, AccountCredentials, ExternalAccountKey, NewAccount};
use zeroize::Zeroizing;

use super::{
    AcmeError, AcmeSettingError, cache::Cache, client::AuthorityClient, request::with_nonces,
};

/// Key and identifier of an existing account with the operator of the authority (external account
/// binding, RFC 8555, section 7.3.4).
#[derive(Clone)]
pub(super) struct ExternalAccount {
    /// The identifier that the operator of the authority gave out, as text.
    pub(super) key_id: String,
    /// The decoded key. It signs the key of the new account once (HMAC-SHA-256) and is not stored.
    pub(super) hmac_key: Arc<Zeroizing<Vec<u8>>>,
}

/// What an account is created with.
pub(super) struct AccountSettings {
    /// The address of the directory (RFC 8555, section 7.1.1). Checked by the builder: `https` only.
    pub(super) directory: String,
    /// `mailto:` addresses.
    pub(super) contacts: Vec<String>,
    /// Only some authorities require it.
    pub(super) external: Option<ExternalAccount>,
}

/// Opens the account of the cache. Creates one if there is none, or if the file is damaged.
///
/// The terms of service are accepted here: the builder of `Acme` demands that first.
///
/// # Errors
///
/// The authority refuses the account, cannot be reached, or the account cannot be stored. An account
/// that was created and not stored is lost: the next attempt creates another one.
pub(super) async fn open(
    settings: &AccountSettings,
    cache: &Cache,
    client: &AuthorityClient,
) -> Result<Account, AcmeError> {
    if let Some(account) = existing(cache, client).await? {
        return Ok(account);
    }
    let contacts: Vec<&str> = settings.contacts.iter().map(String::as_str).collect();
    let external = settings.external.as_ref();
    let external = external
        .map(|external| ExternalAccountKey::new(external.key_id.clone(), &external.hmac_key));
    let account = NewAccount {
        contact: &contacts,
        terms_of_service_agreed: true,
        only_return_existing: false,
    };
    let created = with_nonces!(Account::builder_with_http(Box::new(client.clone())).create(
        &account,
        settings.directory.clone(),
        external.as_ref(),
    ));
    let (account, credentials) =
        created.map_err(|error| AcmeError::of_request(error, client.take_retry_after()))?;
    let json = serde_json::to_string(&credentials).map(Zeroizing::new);
    let json = json.map_err(|error| cache.unwritten_account(error.into()))?;
    cache.write_account(&json)?;
    tracing::info!(directory = %settings.directory, "an account was created");
    Ok(account)
}

/// Opens the account of the cache, if it is there. Creates none.
///
/// Loading it makes one request, for the addresses of the directory.
///
/// # Errors
///
/// The file cannot be read, or the authority cannot be reached. A damaged file is no error: a new
/// account costs nothing, and no certificate depends on the old one.
pub(super) async fn existing(
    cache: &Cache,
    client: &AuthorityClient,
) -> Result<Option<Account>, AcmeError> {
    let Some(json) = cache.account()? else {
        return Ok(None);
    };
    let Ok(credentials) = serde_json::from_str::<AccountCredentials>(&json) else {
        tracing::warn!("the account in the cache is damaged; a new one is created");
        return Ok(None);
    };
    let builder = Account::builder_with_http(Box::new(client.clone()));
    let account = builder.from_credentials(credentials).await;
    let account =
        account.map_err(|error| AcmeError::of_request(error, client.take_retry_after()))?;
    Ok(Some(account))
}

/// Decodes the key of an external account.
///
/// Padding and the letters of standard base64 are accepted too, since operators show both forms.
///
/// # Errors
///
/// The key is empty or is not base64. The error does not contain it.
pub(super) fn external_account(
    (key_id, key): (String, Zeroizing<String>),
) -> Result<ExternalAccount, AcmeError> {
    let plain = key.trim().trim_end_matches('=');
    let plain = Zeroizing::new(plain.replace('+', "-").replace('/', "_"));
    let decoded = URL_SAFE_NO_PAD.decode(plain.as_bytes());
    let decoded = decoded.ok().filter(|key| !key.is_empty());
    let hmac_key = decoded.ok_or(AcmeSettingError::ExternalAccountKey)?;
    Ok(ExternalAccount {
        key_id,
        hmac_key: Arc::new(Zeroizing::new(hmac_key)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_alphabets_of_the_external_key_are_read() {
        for key in ["-_-_", "+/+/", "-_-_==", " +/+/\n"] {
            let account = external_account(("id".to_owned(), Zeroizing::new(key.to_owned())));
            assert_eq!(
                account.ok().unwrap().hmac_key.as_slice(),
                [0xfb, 0xff, 0xbf]
            );
        }
        for key in ["", "*"] {
            assert!(external_account((String::new(), Zeroizing::new(key.to_owned()))).is_err());
        }
    }
}
