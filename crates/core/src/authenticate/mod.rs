//! Proves who a client is: finds the credential of a request, removes it and has it verified.
//!
//! An [`Authenticator`] verifies one kind of credential. [`AuthenticateLayer`] is the guard that
//! calls one or several of them. `select` finds the credential before anything is verified,
//! `verify` calls the authenticator and stores the principal. `recheck` asks again, for what stays open.

mod exposed_credential;
mod recheck;
mod layer_of;
mod layer;
mod verify;
mod select;
mod shared;
mod error;
mod registered;
mod authenticator;

pub use self::{
    authenticator::Authenticator,
    error::AuthenticateBuildError,
    layer::{AuthenticateLayer, AuthenticateLayerBuilder},
};
