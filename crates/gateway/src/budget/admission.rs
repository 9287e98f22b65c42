//! Reads the body of a request that costs tokens or sound, and reserves for it.
//!
//! The steps are the same for all: collect the body up to its bound, read what it asks for, compare the model with the
//! rules, reserve from all budgets at once. What fails before the last step costs the client nothing.
//!
//! | request | longest body by default | what is reserved | body for the upstream |
//! |---|---|---|---|
//! | of a model | 4 MiB (`max_body_kib` of `[metering]`) | tokens in and out | written again from what was counted, `Content-Type: application/json` |
//! | `[[speech]]` | the same | characters, and the sound that they can become | JSON written again, other forms as they came |
//! | `[[transcriptions]]` | 25 MiB (`max_body_kib` of the entry) | the sound that so many bytes can be | as it came |
//!
//! `Accept-Encoding` is removed where the usage is in the response: a compressed one could not be read.
//!
//! In shadow a refusal is only recorded, and the upstream gets head and body as they came.

use bytes::Bytes;
use http::{HeaderValue, header, request::Parts};
use http_body::Body;
use http_body_util::{Either, Full};
use palisade::core::{BoxError, Rejection};

use super::{
    Admitted, Budgets, Caller,
    api::Api,
    charge::Charge,
    cost::Cost,
    refusal,
    request::ModelRequest,
    speech::{SoundSide, Speech, SpeechRequest, SpeechRule},
    transcription::{TranscriptionRequest, TranscriptionRule},
};
use crate::collected_body::collect_body;

/// A kind of request whose body is read.
#[derive(Clone, Copy)]
pub(super) enum Counted<'p> {
    /// A request to a model.
    Model(Api),
    /// A text that is spoken.
    Speech(&'p SpeechRule),
    /// Sound that is written down.
    Transcription(&'p TranscriptionRule),
}

/// A request that was read, and the most that it can cost.
struct Read {
    request: Request,
    cost: Cost,
}

/// What was read.
enum Request {
    Model(ModelRequest),
    /// One with sound: its model, and the body for the upstream.
    Sound {
        model: String,
        body: Bytes,
    },
}

impl Request {
    /// Returns the name of the model, which may be empty.
    fn model(&self) -> &str {
        match self {
            Self::Model(request) => request.model(),
            Self::Sound { model, .. } => model,
        }
    }

    /// Tells a reserve which request it is for.
    fn mark_charge(&self, charge: Charge, only_shadow: bool) -> Charge {
        match self {
            Self::Model(request) => charge.of_request(request, only_shadow),
            Self::Sound { model, .. } => charge.of_sound(model),
        }
    }

    /// Returns the body for the upstream.
    fn into_body(self) -> Bytes {
        match self {
            Self::Model(request) => request.into_body(),
            Self::Sound { body, .. } => body,
        }
    }
}

impl Budgets {
    /// Reads a request whole and reserves for it.
    ///
    /// # Errors
    ///
    /// 413 or 400: the body is too long, breaks off, or cannot be counted. 403: the model may not be used. Otherwise those
    /// of [`reserve_cost`](Self::reserve_cost).
    pub(super) async fn admit_counted<B>(
        &self,
        counted: Counted<'_>,
        caller: &Caller<'_>,
        head: &mut Parts,
        body: B,
    ) -> Result<Admitted<B>, Box<Rejection>>
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        let only_shadow = self.0.only_shadow;
        let most = match counted {
            Counted::Transcription(rule) => rule.max_body,
            Counted::Model(_) | Counted::Speech(_) => self.0.policy.metering.max_body,
        };
        let raw = collect_body(body, most, broke_off).await?;
        let before = only_shadow.then(|| head.headers.clone());
        let (charge, body) = match self.read(counted, caller, head, &raw) {
            Ok(Read { request, cost }) => {
                let model = Some(request.model());
                let charge = self.reserve_cost(caller, model, cost).await?;
                let charge = charge.map(|charge| request.mark_charge(charge, only_shadow));
                (charge, request.into_body())
            }
            Err(rejection) => {
                self.refuse_unless_shadow(caller.cx, rejection)?;
                (None, raw.clone())
            }
        };
        let body = match before {
            Some(headers) => {
                head.headers = headers;
                raw
            }
            None => body,
        };
        let body = Either::Right(Full::new(body));
        Ok(Admitted { body, charge })
    }

    /// Reads a request, checks its model, finds the most that it can cost, and sets the header fields for the upstream.
    ///
    /// # Errors
    ///
    /// 400: it cannot be counted. 403: a rule does not allow the model, or it has no price.
    fn read(
        &self,
        counted: Counted<'_>,
        caller: &Caller<'_>,
        head: &mut Parts,
        raw: &Bytes,
    ) -> Result<Read, Box<Rejection>> {
        match counted {
            Counted::Model(api) => self.read_model(api, caller, head, raw),
            Counted::Speech(rule) => self.read_speech(rule, caller, head, raw),
            Counted::Transcription(rule) => self.read_transcription(rule, caller, head, raw),
        }
    }

    /// Reads a request to a model.
    ///
    /// # Errors
    ///
    /// 400: the body is encoded, is no JSON object, or asks for more tokens than allowed. 403: a rule does not allow the model,
    /// or it has no price.
    fn read_model(
        &self,
        api: Api,
        caller: &Caller<'_>,
        head: &mut Parts,
        raw: &Bytes,
    ) -> Result<Read, Box<Rejection>> {
        let policy = &self.0.policy;
        if head.headers.contains_key(header::CONTENT_ENCODING) {
            return Err(refusal::unreadable_request("its content is encoded"));
        }
        let path = head.uri.path();
        let mut request = ModelRequest::parse(api, &head.uri, raw)?;
        let (principal, owner) = caller.principal_and_owner();
        let limit = policy.check_model(request.model(), &principal, &owner, path)?;
        let price = policy.price_of(request.model())?;
        policy.check_further_models(request.names_further_models())?;
        if policy.has_money() {
            request.check_price()?;
        }
        let tokens = request.bound_tokens(&policy.metering, limit)?;
        head.headers.remove(header::ACCEPT_ENCODING);
        // A server must read the body as it was counted.
        let json = HeaderValue::from_static("application/json");
        head.headers.insert(header::CONTENT_TYPE, json);
        Ok(Read {
            request: Request::Model(request),
            cost: Cost::of_tokens(tokens, price),
        })
    }

    /// Reads a text that is spoken.
    ///
    /// # Errors
    ///
    /// 400: its text cannot be found, or the length of its sound is not known. 403: the model may not be used.
    fn read_speech(
        &self,
        rule: &SpeechRule,
        caller: &Caller<'_>,
        head: &mut Parts,
        raw: &Bytes,
    ) -> Result<Read, Box<Rejection>> {
        let request = SpeechRequest::read(rule, head, raw.clone())?;
        let has_price = rule.price.is_some();
        let further = request.names_further_models;
        self.check_sound(caller, head, &request.model, has_price, further)?;
        let slowness = match self.0.policy.counts_seconds() {
            true => request.slowness.ok_or_else(refusal::unknown_length)?,
            false => 1,
        };
        let millis = request.characters.saturating_mul(rule.millis_each);
        let cost = Cost::of_speech(Speech {
            characters: request.characters,
            audio_millis: millis.saturating_mul(slowness),
            price: rule.price.unwrap_or_default(),
            ..Speech::default()
        });
        let (model, body) = (request.model, request.body);
        Ok(Read {
            request: Request::Sound { model, body },
            cost,
        })
    }

    /// Reads sound that is written down.
    ///
    /// # Errors
    ///
    /// 400: its sound cannot be counted. 403: the model may not be used.
    fn read_transcription(
        &self,
        rule: &TranscriptionRule,
        caller: &Caller<'_>,
        head: &mut Parts,
        raw: &Bytes,
    ) -> Result<Read, Box<Rejection>> {
        let request = TranscriptionRequest::read(head, raw)?;
        let has_price = rule.price.is_some();
        let further = request.names_further_models;
        self.check_sound(caller, head, &request.model, has_price, further)?;
        head.headers.remove(header::ACCEPT_ENCODING);
        let cost = Cost::of_speech(Speech {
            audio_millis: rule.most_millis(request.bytes),
            minute_price: rule.price.unwrap_or_default(),
            side: SoundSide::Request,
            ..Speech::default()
        });
        let (model, body) = (request.model, raw.clone());
        Ok(Read {
            request: Request::Sound { model, body },
            cost,
        })
    }

    /// Checks the model of a request with sound.
    ///
    /// # Errors
    ///
    /// 403: it may not be used, or has no price. 400: the request names further models.
    fn check_sound(
        &self,
        caller: &Caller<'_>,
        head: &Parts,
        model: &str,
        has_price: bool,
        names_further_models: bool,
    ) -> Result<(), Box<Rejection>> {
        let policy = &self.0.policy;
        let (principal, owner) = caller.principal_and_owner();
        policy.check_sound(has_price, model, &principal, &owner, head.uri.path())?;
        policy.check_further_models(names_further_models)
    }
}

/// The refusal of a body that ends too early.
fn broke_off() -> Box<Rejection> {
    refusal::unreadable_request("it broke off")
}
