//! Settles what a request reserved, by its response or its failure.

use http::Response;
use palisade::core::Rejection;

use crate::{body::UpstreamBody, budget::Charge};

/// Tells a client what is left, and reads the body of its response.
///
/// # Errors
///
/// The refusal of the exchange. The reserve is charged if a server `may_have_run` the request, in any attempt.
pub(super) fn follow_response(
    charge: Option<Charge>,
    sent: Result<Response<UpstreamBody>, Box<Rejection>>,
    may_have_run: bool,
) -> Result<Response<UpstreamBody>, Box<Rejection>> {
    let Some(charge) = charge else {
        return sent;
    };
    match sent {
        Ok(response) => {
            let (mut head, body) = response.into_parts();
            let meter = charge.follow_response(&mut head);
            Ok(Response::from_parts(head, body.with_meter(meter)))
        }
        Err(rejection) => {
            charge.settle_failed(may_have_run);
            Err(rejection)
        }
    }
}
