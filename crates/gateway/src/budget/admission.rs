//! Reads the body of a request that costs tokens or sound, and reserves for it.

use bytes::Bytes;
use http::{HeaderValue, header, request::Parts};
use http_body::Body;
use http_body_util::{Either, Full};
use palisade::core::{BoxError, Rejection};

use super::{
    Admitted, Budgets, Caller,
    api::Api,
    cost::Cost,
    refusal,
    request::ModelRequest,
    speech::{SoundSide, Speech, SpeechRequest, SpeechRule},
    transcription::{TranscriptionRequest, TranscriptionRule},
};
use crate::collected_body::collect_body;

impl Budgets {
    /// Reserves for a request to a model. The upstream gets the body written again, `Content-Type: application/json` and no
    /// `Accept-Encoding`, since a compressed response could not be read. In shadow it gets the request as it came.
    ///
    /// # Errors
    ///
    /// 413 or 400: the body is too long, breaks off, or cannot be counted. 403: the model may not be used. Otherwise those
    /// of [`reserve`](Self::reserve_cost).
    pub(super) async fn admit_model<B>(
        &self,
        api: Api,
        caller: &Caller<'_>,
        head: &mut Parts,
        body: B,
    ) -> Result<Admitted<B>, Box<Rejection>>
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        let policy = &self.0.policy;
        let raw = collect_body(body, policy.metering.max_body, broke_off).await?;
        let unchanged = |raw: Bytes| Either::Right(Full::new(raw));
        let read = self.read_request(api, caller, head, &raw);
        let (request, cost) = match read {
            Ok(read) => read,
            Err(rejection) => {
                self.refuse_unless_shadow(caller.cx, rejection)?;
                let (body, charge) = (unchanged(raw), None);
                return Ok(Admitted { body, charge });
            }
        };
        let charge = self
            .reserve_cost(caller, Some(request.model()), cost)
            .await?;
        let charge = charge.map(|charge| charge.of_request(&request, self.0.only_shadow));
        if self.0.only_shadow {
            let body = unchanged(raw);
            return Ok(Admitted { body, charge });
        }
        // What is compressed cannot be read.
        head.headers.remove(header::ACCEPT_ENCODING);
        // A server must read the body as it was counted.
        let json = HeaderValue::from_static("application/json");
        head.headers.insert(header::CONTENT_TYPE, json);
        let body = unchanged(request.into_body());
        Ok(Admitted { body, charge })
    }

    /// Reads a request, checks its model, and finds the most that it can cost.
    ///
    /// # Errors
    ///
    /// 400: the body is encoded, is no JSON object, or asks for more tokens than allowed. 403: a rule does not allow the model,
    /// or it has no price.
    fn read_request(
        &self,
        api: Api,
        caller: &Caller<'_>,
        head: &Parts,
        raw: &Bytes,
    ) -> Result<(ModelRequest, Cost), Box<Rejection>> {
        let policy = &self.0.policy;
        if head.headers.contains_key(header::CONTENT_ENCODING) {
            return Err(refusal::unreadable_request("its content is encoded"));
        }
        let path = head.uri.path();
        let mut request = ModelRequest::parse(api, &head.uri, raw)?;
        let (principal, owner) = caller.principal_and_owner();
        let limit = policy.check_model(request.model(), &principal, &owner, path)?;
        let price = policy.price_of(request.model())?;
        if policy.names_models() {
            request.check_single_model()?;
        }
        if policy.has_money() {
            request.check_price()?;
        }
        let tokens = request.bound_tokens(&policy.metering, limit)?;
        Ok((request, Cost::of_tokens(tokens, price)))
    }

    /// Reserves for a text that is spoken. The upstream gets JSON written again; other bodies pass as they came. In
    /// shadow it gets the request as it came.
    ///
    /// # Errors
    ///
    /// 413 or 400: the body is too long, breaks off, or its text cannot be found. 403: the model may not be used. Otherwise
    /// those of [`reserve`](Self::reserve_cost).
    pub(super) async fn admit_speech<B>(
        &self,
        rule: &SpeechRule,
        caller: &Caller<'_>,
        head: &mut Parts,
        body: B,
    ) -> Result<Admitted<B>, Box<Rejection>>
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        let policy = &self.0.policy;
        let raw = collect_body(body, policy.metering.max_body, broke_off).await?;
        let before = head.headers.clone();
        let read = SpeechRequest::read(rule, head, raw.clone()).and_then(|request| {
            let (principal, owner) = caller.principal_and_owner();
            let path = head.uri.path();
            let has_price = rule.price.is_some();
            policy.check_sound(has_price, &request.model, &principal, &owner, path)?;
            Ok(request)
        });
        if self.0.only_shadow {
            head.headers = before;
        }
        let unchanged = |body| Either::Right(Full::new(body));
        let request = match read {
            Ok(request) => request,
            Err(rejection) => {
                self.refuse_unless_shadow(caller.cx, rejection)?;
                let (body, charge) = (unchanged(raw), None);
                return Ok(Admitted { body, charge });
            }
        };
        let cost = Cost::of_speech(Speech {
            characters: request.characters,
            audio_millis: request.characters.saturating_mul(rule.millis_each),
            price: rule.price.unwrap_or_default(),
            ..Speech::default()
        });
        let charge = self
            .reserve_cost(caller, Some(&request.model), cost)
            .await?;
        let charge = charge.map(|charge| charge.of_sound(&request.model));
        let body = match self.0.only_shadow {
            true => unchanged(raw),
            false => unchanged(request.body),
        };
        Ok(Admitted { body, charge })
    }

    /// Reserves for sound that is written down. The upstream gets the body as it came, and no `Accept-Encoding`.
    ///
    /// # Errors
    ///
    /// 413 or 400: the body is too long, breaks off, or its sound cannot be counted. 403: the model may not be used. Otherwise
    /// those of [`reserve`](Self::reserve_cost).
    pub(super) async fn admit_transcription<B>(
        &self,
        rule: &TranscriptionRule,
        caller: &Caller<'_>,
        head: &mut Parts,
        body: B,
    ) -> Result<Admitted<B>, Box<Rejection>>
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        let policy = &self.0.policy;
        let raw = collect_body(body, rule.max_body, broke_off).await?;
        let read = TranscriptionRequest::read(head, &raw).and_then(|request| {
            let (principal, owner) = caller.principal_and_owner();
            let (path, has_price) = (head.uri.path(), rule.price.is_some());
            policy.check_sound(has_price, &request.model, &principal, &owner, path)?;
            Ok(request)
        });
        let body = Either::Right(Full::new(raw));
        let request = match read {
            Ok(request) => request,
            Err(rejection) => {
                self.refuse_unless_shadow(caller.cx, rejection)?;
                return Ok(Admitted { body, charge: None });
            }
        };
        let cost = Cost::of_speech(Speech {
            audio_millis: rule.most_millis(request.bytes),
            minute_price: rule.price.unwrap_or_default(),
            side: SoundSide::Request,
            ..Speech::default()
        });
        let charge = self
            .reserve_cost(caller, Some(&request.model), cost)
            .await?;
        if !self.0.only_shadow {
            head.headers.remove(header::ACCEPT_ENCODING);
        }
        let charge = charge.map(|charge| charge.of_sound(&request.model));
        Ok(Admitted { body, charge })
    }
}

/// The refusal of a body that ends too early.
fn broke_off() -> Box<Rejection> {
    refusal::unreadable_request("it broke off")
}
