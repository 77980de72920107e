//! The signed address and the signed parameters, as the platforms' own libraries take them apart.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};

use super::error::{AuthError, CredentialLocation};

/// The characters that a WHATWG URL encodes in a query.
const QUERY: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'\'');
/// The characters that it encodes in a path.
const PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'`')
    .add(b'{')
    .add(b'}');
/// The characters that Node's `querystring` does not encode.
const FORM: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// The members of a form or a query, decoded once.
pub(super) fn members(encoded: &[u8]) -> Vec<(Cow<'_, str>, Cow<'_, str>)> {
    form_urlencoded::parse(encoded).collect()
}

/// Path and query of a request's target.
pub(super) fn split(target: &str) -> (&str, Option<&str>) {
    match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    }
}

/// The value of a query member that may appear only once.
pub(super) fn the_only_member<'a>(
    target: &'a str,
    name: &str,
) -> Result<Option<Cow<'a, str>>, AuthError> {
    let query = split(target).1.unwrap_or_default();
    let mut values = form_urlencoded::parse(query.as_bytes())
        .filter(|(found, _)| found == name)
        .map(|(_, value)| value);
    let value = values.next();
    if values.next().is_some() {
        return Err(AuthError::Repeated(CredentialLocation::Query(
            name.to_owned(),
        )));
    }
    Ok(value)
}

/// The configured address without a port, and with one: the default when none is written.
pub(super) fn origins(public_url: &str) -> [String; 2] {
    let public_url = public_url.trim_end_matches('/');
    let (scheme, rest) = public_url
        .split_once("://")
        .unwrap_or(("https", public_url));
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    // A colon begins a port only behind the bracket that ends an IPv6 address.
    let address_end = host.rfind(']').unwrap_or(0);
    let (name, port) = match host[address_end..].rfind(':') {
        Some(colon) => host.split_at(address_end + colon),
        None => (host, ""),
    };
    let port = match port {
        "" if scheme.eq_ignore_ascii_case("http") => ":80",
        "" => ":443",
        port => port,
    };
    [
        format!("{scheme}://{name}{path}"),
        format!("{scheme}://{name}{port}{path}"),
    ]
}

/// The spellings of the called address that a platform may have signed: as received, as a WHATWG
/// URL writes it, and as Node's `querystring` does. All of them mean the same address.
pub(super) fn spellings(public_url: &str, target: &str) -> Vec<String> {
    let (path, query) = split(target);
    let path_encoded = utf8_percent_encode(path, PATH).to_string();
    let targets = match query {
        None => vec![target.to_owned(), path_encoded],
        Some(query) => {
            let encoded = utf8_percent_encode(query, QUERY).to_string();
            let rewritten = rewritten(&encoded);
            vec![
                target.to_owned(),
                format!("{path_encoded}?{encoded}"),
                format!("{path_encoded}?{rewritten}"),
            ]
        }
    };
    let mut spellings = Vec::new();
    for origin in origins(public_url) {
        for target in &targets {
            let spelling = format!("{origin}{target}");
            if !spellings.contains(&spelling) {
                spellings.push(spelling);
            }
        }
    }
    spellings
}

/// A query as Node's `querystring` writes it again: members with the same name are grouped.
fn rewritten(query: &str) -> String {
    let mut groups: Vec<(Cow<'_, str>, Vec<Cow<'_, str>>)> = Vec::new();
    for (name, value) in members(query.as_bytes()) {
        match groups.iter_mut().find(|(known, _)| *known == name) {
            Some((_, values)) => values.push(value),
            None => groups.push((name, vec![value])),
        }
    }
    let encode = |text: &str| utf8_percent_encode(text, FORM).to_string();
    let pairs: Vec<String> = groups
        .iter()
        .flat_map(|(name, values)| {
            values
                .iter()
                .map(|value| format!("{}={}", encode(name), encode(value)))
        })
        .collect();
    pairs.join("&")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may stop")]
mod tests {
    use super::{origins, spellings};

    #[test]
    fn an_origin_is_known_with_and_without_its_port() {
        for (public_url, without, with) in [
            (
                "https://h.example",
                "https://h.example",
                "https://h.example:443",
            ),
            (
                "http://h.example/",
                "http://h.example",
                "http://h.example:80",
            ),
            (
                "https://h.example:8443/a",
                "https://h.example/a",
                "https://h.example:8443/a",
            ),
            (
                "https://[::1]/a:b",
                "https://[::1]/a:b",
                "https://[::1]:443/a:b",
            ),
            ("https://[::1]:99", "https://[::1]", "https://[::1]:99"),
            ("", "https://", "https://:443"),
        ] {
            assert_eq!(origins(public_url), [without, with]);
        }
    }

    #[test]
    fn a_target_is_spelled_as_it_stood_as_a_url_and_as_node_does() {
        let without_port = |target: &str| {
            let all = spellings("https://h", target);
            all[..all.len() / 2].join(" ")
        };
        assert_eq!(without_port("/a"), "https://h/a");
        assert_eq!(without_port("/a?x"), "https://h/a?x https://h/a?x=");
        // The second is what `new URL()` makes of the first, the third what `querystring` makes of
        // the second.
        assert_eq!(
            spellings("https://h", "/a{}?q=a|b'<\u{e9}&r=+&q=2"),
            [
                "https://h/a{}?q=a|b'<\u{e9}&r=+&q=2",
                "https://h/a%7B%7D?q=a|b%27%3C%C3%A9&r=+&q=2",
                "https://h/a%7B%7D?q=a%7Cb'%3C%C3%A9&q=2&r=%20",
                "https://h:443/a{}?q=a|b'<\u{e9}&r=+&q=2",
                "https://h:443/a%7B%7D?q=a|b%27%3C%C3%A9&r=+&q=2",
                "https://h:443/a%7B%7D?q=a%7Cb'%3C%C3%A9&q=2&r=%20",
            ]
        );
    }
}
