//! The errors of this crate.
//!
//! [`KeyError`], [`RevocationError`] and [`JwtBuildError`] are for the operator, when the service
//! starts. [`InvalidToken`] is for the audit trail, while it runs. None of them has a token or a key
//! in it.

mod build_error;
mod dpop_fault;
mod invalid_token;
mod key_error;
mod revocation_error;

pub use self::{
    build_error::JwtBuildError, dpop_fault::DpopFault, invalid_token::InvalidToken,
    key_error::KeyError, revocation_error::RevocationError,
};
