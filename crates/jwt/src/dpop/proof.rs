//! Reads a proof and checks what needs no memory (RFC 9449 section 4.3).

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;

use super::url;
use crate::{
    algorithm::{Algorithm, Family},
    claims::date,
    error::DpopFault,
    keys::{VerifyingKey, read_public_jwk, thumbprint},
    token::{
        header::is_media_type,
        json::{self, Object},
        split::{CompactParts, base64url},
    },
};

/// In bytes. A proof with an RSA key of 8192 bits has about 3 KiB.
const LONGEST_PROOF: usize = 8 * 1024;
/// In bytes.
const LONGEST_JTI: usize = 256;
/// Members of a header that name a key elsewhere, or an extension that must be understood.
const FORBIDDEN: [&str; 6] = ["b64", "crit", "jku", "x5c", "x5t", "x5u"];

/// A proof whose form and key are right. Neither its signature nor its claims are checked yet.
pub(super) struct Proof<'a> {
    /// The thumbprint of the key in the proof.
    pub(super) thumbprint: String,
    pub(super) jti: String,
    claims: Object,
    key: VerifyingKey,
    signed: &'a str,
    signature: Vec<u8>,
}

impl<'a> Proof<'a> {
    /// Reads a proof.
    ///
    /// # Errors
    ///
    /// The text is no signed proof, or its algorithm is not accepted.
    pub(super) fn read(text: &'a str, accepted: &[Algorithm]) -> Result<Self, DpopFault> {
        let malformed = |_| DpopFault::Malformed;
        let parts = CompactParts::split(text, LONGEST_PROOF).map_err(malformed)?;
        let decode = |part| base64url(part).map_err(malformed);
        let header = json::object(&decode(parts.header)?).map_err(malformed)?;
        let claims = json::object(&decode(parts.claims)?).map_err(malformed)?;
        let (key, thumbprint) = key_of(&header, accepted)?;
        let jti = text_of(&claims, "jti").ok_or(DpopFault::Malformed)?;
        if jti.is_empty() || jti.len() > LONGEST_JTI {
            return Err(DpopFault::Malformed);
        }
        Ok(Self {
            thumbprint,
            jti: jti.to_owned(),
            claims,
            key,
            signed: parts.signed,
            signature: decode(parts.signature)?,
        })
    }

    /// Verifies the signature with the key in the proof.
    ///
    /// # Errors
    ///
    /// The signature is not that of the key.
    pub(super) fn check_signature(&self) -> Result<(), DpopFault> {
        match self.key.verifies(self.signed.as_bytes(), &self.signature) {
            true => Ok(()),
            false => Err(DpopFault::Signature),
        }
    }

    /// Checks that the proof is for this request.
    ///
    /// # Errors
    ///
    /// Method, origin or path are those of another request.
    pub(super) fn check_request(
        &self,
        method: &str,
        origin: &str,
        path: &str,
    ) -> Result<(), DpopFault> {
        if self.text("htm")? != method {
            return Err(DpopFault::Method);
        }
        let named = url::normalise(self.text("htu")?);
        match named.is_some() && named == url::of_request(origin, path) {
            true => Ok(()),
            false => Err(DpopFault::Url),
        }
    }

    /// Checks that the proof is for this token.
    ///
    /// # Errors
    ///
    /// The proof has no digest of the token, or that of another one.
    pub(super) fn check_token(&self, token: &str) -> Result<(), DpopFault> {
        let hash = URL_SAFE_NO_PAD.encode(digest(&SHA256, token.as_bytes()));
        match self.text("ath").is_ok_and(|sent| sent == hash) {
            true => Ok(()),
            false => Err(DpopFault::AccessTokenHash),
        }
    }

    /// Checks that the proof was made recently, and returns when.
    ///
    /// # Errors
    ///
    /// The proof is too old, or is from the future.
    pub(super) fn check_age(
        &self,
        now: Duration,
        max_age: Duration,
        leeway: Duration,
    ) -> Result<Duration, DpopFault> {
        let issued = date(&self.claims, "iat").ok().flatten();
        let issued = issued.ok_or(DpopFault::Malformed)?;
        if issued > now + leeway {
            return Err(DpopFault::FromFuture);
        }
        match now >= issued + max_age {
            true => Err(DpopFault::TooOld),
            false => Ok(issued),
        }
    }

    /// Returns the nonce; `None` if there is none, or it is not text.
    pub(super) fn nonce(&self) -> Option<&str> {
        text_of(&self.claims, "nonce")
    }

    fn text(&self, name: &str) -> Result<&str, DpopFault> {
        text_of(&self.claims, name).ok_or(DpopFault::Malformed)
    }
}

/// Reads the public key of a proof. The algorithm is that of the key, and `alg` must name it.
///
/// # Errors
///
/// There is no public key, it is too weak, or `alg` does not name its algorithm.
fn key_of(header: &Object, accepted: &[Algorithm]) -> Result<(VerifyingKey, String), DpopFault> {
    let is_proof = text_of(header, "typ").is_some_and(|typ| is_media_type(typ, "dpop+jwt"));
    let forbidden = FORBIDDEN.iter().any(|member| header.contains_key(*member));
    if !is_proof || forbidden {
        return Err(DpopFault::Header);
    }
    let algorithm = text_of(header, "alg").and_then(Algorithm::from_name);
    let algorithm = algorithm.filter(|it| it.family() != Family::Hmac && accepted.contains(it));
    let algorithm = algorithm.ok_or(DpopFault::Algorithm)?;
    let Some(Value::Object(jwk)) = header.get("jwk") else {
        return Err(DpopFault::Key);
    };
    let key = read_public_jwk(jwk, algorithm).map_err(|_| DpopFault::Key)?;
    if key.algorithm() != algorithm {
        return Err(DpopFault::Algorithm);
    }
    Ok((key, thumbprint(jwk).ok_or(DpopFault::Key)?))
}

fn text_of<'a>(object: &'a Object, name: &str) -> Option<&'a str> {
    object.get(name).and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The header and the key of all proofs of RFC 9449.
    const HEADER: &str = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19";
    /// The claims and the signatures of figures 2 (a token request), 6 (a refresh) and 12 (a
    /// protected resource).
    const TOKEN_REQUEST: &str = "eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg";
    const REFRESH: &str = "eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjY1Mjk2fQ.pAqut2IRDm_De6PR93SYmGBPXpwrAk90e8cP2hjiaG5QsGSuKDYW7_X620BxqhvYC8ynrrvZLTk41mSRroapUA";
    const RESOURCE: &str = "eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA";
    /// The token and the thumbprint that belong to them.
    const TOKEN: &str = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU";
    const THUMBPRINT: &str = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";

    fn of(rest: &str) -> String {
        format!("{HEADER}.{rest}")
    }

    fn read(text: &str) -> Proof<'_> {
        Proof::read(text, &[Algorithm::Es256]).unwrap()
    }

    #[test]
    fn the_proofs_of_the_standard_are_accepted() {
        let at = |seconds| Duration::from_secs(seconds);
        let (age, leeway) = (at(60), at(10));
        for (rest, made) in [(TOKEN_REQUEST, 1_562_262_616), (REFRESH, 1_562_265_296)] {
            let text = of(rest);
            let proof = read(&text);
            assert_eq!(proof.check_signature(), Ok(()));
            assert_eq!(proof.thumbprint, THUMBPRINT);
            let (origin, path) = ("https://server.example.com", "/token");
            assert_eq!(proof.check_request("POST", origin, path), Ok(()));
            assert_eq!(proof.check_age(at(made), age, leeway), Ok(at(made)));
            // There was no token yet.
            let refused = Err(DpopFault::AccessTokenHash);
            assert_eq!(proof.check_token(TOKEN), refused);
        }
        let text = of(RESOURCE);
        let proof = read(&text);
        assert_eq!(proof.check_signature(), Ok(()));
        assert_eq!(proof.jti, "e1j3V_bKic8-LAEB");
        let (origin, path) = ("https://resource.example.org", "/protectedresource");
        assert_eq!(proof.check_request("GET", origin, path), Ok(()));
        assert_eq!(proof.check_token(TOKEN), Ok(()));
        let made = at(1_562_262_618);
        assert_eq!(proof.check_age(made, age, leeway), Ok(made));
    }

    #[test]
    fn a_proof_of_the_standard_with_another_signature_is_refused() {
        let (claims, _) = RESOURCE.split_once('.').unwrap();
        let (_, signature) = REFRESH.split_once('.').unwrap();
        let swapped = of(&format!("{claims}.{signature}"));
        let refused = read(&swapped).check_signature();
        assert_eq!(refused, Err(DpopFault::Signature));
        let es384 = of(RESOURCE);
        let es384 = Proof::read(&es384, &[Algorithm::Es384]);
        assert_eq!(es384.map(drop), Err(DpopFault::Algorithm));
    }

    #[test]
    fn the_age_of_a_proof_is_checked_to_the_second() {
        let text = of(RESOURCE);
        let proof = read(&text);
        let made = 1_562_262_618;
        let at = |seconds| Duration::from_secs(seconds);
        let check = |now, expected| {
            let outcome = proof.check_age(at(now), at(60), at(10));
            assert_eq!(outcome.map(drop), expected, "{now}");
        };
        check(made - 11, Err(DpopFault::FromFuture));
        check(made - 10, Ok(()));
        check(made + 59, Ok(()));
        check(made + 60, Err(DpopFault::TooOld));
    }
}
