//! Who may use the service, and what it tells every client: credentials, resource servers, documents.

use std::sync::Arc;

#[cfg(any(feature = "jwt", feature = "session"))]
use palisade_core::AnyGuard;
use palisade_core::{Authenticator, PublicDocument};

use super::ShieldBuilder;

impl ShieldBuilder {
    /// Accepts a kind of credential. With several calls, a credential of any of them is accepted.
    ///
    /// A request without a credential passes here; the rule of the route decides whether it is
    /// allowed. A credential that is not valid gets status 401, also on a public route. Default: no
    /// credential is accepted, and only public routes can be built. Two authenticators that read the
    /// same credential are an error of [`build`](Self::build).
    pub fn authenticate(mut self, one: impl Authenticator) -> Self {
        self.authenticators.0.push(Arc::new(one));
        self
    }

    /// Refuses writes that a page of another origin made a browser send, with 403 `cross_origin`. Default:
    /// only sessions refuse them, for themselves.
    ///
    /// For services with a sign-in form, and for those that accept a cookie, a client certificate or an
    /// address of the network. It stands before authentication. A second call replaces the first.
    ///
    /// ```
    /// use palisade::session::CrossOriginLayer;
    /// use palisade::{AllowedHosts, Rule, Rules, Shield};
    ///
    /// let shield = Shield::builder()
    ///     .hosts(AllowedHosts::parse(["notes.example"])?)
    ///     .cross_origin(CrossOriginLayer::new())
    ///     .rules(Rules::new().post("/login", Rule::public()))
    ///     .build()?;
    /// assert!(shield.order().contains(&"cross_origin"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "session")]
    pub fn cross_origin(mut self, layer: palisade_session::CrossOriginLayer) -> Self {
        self.cross_origin = vec![AnyGuard::new(layer)];
        self
    }

    /// Makes the service a resource server of OAuth: it accepts tokens that were issued for it, names
    /// the authorization server and the wanted scopes in its refusals, and publishes its metadata
    /// (RFC 9728) at the well-known path.
    ///
    /// Rules say which scopes a route needs. Default: none. For several resources join them with
    /// [`ResourceServer::and`](palisade_jwt::resource_server::ResourceServer::and): a second call is
    /// an error of [`build`](Self::build), as two authenticators that read the same token are.
    ///
    /// ```no_run
    /// # #[cfg(feature = "jwks-url")]
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use palisade::jwt::resource_server::ResourceServer;
    /// use palisade::{AllowedHosts, Rule, Rules, Shield};
    ///
    /// let server = ResourceServer::builder("https://tts.example/mcp")
    ///     .discover("https://login.example")
    ///     .scopes(["tts:speak"])
    ///     .build()?;
    /// let shield = Shield::builder()
    ///     .hosts(AllowedHosts::parse(["tts.example"])?)
    ///     .resource_server(server)
    ///     .rules(Rules::new().any("/mcp", Rule::scope("tts:speak")))
    ///     .build()?;
    /// # let _ = shield; Ok(())
    /// # }
    /// # #[cfg(not(feature = "jwks-url"))]
    /// # fn main() {}
    /// ```
    #[cfg(feature = "jwt")]
    pub fn resource_server(
        mut self,
        server: palisade_jwt::resource_server::ResourceServer,
    ) -> Self {
        self.documents.extend(server.documents());
        self.challenges.push(AnyGuard::new(server.challenges()));
        self.authenticate(server)
    }

    /// Responds with a document at its path, to every client and to scripts of every origin.
    /// Default: none.
    ///
    /// It needs no handler and no rule; a rule for the same path, or a path with braces, is an error of
    /// [`build`](Self::build). Limits by client address count its requests, and the audit trail
    /// records them.
    ///
    /// ```
    /// use palisade::{AllowedHosts, Rule, Rules, Shield, core::PublicDocument};
    ///
    /// let shield = Shield::builder()
    ///     .hosts(AllowedHosts::parse(["tts.example"])?)
    ///     .rules(Rules::new().get("/", Rule::public()))
    ///     .document(PublicDocument::json("/.well-known/example", "{}"))
    ///     .build()?;
    /// # let _ = shield; Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn document(mut self, document: PublicDocument) -> Self {
        self.documents.push(document);
        self
    }
}
