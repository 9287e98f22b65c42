//! Authenticating layers inside each other are *and*: each accepts what one of its own instances proved,
//! and verifies everything else again.

use palisade_core::{Guard, Principal, SecurityContext, Verdict};

use crate::{
    by_header::{ByHeader, any, code, send},
    support::*,
};

const ADMITTED: u16 = 200;

fn customers() -> ByHeader {
    ByHeader::new("token")
}

fn staff() -> ByHeader {
    ByHeader::new("token").accepts("staff")
}

#[tokio::test]
async fn another_instance_of_the_same_kind_verifies_the_credential_again() {
    let customer = [("authorization", "Bearer customer")];
    let member = [("authorization", "Bearer staff-ann")];
    for (outer, inner) in [
        (customers(), staff()),
        (customers().later(), staff()),
        (customers(), staff().later()),
    ] {
        let stack = (outer.layer(), inner.layer());
        assert_eq!(
            code(stack.clone(), &customer).await,
            (401, "unauthenticated".into())
        );
        assert_eq!(
            send(stack, &member).await,
            (ADMITTED, "staff-ann by token".into())
        );
    }
}

#[tokio::test]
async fn another_instance_verifies_a_credential_in_another_header_again() {
    let stack = (
        ByHeader::new("x-key").layer(),
        ByHeader::new("x-key").accepts("admin").layer(),
    );
    assert_eq!(
        code(stack.clone(), &[("x-key", "ann")]).await,
        (401, "unauthenticated".into())
    );
    assert_eq!(
        send(stack, &[("x-key", "admin-ann")]).await,
        (ADMITTED, "admin-ann by x-key".into())
    );
}

#[tokio::test]
async fn another_instance_verifies_a_cookie_again() {
    let stack = (
        ByHeader::new("x-cookie").ambient().layer(),
        ByHeader::new("x-cookie").ambient().accepts("admin").layer(),
    );
    assert_eq!(
        code(stack.clone(), &[("x-cookie", "ann")]).await,
        (401, "unauthenticated".into())
    );
    assert_eq!(
        send(stack, &[("x-cookie", "admin")]).await,
        (ADMITTED, "admin by x-cookie".into())
    );
}

#[tokio::test]
async fn an_optional_inner_layer_refuses_what_another_instance_accepted_too() {
    let stack = (customers().layer(), staff().optional());
    let customer = [("authorization", "Bearer customer")];
    assert_eq!(code(stack, &customer).await.0, 401);
}

#[tokio::test]
async fn the_failure_of_the_inner_layer_is_a_failed_credential() {
    #[derive(Clone)]
    struct Failures(Log);
    impl Guard for Failures {
        type Pass = ();
        fn name(&self) -> &'static str {
            "failures"
        }
        fn admit(&self, _: &SecurityContext, _: &mut http::request::Parts) -> Verdict<()> {
            Verdict::Admit(())
        }
        fn close(&self, cx: &SecurityContext, (): (), _: palisade_core::Outcome) {
            let failures = cx.with_observations(|observed| observed.credential_failures().count());
            self.0.lock().unwrap().push(failures.to_string());
        }
    }
    let log = log();
    let stack = (Failures(log.clone()), customers().layer(), staff().layer());
    send(stack, &[("authorization", "Bearer customer")]).await;
    assert_eq!(take_events(&log), ["1"]);
}

#[tokio::test]
async fn clones_and_lists_with_the_same_instance_accept_what_it_proved() {
    let one = ByHeader::new("x-key");
    let headers = [("x-key", "ann")];
    let clones = (one.clone().layer(), one.clone().layer());
    assert_eq!(send(clones, &headers).await.0, ADMITTED);
    let list = any([ByHeader::new("token"), one.clone()]);
    assert_eq!(
        send((list.clone(), one.clone().layer()), &headers).await.0,
        ADMITTED
    );
    assert_eq!(send((one.layer(), list), &headers).await.0, ADMITTED);
}

#[tokio::test]
async fn the_same_instance_decides_once() {
    /// Counts how often it is called.
    #[derive(Clone)]
    struct Counts(ByHeader, Log);
    impl palisade_core::Authenticator for Counts {
        fn id(&self) -> palisade_core::AuthenticatorId {
            self.0.id()
        }
        fn kind(&self) -> &'static str {
            "counts"
        }
        fn sources(&self) -> Vec<palisade_core::CredentialSource> {
            self.0.sources()
        }
        fn authenticate(
            &self,
            cx: &SecurityContext,
            head: &mut http::request::Parts,
            credential: &palisade_core::Credential,
        ) -> Verdict<Principal> {
            self.1.lock().unwrap().push("called".into());
            self.0.authenticate(cx, head, credential)
        }
        fn challenge(&self) -> http::HeaderValue {
            self.0.challenge()
        }
    }
    let log = log();
    let layer = palisade_core::AuthenticateLayer::new(Counts(ByHeader::new("x-key"), log.clone()));
    let stack = (layer.clone(), layer);
    assert_eq!(send(stack, &[("x-key", "ann")]).await.0, ADMITTED);
    assert_eq!(take_events(&log), ["called"]);
}

#[tokio::test]
async fn another_kind_further_out_does_not_open_an_inner_layer() {
    let stack = (customers().layer(), ByHeader::new("x-key").layer());
    assert_eq!(
        code(stack, &[("authorization", "Bearer ann")]).await,
        (403, "credential_kind".into())
    );
}

#[tokio::test]
async fn two_credentials_that_name_two_principals_are_ambiguous() {
    let stack = (customers().layer(), ByHeader::new("x-key").layer());
    let both = [("authorization", "Bearer ann"), ("x-key", "bob")];
    assert_eq!(
        code(stack, &both).await,
        (400, "credentials_ambiguous".into())
    );
}

#[tokio::test]
async fn a_wrong_second_credential_is_refused_by_its_own_layer() {
    let stack = (customers().layer(), ByHeader::new("x-key").layer());
    let both = [("authorization", "Bearer ann"), ("x-key", "bad")];
    assert_eq!(code(stack, &both).await, (401, "unauthenticated".into()));
}

#[tokio::test]
async fn a_cookie_is_ignored_beside_a_credential_that_an_outer_layer_accepted() {
    let key = ByHeader::new("x-key");
    let stack = (
        key.clone().layer(),
        any([ByHeader::new("x-cookie").ambient(), key]),
    );
    let both = [("x-key", "ann"), ("x-cookie", "bob")];
    assert_eq!(send(stack, &both).await.0, ADMITTED);
}

#[tokio::test]
async fn a_credential_that_an_outer_layer_in_shadow_left_is_removed_by_the_inner_layer() {
    let key = ByHeader::new("x-key");
    let stack = (key.clone().in_shadow(), key.layer());
    assert_eq!(
        send(stack.clone(), &[("x-key", "ann")]).await,
        (ADMITTED, "ann by x-key".into())
    );
    assert_eq!(code(stack, &[("x-key", "bad")]).await.0, 401);
}

/// Names a principal without a credential.
#[derive(Clone)]
struct Identifies(&'static str);

impl Guard for Identifies {
    type Pass = ();

    fn name(&self) -> &'static str {
        "identifies"
    }

    fn admit(&self, cx: &SecurityContext, _: &mut http::request::Parts) -> Verdict<()> {
        cx.set_principal(Principal::builder(self.0, "ann").build())
            .into()
    }
}

#[tokio::test]
async fn a_principal_of_the_same_kind_whose_credential_is_gone_is_misconfigured() {
    let inner = || ByHeader::new("x-key").layer();
    assert_eq!(
        code((Identifies("x-key"), inner()), &[]).await,
        (500, "misconfigured".into())
    );
    assert_eq!(
        code((Identifies("other"), inner()), &[]).await,
        (403, "credential_kind".into())
    );
}

#[tokio::test]
async fn one_credential_that_two_layers_read_as_two_principals_is_misconfigured() {
    #[derive(Clone)]
    struct Renames(ByHeader);
    impl palisade_core::Authenticator for Renames {
        fn id(&self) -> palisade_core::AuthenticatorId {
            self.0.id()
        }
        fn kind(&self) -> &'static str {
            "token"
        }
        fn sources(&self) -> Vec<palisade_core::CredentialSource> {
            self.0.sources()
        }
        fn authenticate(
            &self,
            _: &SecurityContext,
            _: &mut http::request::Parts,
            _: &palisade_core::Credential,
        ) -> Verdict<Principal> {
            Verdict::Admit(Principal::builder("token", "other").build())
        }
        fn challenge(&self) -> http::HeaderValue {
            self.0.challenge()
        }
    }
    let renames = palisade_core::AuthenticateLayer::new(Renames(staff()));
    let headers = [("authorization", "Bearer staff-ann")];
    for outer in [customers().layer(), customers().in_shadow()] {
        assert_eq!(
            code((outer, renames.clone()), &headers).await,
            (500, "misconfigured".into())
        );
    }
}

fn table(rule: palisade_core::Rule) -> palisade_core::RouteLayer {
    let table = palisade_core::RouteTable::builder().any("/", rule).build();
    palisade_core::RouteLayer::new(std::sync::Arc::new(table.unwrap()))
}

async fn refused_by_access(access: palisade_core::AccessLayer) -> (u16, Vec<String>) {
    use tower::{Layer as _, ServiceExt as _};

    let rule = palisade_core::Rule::scopes(["tts:speak", "tts:read"]);
    let guards = (table(rule), ByHeader::new("x-key").layer(), access);
    let service = palisade_core::GuardLayer(guards).layer(responds_with(""));
    let request = crate::by_header::request(&[("x-key", "ann")]);
    let response = service.oneshot(request).await.unwrap();
    let challenges = response.headers().get_all("www-authenticate").iter();
    let challenges = challenges.map(|value| value.to_str().unwrap().to_owned());
    (response.status().as_u16(), challenges.collect())
}

#[tokio::test]
async fn a_principal_without_the_scope_gets_the_needed_scopes_in_the_challenge() {
    let expected = "x-key error=\"insufficient_scope\", scope=\"tts:speak tts:read\"";
    assert_eq!(
        refused_by_access(palisade_core::AccessLayer::new([])).await,
        (403, vec![expected.to_owned()])
    );
}

#[tokio::test]
async fn access_in_shadow_lets_a_principal_without_the_scope_pass() {
    let access = palisade_core::AccessLayer::new([]);
    assert_eq!(Guard::mode(&access), palisade_core::Mode::Enforce);
    let shadow = palisade_core::AccessLayer::builder([])
        .dangerously_only_shadow()
        .build();
    assert_eq!(Guard::mode(&shadow), palisade_core::Mode::Shadow);
    assert_eq!(refused_by_access(shadow).await, (ADMITTED, vec![]));
}
