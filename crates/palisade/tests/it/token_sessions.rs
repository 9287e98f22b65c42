//! Sessions that a signed token opened, and what ends them before the token expires.

use std::{fs, sync::Arc, time::Duration};

use http::header;
use palisade::{
    AllowedHosts, Principal, ProtectedRouter, Routes, Rule, Shield,
    config::{Config, Running},
    core::{Clock as _, ManualClock, SystemClock},
    jwt::{
        Algorithm, Issuer, JwtLayer, Verifier,
        mint::{SigningKey, Token},
        revocation::{
            ListUnavailable, RevocationEntries, RevocationError, RevocationList, RevokedToken,
            RevokedTokens, RevokedTokensFile,
        },
    },
    session::{
        CheckError, CredentialCheck, MemorySessionStore, PrincipalCheck, SessionLayer,
        SessionRecord, Sessions, TokenCheck,
    },
};
use palisade_internal::polling;
use serde_json::json;

use crate::{sessions::sign_in, support::send_to};

const ISSUER: &str = "https://id.example";
const AUDIENCE: &str = "notes";
const HOUR: Duration = Duration::from_secs(3600);

/// The time of the system, which the layers of these tests have.
fn now() -> Duration {
    SystemClock::default().unix_time()
}

/// Signs tokens that were issued some time ago.
struct IssuerKey(SigningKey);

impl IssuerKey {
    fn generate() -> Self {
        Self(SigningKey::generate(Algorithm::Es256).unwrap())
    }

    fn sign(&self, token: Token, age: Duration) -> String {
        let clock = ManualClock::new(now() - age);
        let token = token.lifetime(age + HOUR);
        token.sign(&self.0, &clock).unwrap()
    }

    fn token(&self, subject: &str, age: Duration) -> String {
        self.sign(Token::new(ISSUER, AUDIENCE, subject), age)
    }
}

/// A service that exchanges a token for a session.
struct Service {
    app: ProtectedRouter,
    issuer: IssuerKey,
    sessions: Sessions,
}

impl Service {
    fn start(list: Arc<dyn RevocationList>, check: impl PrincipalCheck) -> Self {
        let issuer = IssuerKey::generate();
        let trusted = Issuer::new(ISSUER, AUDIENCE, issuer.0.verifying_key());
        let verifier = Verifier::builder().issuer(trusted).build().unwrap();
        let tokens = JwtLayer::builder(verifier).revocation_list(list).build();
        let sessions = Sessions::new(MemorySessionStore::new());
        let layer = SessionLayer::builder(sessions.clone()).check(check).build();
        let app = Shield::builder()
            .hosts(AllowedHosts::parse(["service.test"]).unwrap())
            .authenticate(tokens.unwrap())
            .authenticate(layer)
            .protect(routes(&sessions))
            .unwrap();
        Self {
            app,
            issuer,
            sessions,
        }
    }

    /// A service with a list in memory.
    fn with_list(list: &RevokedTokens) -> Self {
        Self::start(Arc::new(list.clone()), TokenCheck::new(list.clone()))
    }

    async fn sign_in(&self, token: &str) -> Option<String> {
        sign_in_at(&self.app, token).await
    }

    async fn read(&self, cookie: &str) -> u16 {
        read_at(&self.app, cookie).await
    }
}

fn routes(sessions: &Sessions) -> Routes {
    Routes::new()
        .post("/session", Rule::authenticated(), sign_in)
        .get("/who", Rule::authenticated(), async |who: Principal| {
            who.id().to_owned()
        })
        .with_state(sessions.clone())
}

/// Exchanges a token for the pair of a cookie. `None`: it was refused.
async fn sign_in_at(app: &ProtectedRouter, token: &str) -> Option<String> {
    let mut request = crate::support::request("POST", "/session", None);
    let value = format!("Bearer {token}").parse().unwrap();
    request.headers_mut().insert(header::AUTHORIZATION, value);
    let response = send_to(app, request).await;
    let set = response.headers.get(header::SET_COOKIE)?.to_str().unwrap();
    Some(set.split(';').next().unwrap().to_owned())
}

async fn read_at(app: &ProtectedRouter, cookie: &str) -> u16 {
    let mut request = crate::support::request("GET", "/who", None);
    let headers = request.headers_mut();
    headers.insert(header::COOKIE, cookie.parse().unwrap());
    send_to(app, request).await.status
}

#[tokio::test]
async fn a_session_ends_with_the_token_that_opened_it() {
    let revoked = RevokedTokens::new();
    let service = Service::with_list(&revoked);
    let named = |id: &str| Token::new(ISSUER, AUDIENCE, "lin").claim("jti", id);
    let stolen = service.issuer.sign(named("stolen"), Duration::ZERO);
    let other = service.issuer.sign(named("other"), Duration::ZERO);
    let of_stolen = service.sign_in(&stolen).await.unwrap();
    let of_other = service.sign_in(&other).await.unwrap();
    assert_eq!(service.read(&of_stolen).await, 200);
    revoked.revoke_token("stolen", now() + HOUR).unwrap();
    assert_eq!(service.read(&of_stolen).await, 401);
    assert_eq!(service.read(&of_other).await, 200);
    assert_eq!(service.sign_in(&stolen).await, None);
    let lin = Principal::builder("jwt", "lin").build();
    let left = service.sessions.list(&lin).await.unwrap();
    assert_eq!(left.len(), 1, "it was removed from the store");
}

/// The session is younger than the moment, and its token is older: the entry came after both.
#[tokio::test]
async fn a_session_ends_with_all_older_tokens_of_its_principal() {
    let revoked = RevokedTokens::new();
    let service = Service::with_list(&revoked);
    let old = service.issuer.token("lin", HOUR);
    let of_old = service.sign_in(&old).await.unwrap();
    let kim = service.issuer.token("kim", HOUR);
    let of_kim = service.sign_in(&kim).await.unwrap();
    let moment = now() - HOUR / 2;
    revoked
        .revoke_principal("lin", moment, now() + HOUR)
        .unwrap();
    assert_eq!(service.read(&of_old).await, 401);
    assert_eq!(service.read(&of_kim).await, 200, "another principal");
    let new = service.issuer.token("lin", Duration::ZERO);
    let of_new = service.sign_in(&new).await.unwrap();
    assert_eq!(service.read(&of_new).await, 200, "signed in again");
    let all = |entries: &mut RevocationEntries| {
        entries.revoke_all(moment);
        Ok::<_, RevocationError>(())
    };
    revoked.update(all).unwrap();
    assert_eq!(service.read(&of_kim).await, 401);
    assert_eq!(service.read(&of_new).await, 200);
}

#[tokio::test]
async fn a_session_of_a_token_without_its_time_of_issue_counts_as_older() {
    let revoked = RevokedTokens::new();
    let service = Service::with_list(&revoked);
    let who = Principal::builder("jwt", "lin").credential("t").build();
    let opened = service.sessions.open(who).await.unwrap();
    let set = opened.set_cookie();
    let cookie = set.to_str().unwrap().split(';').next().unwrap();
    assert_eq!(service.read(cookie).await, 200);
    revoked.revoke_principal("lin", HOUR, now() + HOUR).unwrap();
    assert_eq!(service.read(cookie).await, 401);
}

/// A list that is not known well enough, such as a file that could not be read for too long.
#[derive(Debug)]
struct Unknown;

impl RevocationList for Unknown {
    fn is_revoked(&self, _: &RevokedToken<'_>) -> Result<bool, ListUnavailable> {
        Err(ListUnavailable)
    }
}

#[tokio::test]
async fn a_session_of_a_token_that_cannot_be_looked_up_is_refused_and_stays() {
    let service = Service::start(Arc::new(RevokedTokens::new()), TokenCheck::new(Unknown));
    let token = service.issuer.token("lin", Duration::ZERO);
    let cookie = service.sign_in(&token).await.unwrap();
    assert_eq!(service.read(&cookie).await, 503);
    let lin = Principal::builder("jwt", "lin").build();
    assert_eq!(service.sessions.list(&lin).await.unwrap().len(), 1);
}

#[tokio::test]
async fn each_kind_of_session_is_asked_about_by_its_own_check() {
    let record = |kind| {
        let who = Principal::builder(kind, "lin").credential("t").build();
        SessionRecord::new(who, HOUR, HOUR, HOUR)
    };
    let revoked = RevokedTokens::new();
    revoked.revoke_token("t", HOUR).unwrap();
    let only_tokens = TokenCheck::new(revoked.clone());
    let all = CredentialCheck::new().tokens(only_tokens.clone());
    let without = CredentialCheck::new();
    let is_ended = |error| matches!(error, CheckError::Ended(_));
    for (check, kind, ends) in [
        (&only_tokens as &dyn PrincipalCheck, "user", true),
        (&only_tokens, "jwt", true),
        (&all, "user", false),
        (&all, "jwt", true),
        (&all, "api_key", true),
        (&without, "jwt", false),
        (&without, "api_key", true),
    ] {
        let reply = check.check(&record(kind), None).get().await;
        assert_eq!(reply.is_err_and(is_ended), ends, "{check:?} of {kind}");
    }
}

#[tokio::test]
async fn a_session_of_an_issuer_that_is_not_accepted_any_more_ends() {
    let all = RevokedTokens::new();
    let ends = async |check: TokenCheck, id: &'static str| {
        let who = Principal::builder("jwt", id).build();
        let record = SessionRecord::new(who, HOUR, HOUR, HOUR);
        let reply = check.check(&record, None).get().await;
        reply.is_err_and(|error| matches!(error, CheckError::Ended(_)))
    };
    let corp = || TokenCheck::new(all.clone()).labels(["corp"]);
    assert!(!ends(corp(), "corp:lin").await);
    for other in ["staff:lin", "lin", "corporation:lin"] {
        assert!(ends(corp(), other).await, "{other}");
    }
    let none = TokenCheck::new(all.clone()).labels([""; 0]);
    assert!(ends(none, "corp:lin").await);
    assert!(!ends(TokenCheck::new(all.clone()), "corp:lin").await);
}

/// Without an issuer no token is accepted, and none can be looked up by the list that it was revoked in.
#[tokio::test]
async fn without_the_last_issuer_of_a_file_the_sessions_of_its_tokens_end() {
    const SERVER: &str = "[server]\nhosts = [\"service.test\"]\n[session]\n";
    const LIST: &str = "[revoked_tokens]\nfile = \"revoked.json\"\n";
    let issuer = |label: &str| {
        format!(
            "[[tokens]]\nissuer = \"{ISSUER}\"\naudience = \"notes\"\njwks_file = \"issuer.jwks\"\n\
             label = \"{label}\"\n"
        )
    };
    let (folder, key) = (tempfile::tempdir().unwrap(), IssuerKey::generate());
    let at = |name: &str| folder.path().join(name);
    let jwks = json!({ "keys": [key.0.public_jwk().unwrap()] });
    fs::write(at("issuer.jwks"), jwks.to_string()).unwrap();
    RevokedTokensFile::create(at("revoked.json")).unwrap();
    let start = |text: &str, sessions: Option<Sessions>| {
        fs::write(at("palisade.toml"), text).unwrap();
        let config = Config::read(at("palisade.toml")).unwrap();
        let running = Running::new().with_sessions(sessions);
        let parts = config.assemble_with(running).unwrap();
        let sessions = parts.sessions.unwrap();
        let app = parts.shield.protect(routes(&sessions)).unwrap();
        (app, sessions)
    };
    let corp = format!("{SERVER}{LIST}{}", issuer("corp"));
    for changed in [
        format!("{SERVER}{LIST}"),
        SERVER.to_owned(),
        format!("{SERVER}{LIST}{}", issuer("staff")),
    ] {
        let (app, sessions) = start(&corp, None);
        let lin = key.token("lin", Duration::ZERO);
        let cookie = sign_in_at(&app, &lin).await.unwrap();
        assert_eq!(read_at(&app, &cookie).await, 200);
        let (app, sessions) = start(&changed, Some(sessions));
        assert_eq!(read_at(&app, &cookie).await, 401, "{changed}");
        let (app, _) = start(&corp, Some(sessions));
        assert_eq!(read_at(&app, &cookie).await, 401, "it does not come back");
    }
}

/// The stack of a file, with sessions and a list of revoked tokens.
#[tokio::test]
async fn a_token_in_the_list_of_the_file_ends_its_session() {
    const TEXT: &str = r#"
        [server]
        hosts = ["service.test"]
        [[tokens]]
        issuer = "https://id.example"
        audience = "notes"
        jwks_file = "issuer.jwks"
        [revoked_tokens]
        file = "revoked.json"
        [session]
    "#;
    let (folder, issuer) = (tempfile::tempdir().unwrap(), IssuerKey::generate());
    let at = |name: &str| folder.path().join(name);
    let jwks = json!({ "keys": [issuer.0.public_jwk().unwrap()] });
    fs::write(at("issuer.jwks"), jwks.to_string()).unwrap();
    fs::write(at("palisade.toml"), TEXT).unwrap();
    RevokedTokensFile::create(at("revoked.json")).unwrap();
    let config = Config::read(at("palisade.toml")).unwrap();
    let parts = config.assemble().unwrap();
    let sessions = parts.sessions.unwrap();
    let app = parts.shield.protect(routes(&sessions)).unwrap();
    let lin = issuer.token("lin", Duration::ZERO);
    let of_lin = sign_in_at(&app, &lin).await.unwrap();
    let kim = issuer.token("kim", Duration::ZERO);
    let of_kim = sign_in_at(&app, &kim).await.unwrap();
    // As the command does, in another process.
    let list = RevokedTokensFile::builder(at("revoked.json")).unwatched();
    let later = now() + HOUR;
    let revoke = |entries: &mut RevocationEntries| entries.revoke_principal("lin", later, later);
    assert_eq!(read_at(&app, &of_lin).await, 200);
    list.open().unwrap().update(revoke).unwrap();
    let ended = polling::value_in_time(tokio::time::sleep, async || {
        (read_at(&app, &of_lin).await == 401).then_some(())
    });
    ended.await.expect("the sessions of lin do not end");
    assert_eq!(read_at(&app, &of_kim).await, 200);
}
