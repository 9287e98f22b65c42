//! Deadlines of connections, requests and responses.
//!
//! [`Activity`] has the progress of a connection, [`OpenRequest`] that of a request, and
//! [`Transfer`] that of a response. The task of the connection checks them, and ends what makes
//! no progress.

mod open_request;
mod stream_executor;
mod activity;
mod transfer;
mod request_counts;

pub(crate) use self::{
    activity::{Activity, Deadline, Missed},
    open_request::OpenRequest,
    request_counts::RequestCounts,
    stream_executor::{StreamExecutor, hand_to_executor},
    transfer::Transfer,
};
