//! The collections that rules read, and the names of the transaction variables.
//!
//! "Variables" in the reference manual lists all collections. Those that outlive a request (`IP`,
//! `GLOBAL`, `SESSION`, `USER`, `RESOURCE`) do not exist here: they need a store that all
//! instances share, and the Core Rule Set works without them.
//!
//! Every collection here gets a value when its part of the request was read. Names of ModSecurity
//! that have none here are in [`WITHOUT_VALUE`] with the reason; a rule with such a name is not
//! loaded.

use std::collections::HashMap;

/// Defines the collections with the names that SecLang gives them.
///
/// One list gives the enum, the parser and the names, so they cannot differ. Of several names the
/// first is written in messages.
macro_rules! collections {
    ($($(#[$doc:meta])* $variant:ident = $($name:literal)|+,)+) => {
        /// A collection of values of a request or response.
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        pub(crate) enum Collection { $($(#[$doc])* $variant,)+ }

        impl Collection {
            /// Finds a collection by its name, in any case.
            pub(crate) fn parse(name: &str) -> Option<Self> {
                match name.to_ascii_uppercase().as_str() {
                    $($($name)|+ => Some(Self::$variant),)+
                    _ => None,
                }
            }

            /// The name in messages and in `MATCHED_VAR_NAME`.
            pub(crate) const fn name(self) -> &'static str {
                match self { $(Self::$variant => collections!(@first $($name)|+),)+ }
            }
        }
    };
    (@first $first:literal $(| $rest:literal)*) => { $first };
}

collections! {
    /// Parameters of the query and the body.
    ///
    /// The query comes first. For JSON the names are paths such as `json.a.array_0`.
    Args = "ARGS",
    /// The total length of names and values of the parameters.
    ///
    /// In bytes, after decoding.
    ArgsCombinedSize = "ARGS_COMBINED_SIZE",
    /// Parameters of the query.
    ///
    /// Names and values are percent-decoded once; `+` is a blank.
    ArgsGet = "ARGS_GET",
    /// Names of the parameters of the query.
    ArgsGetNames = "ARGS_GET_NAMES",
    /// Names of the parameters.
    ArgsNames = "ARGS_NAMES",
    /// Parameters of the body.
    ///
    /// From forms, JSON and the parts of multipart that are no files.
    ArgsPost = "ARGS_POST",
    /// Names of the parameters of the body.
    ArgsPostNames = "ARGS_POST_NAMES",
    /// The scheme of the `Authorization` header, such as `Basic`.
    ///
    /// Empty without the header.
    AuthType = "AUTH_TYPE",
    /// Names of uploaded files, by field.
    ///
    /// The names are those that the client gave to its files; they are not trusted.
    Files = "FILES",
    /// The total size of uploaded files.
    ///
    /// In bytes.
    FilesCombinedSize = "FILES_COMBINED_SIZE",
    /// Names of the fields with files.
    FilesNames = "FILES_NAMES",
    /// Sizes of uploaded files, by field.
    ///
    /// In bytes.
    FilesSizes = "FILES_SIZES",
    /// Contents of uploaded files, by field.
    ///
    /// The content is read in place; no temporary file is written.
    FilesTmpContent = "FILES_TMP_CONTENT",
    /// Request line, headers and body.
    ///
    /// It is written when a rule reads it. The body is in it from phase 2 on.
    FullRequest = "FULL_REQUEST",
    /// The length of request line, headers and body.
    ///
    /// In bytes.
    FullRequestLength = "FULL_REQUEST_LENGTH",
    /// Whether the body was longer than the limit.
    ///
    /// Always `0`: the layer inspects no such body, it refuses it.
    InboundDataError = "INBOUND_DATA_ERROR",
    /// The value that matched last.
    ///
    /// It is the value after the transformations.
    MatchedVar = "MATCHED_VAR",
    /// The name of the value that matched last.
    ///
    /// Such as `ARGS:q`.
    MatchedVarName = "MATCHED_VAR_NAME",
    /// All values that the chain matched.
    ///
    /// Those of the link before and all links before that, at most 256.
    MatchedVars = "MATCHED_VARS",
    /// Their names.
    MatchedVarsNames = "MATCHED_VARS_NAMES",
    /// Names of the files of a multipart body.
    MultipartFilename = "MULTIPART_FILENAME",
    /// Names of the parts of a multipart body.
    MultipartName = "MULTIPART_NAME",
    /// Header lines of the parts, by the name of the part.
    MultipartPartHeaders = "MULTIPART_PART_HEADERS",
    /// Whether the multipart body breaks a rule of its format.
    ///
    /// `1` or `0`. It sums up the single flags of ModSecurity, which do not exist here.
    MultipartStrictError = "MULTIPART_STRICT_ERROR",
    /// Whether a line of a part looks like a boundary.
    ///
    /// `1` or `0`.
    MultipartUnmatchedBoundary = "MULTIPART_UNMATCHED_BOUNDARY",
    /// The path, percent-decoded once; here the same as `REQUEST_FILENAME`.
    PathInfo = "PATH_INFO",
    /// The raw query.
    ///
    /// What follows the first `?`, without it.
    QueryString = "QUERY_STRING",
    /// The address of the client.
    ///
    /// It is the address that the configuration of trusted proxies found, and empty without one.
    RemoteAddr = "REMOTE_ADDR",
    /// The address of the client, as `REMOTE_ADDR`. No name is looked up.
    RemoteHost = "REMOTE_HOST",
    /// The name in `Authorization: Basic`.
    ///
    /// Empty for other schemes. It was not verified here.
    RemoteUser = "REMOTE_USER",
    /// Whether the body was malformed.
    ///
    /// `1` or `0`. What was read before the error is inspected too.
    ReqbodyError = "REQBODY_ERROR" | "REQBODY_PROCESSOR_ERROR",
    /// Why.
    ///
    /// A fixed text of the parser; it has nothing of the body.
    ReqbodyErrorMsg = "REQBODY_ERROR_MSG" | "REQBODY_PROCESSOR_ERROR_MSG",
    /// The parser of the body, such as `JSON`.
    ///
    /// It follows from the media type, or from `ctl:requestBodyProcessor`. It is empty for other
    /// media types.
    ReqbodyProcessor = "REQBODY_PROCESSOR",
    /// The last segment of the path.
    ///
    /// After the last slash or backslash of the decoded path.
    RequestBasename = "REQUEST_BASENAME",
    /// The body as sent.
    ///
    /// Rules may read it whatever its format is.
    RequestBody = "REQUEST_BODY",
    /// The length of the body.
    RequestBodyLength = "REQUEST_BODY_LENGTH",
    /// Cookies.
    ///
    /// Split at `;` and the first `=`. They are not decoded.
    RequestCookies = "REQUEST_COOKIES",
    /// Names of the cookies.
    RequestCookiesNames = "REQUEST_COOKIES_NAMES",
    /// The path.
    ///
    /// Without the query, percent-decoded once. `+` stays.
    RequestFilename = "REQUEST_FILENAME",
    /// Headers.
    ///
    /// Each line of a repeated header is a value of its own.
    RequestHeaders = "REQUEST_HEADERS",
    /// Names of the headers.
    RequestHeadersNames = "REQUEST_HEADERS_NAMES",
    /// The request line.
    ///
    /// Method, target and version with blanks between them.
    RequestLine = "REQUEST_LINE",
    /// The method.
    RequestMethod = "REQUEST_METHOD",
    /// The version, such as `HTTP/1.1`.
    RequestProtocol = "REQUEST_PROTOCOL",
    /// Path and query, without scheme and host.
    ///
    /// Not decoded.
    RequestUri = "REQUEST_URI",
    /// The target of the request as sent.
    ///
    /// It may be an absolute URL over HTTP/1.
    RequestUriRaw = "REQUEST_URI_RAW",
    /// The body of the response.
    ///
    /// It must be given without compression.
    ResponseBody = "RESPONSE_BODY",
    /// The length of the body of the response.
    ResponseContentLength = "RESPONSE_CONTENT_LENGTH",
    /// The media type of the response.
    ResponseContentType = "RESPONSE_CONTENT_TYPE",
    /// Headers of the response.
    ResponseHeaders = "RESPONSE_HEADERS",
    /// Names of the headers of the response.
    ResponseHeadersNames = "RESPONSE_HEADERS_NAMES",
    /// The version of the response.
    ///
    /// Always `HTTP/1.1` here.
    ResponseProtocol = "RESPONSE_PROTOCOL",
    /// The status of the response.
    ResponseStatus = "RESPONSE_STATUS" | "STATUS",
    /// The host of the request.
    ///
    /// It is the `Host` header or the authority of HTTP/2.
    ServerName = "SERVER_NAME",
    /// Variables of the transaction.
    ///
    /// They last for one request. Their values are in `engine::tx`, not among the other
    /// collections.
    Tx = "TX",
    /// A number that differs for each request.
    ///
    /// It is made at each reading. It identifies nothing in a log.
    UniqueId = "UNIQUE_ID",
    /// Whether the query or a form has a `%` without two hexadecimal digits after it.
    ///
    /// `1` or `0`. Wrong encodings stay as they are.
    UrlencodedError = "URLENCODED_ERROR",
    /// Text and attributes of an XML body.
    ///
    /// The selectors `/*` (text) and `//@*` (attributes) are known; any other XPath means both.
    Xml = "XML",
}

/// Names of ModSecurity that have no value here, with the reason.
///
/// A rule that reads one would never match, so it is reported when it is loaded.
const WITHOUT_VALUE: [(&str, &str); 11] = [
    ("DURATION", CLOCK),
    ("ENV", "there is no environment of a server"),
    ("GLOBAL", STORE),
    ("IP", STORE),
    ("REMOTE_PORT", ADDRESS),
    ("RESOURCE", STORE),
    ("RULE", "write the id or the message into the rule"),
    ("SERVER_ADDR", ADDRESS),
    ("SERVER_PORT", ADDRESS),
    ("SESSION", STORE),
    ("USER", STORE),
];

/// Reasons for several names.
const ADDRESS: &str = "only the address of the client is known";
const CLOCK: &str = "a verdict does not depend on the clock";
const STORE: &str = "nothing is kept between requests";

impl Collection {
    /// Finds a collection by its name, in any case.
    ///
    /// # Errors
    ///
    /// The reason as text: the name is unknown or has no value here.
    pub(crate) fn supported(name: &str) -> Result<Self, String> {
        if let Some(found) = Self::parse(name) {
            return Ok(found);
        }
        let upper = name.to_ascii_uppercase();
        let known = WITHOUT_VALUE.iter().find(|(known, _)| *known == upper);
        let reason = known.map(|(_, reason)| *reason);
        let reason = reason.or_else(|| upper.starts_with("TIME").then_some(CLOCK));
        Err(match reason {
            Some(reason) => format!("the collection {name} has no value here: {reason}"),
            None => format!("the collection {name} is not supported"),
        })
    }
}

/// Numbers the names of transaction variables, so that each access is an index.
///
/// Names that occur in no rule get no number. A request can still set them; they are kept in a
/// map.
///
/// The numbers 0 to 9 are the names `0` to `9`, which hold the groups of a match.
#[derive(Clone, Debug)]
pub(crate) struct TxNames {
    /// From the name in lower case to its number.
    numbers: HashMap<String, usize>,
    /// By number.
    names: Vec<String>,
}

impl Default for TxNames {
    fn default() -> Self {
        let mut names = Self {
            numbers: HashMap::new(),
            names: Vec::new(),
        };
        for digit in '0'..='9' {
            names.intern(&digit.to_string());
        }
        names
    }
}

impl TxNames {
    /// The number of a name, given to it at the first call. Case does not matter.
    ///
    /// It is called only while rules are loaded.
    pub(crate) fn intern(&mut self, name: &str) -> usize {
        let name = name.to_ascii_lowercase();
        if let Some(number) = self.numbers.get(&name) {
            return *number;
        }
        self.names.push(name.clone());
        self.numbers.insert(name, self.names.len() - 1);
        self.names.len() - 1
    }

    /// The number of a name that was interned before.
    ///
    /// The name must be in lower case. `None` also for bytes that are not UTF-8.
    pub(crate) fn get(&self, name: &[u8]) -> Option<usize> {
        self.numbers.get(std::str::from_utf8(name).ok()?).copied()
    }

    /// All names and numbers.
    ///
    /// They are in the order of their numbers.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, usize)> {
        self.names
            .iter()
            .enumerate()
            .map(|(number, name)| (name.as_str(), number))
    }

    /// The name with this number.
    ///
    /// Empty for a number that was never given.
    pub(crate) fn name(&self, number: usize) -> &str {
        self.names.get(number).map_or("", String::as_str)
    }

    /// How many names there are.
    ///
    /// A request needs one place for each.
    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }
}
