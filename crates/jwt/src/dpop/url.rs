//! The address of a request, as a proof names it (`htu`, RFC 9449 section 4.3): normalised by syntax
//! and by scheme (RFC 3986 sections 6.2.2 and 6.2.3), without query and fragment.

/// Normalises an absolute address. `None` if it is malformed, or has a user.
pub(super) fn normalise(url: &str) -> Option<String> {
    let end = url.find(['?', '#']).unwrap_or(url.len());
    let (scheme, rest) = url.get(..end)?.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    let default_port = match scheme.as_str() {
        "https" => ":443",
        "http" => ":80",
        _ => return None,
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let authority = authority.to_ascii_lowercase();
    let authority = authority.strip_suffix(default_port).unwrap_or(&authority);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~[]:".contains(&byte);
    if authority.is_empty() || !authority.bytes().all(plain) {
        return None;
    }
    let path = without_dot_segments(&normalise_escapes(path)?);
    Some(format!("{scheme}://{authority}{path}"))
}

/// Returns the normalised origin of an address that is nothing but an origin.
pub(super) fn origin(text: &str) -> Option<String> {
    let whole = normalise(text)?;
    let origin = whole.strip_suffix('/')?;
    let is_alone = !text.contains(['?', '#']) && !origin.get(8..)?.contains('/');
    is_alone.then(|| origin.to_owned())
}

/// Returns the address of a request at an origin. `None` for a path that readers could resolve in
/// two ways: with dot segments, or a malformed escape.
pub(super) fn of_request(origin: &str, path: &str) -> Option<String> {
    let path = normalise_escapes(path)?;
    let plain = path.starts_with('/') && !path.split('/').any(|part| matches!(part, "." | ".."));
    plain.then(|| format!("{origin}{path}"))
}

/// Decodes escapes of unreserved characters and writes the others in upper case.
fn normalise_escapes(path: &str) -> Option<String> {
    let mut normal = String::with_capacity(path.len());
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            if !byte.is_ascii_graphic() {
                return None;
            }
            normal.push(char::from(byte));
            continue;
        }
        let (high, low) = (digit(bytes.next()?)?, digit(bytes.next()?)?);
        let byte = high * 16 + low;
        match byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            true => normal.push(char::from(byte)),
            false => normal.push_str(&format!("%{byte:02X}")),
        }
    }
    Some(normal)
}

fn digit(byte: u8) -> Option<u8> {
    let digit = char::from(byte).to_digit(16)?;
    u8::try_from(digit).ok()
}

/// Resolves `.` and `..` (RFC 3986 section 5.2.4). An empty path is `/`.
fn without_dot_segments(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut ends_in_folder = false;
    for segment in path.split('/').skip(1) {
        ends_in_folder = matches!(segment, "." | "..");
        match segment {
            "." => {}
            ".." => drop(kept.pop()),
            _ => kept.push(segment),
        }
    }
    let slash = if ends_in_folder && !kept.is_empty() {
        "/"
    } else {
        ""
    };
    format!("/{}{slash}", kept.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_addresses_have_one_form() {
        let expected = Some("https://tts.example/a/b".to_owned());
        for url in [
            "https://tts.example/a/b",
            "HTTPS://TTS.Example:443/a/b",
            "https://tts.example/%61/b?x=/c#d",
            "https://tts.example/x/../a/./b",
            "https://tts.example/%2e%2E/a/b",
        ] {
            assert_eq!(normalise(url), expected, "{url}");
        }
        assert_eq!(normalise("https://t"), Some("https://t/".to_owned()));
        assert_eq!(
            normalise("https://t/a%2fb"),
            Some("https://t/a%2Fb".to_owned())
        );
        assert_eq!(normalise("https://t/a/.."), Some("https://t/".to_owned()));
        assert_eq!(
            normalise("https://t/a/b/.."),
            Some("https://t/a/".to_owned())
        );
        assert_eq!(normalise("https://t/a/"), Some("https://t/a/".to_owned()));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for url in [
            "",
            "/a",
            "tts.example/a",
            "ftp://tts.example/a",
            "https:///a",
            "https://a@tts.example/a",
            "https://tts.example/%4",
            "https://tts.example/%zz",
            "https://tts.example/\u{e9}",
            "https://tts.example/a b",
        ] {
            assert_eq!(normalise(url), None, "{url}");
        }
    }

    #[test]
    fn a_request_whose_path_can_be_resolved_has_no_address() {
        let origin = "https://t";
        assert_eq!(of_request(origin, "/a/%61"), Some("https://t/a/a".into()));
        for path in ["/a/../b", "/./a", "/%2e%2e/a", "/a%", "*", ""] {
            assert_eq!(of_request(origin, path), None, "{path}");
        }
    }

    #[test]
    fn an_origin_has_no_path() {
        assert_eq!(origin("HTTPS://T:443"), Some("https://t".into()));
        assert_eq!(origin("https://t/"), Some("https://t".into()));
        assert_eq!(
            origin("http://127.0.0.1:80"),
            Some("http://127.0.0.1".into())
        );
        for text in ["https://t/a", "https://t?a", "t", "https://"] {
            assert_eq!(origin(text), None, "{text}");
        }
    }
}
