//! A macro for layers that are both a guard and an authenticator, such as the layer for API keys.

/// Implements [`Guard`](crate::Guard), [`Authenticator`](crate::Authenticator) and tower's `Layer` for a type that has
/// both inside: an [`AuthenticateLayer`](crate::AuthenticateLayer) for use by itself, and its authenticator for use in a
/// list of several. `name` is the guard's name in audit records.
///
/// Every method goes to the part that has it, also those with a default. So a layer cannot forget one, such as
/// `recheck`, which would keep revoked credentials valid on open connections.
///
/// ```
/// use palisade_core::{AuthenticateLayer, authenticator_layer, testing::TestAuthenticator};
///
/// #[derive(Clone)]
/// struct TestLayer {
///     authenticator: TestAuthenticator,
///     alone: AuthenticateLayer,
/// }
///
/// authenticator_layer!(TestLayer, name: "test", guard: alone, authenticator: authenticator);
///
/// let authenticator = TestAuthenticator::new();
/// let layer = TestLayer { alone: AuthenticateLayer::new(authenticator.clone()), authenticator };
/// let _service = tower::ServiceBuilder::new().layer(layer).service(palisade_core::testing::EmptyOk::default());
/// ```
#[doc(hidden)]
#[macro_export]
macro_rules! authenticator_layer {
    ($layer:ty, name: $name:expr, guard: $guard:ident, authenticator: $authenticator:ident) => {
        $crate::layer!($layer);

        impl $crate::Guard for $layer {
            type Pass = ();

            fn name(&self) -> &'static str {
                $name
            }

            fn mode(&self) -> $crate::Mode {
                $crate::Guard::mode(&self.$guard)
            }

            fn admit(
                &self,
                cx: &$crate::SecurityContext,
                head: &mut ::http::request::Parts,
            ) -> $crate::Verdict<()> {
                $crate::Guard::admit(&self.$guard, cx, head)
            }
        }

        impl $crate::Authenticator for $layer {
            fn id(&self) -> $crate::AuthenticatorId {
                $crate::Authenticator::id(&self.$authenticator)
            }

            fn kind(&self) -> &'static str {
                $crate::Authenticator::kind(&self.$authenticator)
            }

            fn sources(&self) -> ::std::vec::Vec<$crate::CredentialSource> {
                $crate::Authenticator::sources(&self.$authenticator)
            }

            fn presence(
                &self,
                head: &::http::request::Parts,
            ) -> ::core::result::Result<$crate::Presence, ::std::boxed::Box<$crate::Rejection>>
            {
                $crate::Authenticator::presence(&self.$authenticator, head)
            }

            fn take(&self, head: &mut ::http::request::Parts) -> $crate::Credential {
                $crate::Authenticator::take(&self.$authenticator, head)
            }

            fn strip_credential(&self, head: &mut ::http::request::Parts) {
                $crate::Authenticator::strip_credential(&self.$authenticator, head);
            }

            fn authenticate(
                &self,
                cx: &$crate::SecurityContext,
                head: &mut ::http::request::Parts,
                credential: &$crate::Credential,
            ) -> $crate::Verdict<$crate::Principal> {
                $crate::Authenticator::authenticate(&self.$authenticator, cx, head, credential)
            }

            fn recheck(
                &self,
                cx: &$crate::SecurityContext,
                credential: &$crate::Credential,
            ) -> ::core::option::Option<$crate::Verdict<$crate::Principal>> {
                $crate::Authenticator::recheck(&self.$authenticator, cx, credential)
            }

            fn on_exposed(
                &self,
                cx: &$crate::SecurityContext,
                credential: &$crate::Credential,
            ) -> ::core::option::Option<::std::boxed::Box<str>> {
                $crate::Authenticator::on_exposed(&self.$authenticator, cx, credential)
            }

            fn challenge(&self) -> ::http::HeaderValue {
                $crate::Authenticator::challenge(&self.$authenticator)
            }

            fn further_challenges(&self) -> ::std::vec::Vec<::http::HeaderValue> {
                $crate::Authenticator::further_challenges(&self.$authenticator)
            }
        }
    };
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_method_of_an_authenticator_is_passed_on() {
        let (trait_source, macro_source) = (
            include_str!("authenticator.rs"),
            include_str!("layer_of.rs"),
        );
        let (_, body) = trait_source.split_once("pub trait Authenticator").unwrap();
        let (body, _) = body.split_once("\n}\n").unwrap();
        let methods = body.lines().filter_map(|line| {
            let (name, _) = line.strip_prefix("    fn ")?.split_once('(')?;
            Some(name)
        });
        let methods: Vec<_> = methods.collect();
        assert!(methods.len() >= 10, "{methods:?}");
        for name in methods {
            let call = format!("$crate::Authenticator::{name}(&self.");
            assert!(macro_source.contains(&call), "{name} is not passed on");
        }
    }
}
