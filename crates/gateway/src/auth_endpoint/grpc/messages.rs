//! The messages of `envoy.service.auth.v3.Authorization/Check`, as far as they are read or written here.
//!
//! Fields that are not listed are skipped when a message is read. Their numbers are those of Envoy's
//! `external_auth.proto`, `attribute_context.proto` and `base.proto`.

use std::collections::BTreeMap;

use prost::Message;

/// The question: `envoy.service.auth.v3.CheckRequest`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct CheckRequest {
    /// Without it the question describes no request, and is refused.
    #[prost(message, optional, tag = "1")]
    pub(super) attributes: Option<AttributeContext>,
}

/// What Envoy knows about the request.
#[derive(Clone, PartialEq, Message)]
pub(super) struct AttributeContext {
    /// The request that is asked about.
    #[prost(message, optional, tag = "4")]
    pub(super) request: Option<AttributeRequest>,
}

/// `AttributeContext.Request`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct AttributeRequest {
    /// Its head. `None`: the request is not one of HTTP.
    #[prost(message, optional, tag = "2")]
    pub(super) http: Option<HttpRequest>,
}

/// `AttributeContext.HttpRequest`: the head of the request that will be forwarded.
#[derive(Clone, PartialEq, Message)]
pub(super) struct HttpRequest {
    /// The method.
    #[prost(string, tag = "2")]
    pub(super) method: String,
    /// In lower case. Several values of a name are one value, with commas between them.
    #[prost(btree_map = "string, string", tag = "3")]
    pub(super) headers: BTreeMap<String, String>,
    /// Path and query, as they will be forwarded.
    #[prost(string, tag = "4")]
    pub(super) path: String,
    /// `Host`, or `:authority`.
    #[prost(string, tag = "5")]
    pub(super) host: String,
    /// In place of `headers`, if Envoy has `encode_raw_headers`: each value apart.
    #[prost(message, optional, tag = "13")]
    pub(super) header_map: Option<HeaderList>,
}

/// `envoy.config.core.v3.HeaderMap`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct HeaderList {
    /// In their order, each value apart.
    #[prost(message, repeated, tag = "1")]
    pub(super) headers: Vec<HeaderField>,
}

/// `envoy.config.core.v3.HeaderValue`: one of `value` and `raw_value` is set.
#[derive(Clone, PartialEq, Message)]
pub(super) struct HeaderField {
    /// The name in lower case.
    #[prost(string, tag = "1")]
    pub(super) key: String,
    /// The value as text.
    #[prost(string, tag = "2")]
    pub(super) value: String,
    /// The value as bytes, where it is no text.
    #[prost(bytes = "vec", tag = "3")]
    pub(super) raw_value: Vec<u8>,
}

/// The decision: `envoy.service.auth.v3.CheckResponse`. One of the two responses is set.
#[derive(Clone, PartialEq, Message)]
pub(super) struct CheckResponse {
    /// Tells Envoy whether the request is admitted.
    #[prost(message, optional, tag = "1")]
    pub(super) status: Option<RpcStatus>,
    /// What the client gets in place of a response.
    #[prost(message, optional, tag = "2")]
    pub(super) denied: Option<DeniedResponse>,
    /// What is changed in an admitted request.
    #[prost(message, optional, tag = "3")]
    pub(super) admitted: Option<OkResponse>,
}

/// `google.rpc.Status`. Anything but 0 is a refusal.
#[derive(Clone, PartialEq, Message)]
pub(super) struct RpcStatus {
    /// A code of gRPC.
    #[prost(int32, tag = "1")]
    pub(super) code: i32,
}

/// `DeniedHttpResponse`: what the client gets.
#[derive(Clone, PartialEq, Message)]
pub(super) struct DeniedResponse {
    /// The status. Envoy sends 403 if there is none.
    #[prost(message, optional, tag = "1")]
    pub(super) status: Option<HttpStatus>,
    /// Headers of the response, such as `WWW-Authenticate` and `Retry-After`.
    #[prost(message, repeated, tag = "2")]
    pub(super) headers: Vec<HeaderOption>,
    /// The body in the form that the refusal has.
    #[prost(string, tag = "3")]
    pub(super) body: String,
}

/// `envoy.type.v3.HttpStatus`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct HttpStatus {
    /// The number of the status.
    #[prost(int32, tag = "1")]
    pub(super) code: i32,
}

/// `OkHttpResponse`: how the request and its response are changed.
#[derive(Clone, PartialEq, Message)]
pub(super) struct OkResponse {
    /// Fields of the request, in place of what the client sent.
    #[prost(message, repeated, tag = "2")]
    pub(super) headers: Vec<HeaderOption>,
    /// Names of fields that are removed from the request.
    #[prost(string, repeated, tag = "5")]
    pub(super) headers_to_remove: Vec<String>,
    /// Fields of the response to the client.
    #[prost(message, repeated, tag = "6")]
    pub(super) response_headers: Vec<HeaderOption>,
}

/// `HeaderValueOption`: a field, and what happens if it is there already.
#[derive(Clone, PartialEq, Message)]
pub(super) struct HeaderOption {
    /// The field itself.
    #[prost(message, optional, tag = "1")]
    pub(super) header: Option<HeaderField>,
    /// What happens to a field of that name that is there already, as a number of [`AppendAction`].
    #[prost(enumeration = "AppendAction", tag = "3")]
    pub(super) append_action: i32,
}

/// `HeaderValueOption.HeaderAppendAction`.
#[derive(Clone, Copy, Debug, Eq, PartialEq, prost::Enumeration)]
#[repr(i32)]
pub(super) enum AppendAction {
    AppendOrAdd = 0,
    AddIfAbsent = 1,
    OverwriteOrAdd = 2,
}
