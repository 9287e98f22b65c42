//! The body of a request: its parameters, its files, and the body as a whole.

use std::borrow::Cow;

use super::{Value, Values, number};
use crate::body::{BodyFields, BodyFormat};
use crate::engine::view::RequestView;
use crate::operator::is_wrong_url_encoding;
use crate::variables::Collection;

impl<'r> Values<'r> {
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
        if format == Some(BodyFormat::Form) && is_wrong_url_encoding(request.body) {
            self.set(C::UrlencodedError, number(1));
        }
        // It is written again, now with the body.
        self.clear(C::FullRequest);
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

    /// Writes the whole request, if it is not there yet.
    ///
    /// Few rules read it, so it is written only for those. In phase 1 it has no body.
    pub(crate) fn write_full_request(&mut self) {
        use Collection as C;
        if !self.of(C::FullRequest).is_empty() {
            return;
        }
        let mut full = Vec::new();
        let mut push = |bytes: &[u8], end: &[u8]| {
            full.extend_from_slice(bytes);
            full.extend_from_slice(end);
        };
        for line in self.of(C::RequestLine) {
            push(self.texts.bytes(line.text), b"\r\n");
        }
        for header in self.of(C::RequestHeaders) {
            push(self.texts.bytes(header.key), b": ");
            push(self.texts.bytes(header.text), b"\r\n");
        }
        push(b"", b"\r\n");
        let mut is_words = false;
        for body in self.of(C::RequestBody) {
            push(self.texts.bytes(body.text), b"");
            is_words |= body.is_words;
        }
        self.set(C::FullRequestLength, number(full.len()));
        let key = self.no_name();
        let text = self.texts.add(Cow::Owned(full));
        self.add(
            C::FullRequest,
            Value {
                key,
                text,
                is_words,
            },
        );
    }
}
