//! A request to a model: which model, how many tokens at most, and the body for the upstream.
//!
//! The request is parsed before it is sent, and the upstream gets what was parsed, written again. So a body that parsers
//! read in two ways (a key twice, an unusual number) reaches the upstream with one meaning: the one that was counted.

mod deployment;
mod names;
mod output;
mod references;

use bytes::Bytes;
use http::Uri;
use palisade::core::Rejection;
use serde_json::{Map, Value};

use super::{
    api::Api, cost::Tokens, field_names::is_model_name, policy::Metering, refusal,
    value_count::check_value_count,
};

/// A request that was read whole.
#[derive(Debug)]
pub(super) struct ModelRequest {
    /// The interface, by the end of the path.
    api: Api,
    /// The body as parsed. A key that is there twice has its last value.
    document: Map<String, Value>,
    /// The model, from the body or the path. Empty: none is named.
    model: String,
    /// Bytes of the body as it was sent, and of the query.
    bytes: u64,
    /// How many files, images and earlier responses it names.
    references: u64,
    /// Whether the gateway asked for a usage that the client did not ask for.
    hides_usage: bool,
}

impl ModelRequest {
    /// Reads a body.
    ///
    /// # Errors
    ///
    /// 400: it is no JSON object, its model is no text or not that of the path and the query, or its response could not
    /// be counted.
    pub(super) fn parse(api: Api, uri: &Uri, raw: &Bytes) -> Result<Self, Box<Rejection>> {
        let (path, query) = (uri.path(), uri.query().unwrap_or_default());
        check_value_count(raw)?;
        let document: Map<String, Value> = serde_json::from_slice(raw)
            .map_err(|_| refusal::unreadable_request("it is no JSON object, or too deep"))?;
        let model = match document.get("model") {
            None | Some(Value::Null) => "",
            Some(Value::String(model)) if is_model_name(model) => model,
            Some(_) => {
                return Err(refusal::unreadable_request(
                    "`model` is no text, too long, or has control characters",
                ));
            }
        };
        names::check_names(&document)?;
        let model = match deployment::deployment_name(path)? {
            Some(name) if model.is_empty() || model == name => name,
            Some(_) => {
                return Err(refusal::unreadable_request(
                    "`model` is not that of the path",
                ));
            }
            None => model.to_owned(),
        };
        names::check_query(query, &model)?;
        let references = references::count_references(&document);
        Ok(Self {
            api,
            document,
            model,
            bytes: (raw.len() + query.len()) as u64,
            references,
            hides_usage: false,
        })
    }

    /// Returns the name of the model, which may be empty.
    pub(super) fn model(&self) -> &str {
        &self.model
    }

    /// Returns the interface.
    pub(super) const fn api(&self) -> Api {
        self.api
    }

    /// Returns whether it asks for one answer.
    pub(super) fn has_one_choice(&self) -> bool {
        output::count_choices(&self.document).is_ok_and(|choices| choices == 1)
    }

    /// Returns whether it names further models, which the server may use in place of the first.
    pub(super) fn names_further_models(&self) -> bool {
        names::names_further_models(&self.document)
    }

    /// Returns whether the usage of a stream is for the gateway alone.
    pub(super) const fn hides_usage(&self) -> bool {
        self.hides_usage
    }

    /// Returns the most tokens that the request can cost, and writes that bound into it.
    ///
    /// # Errors
    ///
    /// 400: it asks for more tokens out than `limit`, or its limit is no number of tokens.
    pub(super) fn bound_tokens(
        &mut self,
        metering: &Metering,
        limit: Option<u64>,
    ) -> Result<Tokens, Box<Rejection>> {
        let references = self.references.saturating_mul(metering.reference_tokens);
        let text = self.bytes.saturating_add(references);
        let tokens_out = match self.api.is_embedding() {
            true => 0,
            false => self.bound_output(metering, limit)?,
        };
        if metering.ask_for_usage {
            self.ask_for_usage();
        }
        Ok(Tokens {
            text,
            tokens_in: text.saturating_add(metering.overhead_tokens),
            tokens_out,
            writes_cache: references::has_cache_control(&self.document),
        })
    }

    /// Refuses what has prices of its own, for budgets of money.
    ///
    /// # Errors
    ///
    /// 400: it asks for a service that may cost more than the price.
    pub(super) fn check_price(&self) -> Result<(), Box<Rejection>> {
        names::check_price(&self.document)
    }

    /// Returns the most tokens out, which is the limit for the upstream.
    ///
    /// # Errors
    ///
    /// 400: it asks for more than `limit`, or for a number of responses that is out of range.
    fn bound_output(
        &mut self,
        metering: &Metering,
        limit: Option<u64>,
    ) -> Result<u64, Box<Rejection>> {
        let asked = output::requested_limit(self.api, &self.document)?;
        if let (Some(asked), Some(limit)) = (asked, limit)
            && asked > limit
        {
            return Err(refusal::too_many_tokens(limit));
        }
        let default = metering.max_tokens.min(limit.unwrap_or(u64::MAX));
        let each = asked.unwrap_or(default);
        output::write_limit(self.api, &mut self.document, metering.output_field, each);
        // What a prediction has beside the response is charged as tokens out.
        let has_prediction = self
            .document
            .get("prediction")
            .is_some_and(|it| !it.is_null());
        let predicted = if has_prediction { self.bytes } else { 0 };
        let most = each.saturating_add(predicted);
        Ok(most.saturating_mul(output::count_choices(&self.document)?))
    }

    /// Asks a stream for its usage in a last event.
    fn ask_for_usage(&mut self) {
        let streams = self.document.get("stream") == Some(&Value::Bool(true));
        if !streams || !self.api.is_asked_for_usage() {
            return;
        }
        let document = &mut self.document;
        let before = output::set_inner(document, "stream_options", "include_usage", true.into());
        self.hides_usage = before != Some(Value::Bool(true));
    }

    /// Returns the body for the upstream, written from what was read.
    pub(super) fn into_body(self) -> Bytes {
        // A map of strings and values can always be written.
        serde_json::to_vec(&self.document)
            .unwrap_or_default()
            .into()
    }
}

#[cfg(test)]
mod tests;
