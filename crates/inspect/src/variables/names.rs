//! The collections that rules read, and the names of the transaction variables.

use std::collections::HashMap;

/// Defines the collections with the names that SecLang gives them.
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
    Args = "ARGS",
    /// The total length of names and values of the parameters.
    ArgsCombinedSize = "ARGS_COMBINED_SIZE",
    /// Parameters of the query.
    ArgsGet = "ARGS_GET",
    /// Names of the parameters of the query.
    ArgsGetNames = "ARGS_GET_NAMES",
    /// Names of the parameters.
    ArgsNames = "ARGS_NAMES",
    /// Parameters of the body.
    ArgsPost = "ARGS_POST",
    /// Names of the parameters of the body.
    ArgsPostNames = "ARGS_POST_NAMES",
    /// The scheme of authentication, such as `Basic`.
    AuthType = "AUTH_TYPE",
    /// Seconds that the request took so far, always 0 here.
    Duration = "DURATION",
    /// Names of uploaded files, by field.
    Files = "FILES",
    /// The total size of uploaded files.
    FilesCombinedSize = "FILES_COMBINED_SIZE",
    /// Names of the fields with files.
    FilesNames = "FILES_NAMES",
    /// Sizes of uploaded files, by field.
    FilesSizes = "FILES_SIZES",
    /// Contents of uploaded files, by field.
    FilesTmpContent = "FILES_TMP_CONTENT",
    /// Head and body.
    FullRequest = "FULL_REQUEST",
    /// The length of head and body.
    FullRequestLength = "FULL_REQUEST_LENGTH",
    /// Whether the body was longer than the limit.
    InboundDataError = "INBOUND_DATA_ERROR",
    /// The value that matched last.
    MatchedVar = "MATCHED_VAR",
    /// The name of the value that matched last.
    MatchedVarName = "MATCHED_VAR_NAME",
    /// All values that the chain matched.
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
    MultipartStrictError = "MULTIPART_STRICT_ERROR",
    /// Whether a line of a part looks like a boundary.
    MultipartUnmatchedBoundary = "MULTIPART_UNMATCHED_BOUNDARY",
    /// The raw path.
    PathInfo = "PATH_INFO",
    /// The raw query.
    QueryString = "QUERY_STRING",
    /// The address of the client.
    RemoteAddr = "REMOTE_ADDR",
    /// The host name of the client; here its address.
    RemoteHost = "REMOTE_HOST",
    /// The port of the client.
    RemotePort = "REMOTE_PORT",
    /// The name of the authenticated principal.
    RemoteUser = "REMOTE_USER",
    /// Whether the body was malformed.
    ReqbodyError = "REQBODY_ERROR" | "REQBODY_PROCESSOR_ERROR",
    /// Why.
    ReqbodyErrorMsg = "REQBODY_ERROR_MSG" | "REQBODY_PROCESSOR_ERROR_MSG",
    /// The parser of the body, such as `JSON`.
    ReqbodyProcessor = "REQBODY_PROCESSOR",
    /// The last segment of the path.
    RequestBasename = "REQUEST_BASENAME",
    /// The body as sent.
    RequestBody = "REQUEST_BODY",
    /// The length of the body.
    RequestBodyLength = "REQUEST_BODY_LENGTH",
    /// Cookies.
    RequestCookies = "REQUEST_COOKIES",
    /// Names of the cookies.
    RequestCookiesNames = "REQUEST_COOKIES_NAMES",
    /// The path.
    RequestFilename = "REQUEST_FILENAME",
    /// Headers.
    RequestHeaders = "REQUEST_HEADERS",
    /// Names of the headers.
    RequestHeadersNames = "REQUEST_HEADERS_NAMES",
    /// The request line.
    RequestLine = "REQUEST_LINE",
    /// The method.
    RequestMethod = "REQUEST_METHOD",
    /// The version, such as `HTTP/1.1`.
    RequestProtocol = "REQUEST_PROTOCOL",
    /// Path and query, without scheme and host.
    RequestUri = "REQUEST_URI",
    /// The target of the request as sent.
    RequestUriRaw = "REQUEST_URI_RAW",
    /// The body of the response.
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
    ResponseProtocol = "RESPONSE_PROTOCOL",
    /// The status of the response.
    ResponseStatus = "RESPONSE_STATUS" | "STATUS",
    /// The rule itself: `id`, `msg`, `severity`.
    Rule = "RULE",
    /// The address of the server, empty here.
    ServerAddr = "SERVER_ADDR",
    /// The host of the request.
    ServerName = "SERVER_NAME",
    /// The port of the server, empty here.
    ServerPort = "SERVER_PORT",
    /// Seconds since 1970.
    TimeEpoch = "TIME_EPOCH",
    /// Variables of the transaction.
    Tx = "TX",
    /// A number that differs for each request.
    UniqueId = "UNIQUE_ID",
    /// What the parser of parameters refused, always empty here.
    UrlencodedError = "URLENCODED_ERROR",
    /// Text and attributes of an XML body.
    Xml = "XML",
}

/// Numbers the names of transaction variables, so that each access is an index.
///
/// The numbers 0 to 9 are the names `0` to `9`, which hold the groups of a match.
#[derive(Clone, Debug)]
pub(crate) struct TxNames {
    numbers: HashMap<String, usize>,
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
    pub(crate) fn get(&self, name: &[u8]) -> Option<usize> {
        self.numbers.get(std::str::from_utf8(name).ok()?).copied()
    }

    /// All names and numbers.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, usize)> {
        self.names
            .iter()
            .enumerate()
            .map(|(number, name)| (name.as_str(), number))
    }

    /// The name with this number.
    pub(crate) fn name(&self, number: usize) -> &str {
        self.names.get(number).map_or("", String::as_str)
    }

    /// How many names there are.
    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }
}
