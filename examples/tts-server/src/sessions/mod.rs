//! Sessions for the page: a key is traded once for a cookie that scripts cannot read and that ends
//! within the hour, so that the key itself is never kept in a browser.

mod authenticator;
mod cookie;
mod origin;
mod store;
mod token;

pub(crate) use self::{
    authenticator::{CurrentSession, SessionAuthenticator},
    cookie::{NAME as COOKIE, clear as clear_cookie, set as set_cookie},
    store::{LIFETIME, LiveSession, NoSession, Sessions},
};
