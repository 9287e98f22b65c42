//! The collections of one request: which texts each target names.
//!
//! Values are added in the order of the phases: the head, the body, then the response. A
//! collection that was not read yet is empty, as in ModSecurity, so a rule of phase 1 sees no
//! parameter of the body.
//!
//! A name and a value are two texts. `ARGS` and `ARGS_GET` share them, and `ARGS_NAMES` has the
//! name as its value, so nothing is stored or transformed twice.

use std::borrow::Cow;

use super::texts::{TextId, Texts};
use super::view::{RequestView, ResponseView};
use crate::body::{BodyFields, BodyFormat, Text, decode_pairs, split_pairs};
use crate::transformation::Transformation;
use crate::variables::Collection;

/// A value with its name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Value {
    /// The name; empty where a collection has only one value.
    ///
    /// Names are decoded in the same way as values.
    pub(crate) key: TextId,
    /// The value before transformations.
    pub(crate) text: TextId,
    /// Whether it is what a person wrote.
    ///
    /// It is true also for the whole body if one of its parameters is.
    pub(crate) is_words: bool,
}

/// All values of one request.
#[derive(Debug, Default)]
pub(crate) struct Values<'r> {
    /// The bytes behind all numbers.
    pub(crate) texts: Texts<'r>,
    /// By the number of the collection. It is only as long as needed.
    collections: Vec<Vec<Value>>,
    /// The name of what has none.
    no_name: Option<TextId>,
}

impl<'r> Values<'r> {
    /// The values of a collection.
    ///
    /// Empty if nothing was added.
    pub(crate) fn of(&self, collection: Collection) -> &[Value] {
        self.collections
            .get(collection as usize)
            .map_or(&[], Vec::as_slice)
    }

    /// Adds a value with a name.
    fn add(&mut self, collection: Collection, value: Value) {
        let index = collection as usize;
        if self.collections.len() <= index {
            self.collections.resize_with(index + 1, Vec::new);
        }
        if let Some(values) = self.collections.get_mut(index) {
            values.push(value);
        }
    }

    /// Sets the only value of a collection.
    ///
    /// A value from before is replaced.
    pub(crate) fn set(&mut self, collection: Collection, bytes: Text<'r>) {
        if let Some(values) = self.collections.get_mut(collection as usize) {
            values.clear();
        }
        let key = self.no_name();
        let text = self.texts.add(bytes);
        self.add(
            collection,
            Value {
                key,
                text,
                is_words: false,
            },
        );
    }

    /// The empty name.
    pub(crate) fn no_name(&mut self) -> TextId {
        let texts = &mut self.texts;
        *self
            .no_name
            .get_or_insert_with(|| texts.add(Cow::Borrowed(b"")))
    }

    /// Adds a name and a value to a collection and to that of the names.
    ///
    /// The value goes to each of `values`, the name to each of `names`.
    fn add_named(
        &mut self,
        values: &[Collection],
        names: &[Collection],
        pair: (Text<'r>, Text<'r>),
        is_words: bool,
    ) {
        let key = self.texts.add(pair.0);
        let text = self.texts.add(pair.1);
        for &collection in values {
            self.add(
                collection,
                Value {
                    key,
                    text,
                    is_words,
                },
            );
        }
        for &collection in names {
            self.add(
                collection,
                Value {
                    key,
                    text: key,
                    is_words: false,
                },
            );
        }
    }

    /// Reads the head of a request.
    ///
    /// The format of the body is chosen here by its media type; a rule of phase 1 may change it.
    pub(crate) fn read_head(&mut self, request: &RequestView<'r>) {
        use Collection as C;
        self.read_target(request);
        let protocol = Cow::Borrowed(request.version.as_bytes());
        let line = [request.method, request.target, request.version.as_bytes()].join(&b' ');
        let client = request
            .client
            .map(|client| client.to_string())
            .unwrap_or_default()
            .into_bytes();
        self.set(C::RequestMethod, Cow::Borrowed(request.method));
        self.set(C::RequestProtocol, protocol);
        self.set(C::RequestLine, Cow::Owned(line));
        self.set(C::RemoteAddr, Cow::Owned(client));
        for &(name, value) in &request.headers {
            let pair = (Cow::Borrowed(name), Cow::Borrowed(value));
            self.add_named(&[C::RequestHeaders], &[C::RequestHeadersNames], pair, false);
            if name.eq_ignore_ascii_case(b"cookie") {
                self.read_cookies(value);
            }
        }
        let content_type = request.header(b"content-type").unwrap_or_default();
        let processor = BodyFormat::of_content_type(content_type).map_or("", BodyFormat::name);
        self.set(C::ReqbodyProcessor, Cow::Borrowed(processor.as_bytes()));
        let host = request.header(b"host").unwrap_or_default();
        self.set(C::ServerName, Cow::Borrowed(host));
    }

    /// Reads the target: path, query and what follows from them.
    ///
    /// The query is split and decoded as a form is. Its number of parameters is bounded by the
    /// server's limit on the request line.
    fn read_target(&mut self, request: &RequestView<'r>) {
        use Collection as C;
        let target = request.target;
        self.set(C::RequestUriRaw, Cow::Borrowed(target));
        let local = without_host(target);
        self.set(C::RequestUri, Cow::Borrowed(local));
        let at = memchr::memchr(b'?', local);
        let path = local.get(..at.unwrap_or(local.len())).unwrap_or_default();
        let query = at.and_then(|at| local.get(at + 1..)).unwrap_or_default();
        // The path as a handler sees it. A rule that decodes once more finds double encodings.
        let decoded = percent_decode(path);
        let basename = decoded
            .rsplit(|byte| matches!(byte, b'/' | b'\\'))
            .next()
            .unwrap_or_default();
        self.set(C::RequestBasename, Cow::Owned(basename.to_vec()));
        self.set(C::RequestFilename, decoded.clone());
        self.set(C::PathInfo, decoded);
        self.set(C::QueryString, Cow::Borrowed(query));
        for pair in split_pairs(query, b'&') {
            let values = [C::Args, C::ArgsGet];
            self.add_named(
                &values,
                &[C::ArgsNames, C::ArgsGetNames],
                decode_pairs(pair),
                false,
            );
        }
    }

    /// Reads a `Cookie` header.
    ///
    /// A cookie without `=` is a name with an empty value (RFC 6265, section 4.2,, has the
    /// format).
    fn read_cookies(&mut self, header: &'r [u8]) {
        for (name, value) in split_pairs(header, b';') {
            let pair = (Cow::Borrowed(name.trim_ascii_start()), Cow::Borrowed(value));
            self.add_named(
                &[Collection::RequestCookies],
                &[Collection::RequestCookiesNames],
                pair,
                false,
            );
        }
    }

    /// Reads the body of a request. `is_words` tells which parameters a person wrote.
    ///
    /// `format` is `None` for media types without a parser: then there are no parameters, and
    /// rules see the body as a whole. A parser that fails sets `REQBODY_ERROR`, and what it read
    /// before is added all the same.
    pub(crate) fn read_body(
        &mut self,
        request: &RequestView<'r>,
        format: Option<BodyFormat>,
        is_words: impl Fn(&[u8], &[u8]) -> bool,
    ) {
        use Collection as C;
        let content_type = request.header(b"content-type").unwrap_or_default();
        let fields = format.map(|format| BodyFields::read(format, content_type, request.body));
        let fields = fields.unwrap_or_default();
        let mut any_words = false;
        let mut size = 0;
        for pair in fields.parameters {
            let words = is_words(&pair.0, &pair.1);
            any_words |= words;
            let names = [C::ArgsNames, C::ArgsPostNames];
            self.add_named(&[C::Args, C::ArgsPost], &names, pair, words);
        }
        for value in self.of(C::Args) {
            size += self.texts.bytes(value.key).len() + self.texts.bytes(value.text).len();
        }
        self.set(C::ArgsCombinedSize, number(size));
        self.set_body(request.body, any_words);
        self.add_files(&fields.files);
        for name in fields.part_names {
            self.add_named(&[C::MultipartName], &[], (name.clone(), name), false);
        }
        for header in fields.part_headers {
            self.add_named(&[C::MultipartPartHeaders], &[], header, false);
        }
        for (key, text) in fields
            .xml_text
            .into_iter()
            .map(|text| (&b"/*"[..], text))
            .chain(
                fields
                    .xml_attributes
                    .into_iter()
                    .map(|value| (&b"//@*"[..], value)),
            )
        {
            self.add_named(
                &[C::Xml],
                &[],
                (Cow::Borrowed(key), Cow::Owned(text)),
                false,
            );
        }
        self.set(C::ReqbodyError, number(usize::from(fields.error.is_some())));
        self.set(
            C::ReqbodyErrorMsg,
            Cow::Borrowed(fields.error.unwrap_or_default().as_bytes()),
        );
        self.set(
            C::MultipartStrictError,
            number(usize::from(fields.multipart_strict_error)),
        );
        self.set(
            C::MultipartUnmatchedBoundary,
            number(usize::from(fields.multipart_unmatched_boundary)),
        );
    }

    /// Sets the body as a whole.
    fn set_body(&mut self, body: &'r [u8], is_words: bool) {
        let key = self.no_name();
        let text = self.texts.add(Cow::Borrowed(body));
        self.add(
            Collection::RequestBody,
            Value {
                key,
                text,
                is_words,
            },
        );
        self.set(Collection::RequestBodyLength, number(body.len()));
    }

    /// Adds uploaded files.
    ///
    /// One file gives its name, its size and its content, each under the name of its field.
    fn add_files(&mut self, files: &[crate::body::File<'r>]) {
        use Collection as C;
        let mut size = 0;
        for file in files {
            size += file.content.len();
            let pair = (file.field.clone(), file.name.clone());
            self.add_named(
                &[C::Files, C::MultipartFilename],
                &[C::FilesNames],
                pair,
                false,
            );
            self.add_named(
                &[C::FilesSizes],
                &[],
                (file.field.clone(), number(file.content.len())),
                false,
            );
            let content = (file.field.clone(), Cow::Borrowed(file.content));
            self.add_named(&[C::FilesTmpContent], &[], content, false);
        }
        self.set(C::FilesCombinedSize, number(size));
    }

    /// Reads the head of a response.
    pub(crate) fn read_response_head(&mut self, response: &ResponseView<'r>) {
        use Collection as C;
        self.set(C::ResponseStatus, number(response.status.into()));
        for &(name, value) in &response.headers {
            let pair = (Cow::Borrowed(name), Cow::Borrowed(value));
            self.add_named(
                &[C::ResponseHeaders],
                &[C::ResponseHeadersNames],
                pair,
                false,
            );
            if name.eq_ignore_ascii_case(b"content-type") {
                self.set(C::ResponseContentType, Cow::Borrowed(value));
            }
        }
        self.set(C::ResponseProtocol, Cow::Borrowed(b"HTTP/1.1"));
    }

    /// Reads the body of a response.
    ///
    /// It is not parsed.
    pub(crate) fn read_response_body(&mut self, response: &ResponseView<'r>) {
        self.set(Collection::ResponseBody, Cow::Borrowed(response.body));
        self.set(
            Collection::ResponseContentLength,
            number(response.body.len()),
        );
    }
}

/// A number as text.
fn number<'r>(number: usize) -> Text<'r> {
    Cow::Owned(number.to_string().into_bytes())
}

/// The target without scheme and host.
///
/// An absolute URL without a path has the path `/`. A target that is neither (such as `*`) stays
/// as it is.
fn without_host(target: &[u8]) -> &[u8] {
    if target.starts_with(b"/") {
        return target;
    }
    let Some(at) = memchr::memmem::find(target, b"://") else {
        return target;
    };
    let rest = target.get(at + 3..).unwrap_or_default();
    rest.iter()
        .position(|byte| *byte == b'/')
        .and_then(|at| rest.get(at..))
        .unwrap_or(b"/")
}

/// Decodes `%41`. A `+` is a plus in a path.
///
/// The path is split at `+` first, because the decoder of forms would make a blank of it.
fn percent_decode(path: &[u8]) -> Text<'_> {
    if memchr::memchr(b'%', path).is_none() {
        return Cow::Borrowed(path);
    }
    let parts = path.split(|byte| *byte == b'+');
    let decoded = parts.map(|part| {
        Transformation::UrlDecode
            .apply(part)
            .unwrap_or_else(|| part.to_vec())
    });
    Cow::Owned(decoded.collect::<Vec<_>>().join(&b'+'))
}
