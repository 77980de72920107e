//! Validates the listen address and the public URL.
//!
//! An error must never repeat more of a URL than scheme, host and port: the rest may contain a
//! secret.

use std::net::SocketAddr;

use axum::http::Uri;

pub(super) fn listen(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| format!("server.listen = \"{text}\" is not an address and port; write one like 127.0.0.1:8080 or 0.0.0.0:8080"))
}

/// The origin of the URLs that the platforms call, without a trailing slash; empty if not
/// configured.
pub(super) fn public_url(text: &str) -> Result<String, String> {
    const LIKE: &str = "write it like https://hook.example.com";
    let text = text.trim();
    if text.is_empty() {
        return Ok(String::new());
    }
    let wrong = |what: &str| Err(format!("server.public_url {what}; {LIKE}"));
    let Some((scheme, rest)) = text.split_once("://") else {
        return wrong("has no scheme");
    };
    if !matches!(scheme, "https" | "http") {
        return wrong("must begin with https:// or http://");
    }
    let host_ends = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (host, after) = rest.split_at(host_ends);
    if host.contains('@') {
        return wrong("must not have a user or a password");
    }
    let origin = format!("{scheme}://{host}");
    let is_host = origin.parse::<Uri>().is_ok_and(|uri| {
        uri.host().is_some_and(|host| !host.is_empty())
            && (uri.port().is_some() || !host.ends_with(':'))
    });
    if !is_host {
        return wrong("is not an address");
    }
    if !after.trim_end_matches('/').is_empty() {
        return Err(format!(
            "server.public_url has a path or a query; write only \"{origin}\": the service adds /webhooks/NAME"
        ));
    }
    Ok(origin)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop")]
mod tests {
    use super::*;

    #[test]
    fn only_the_beginning_of_an_address_is_taken() {
        for (text, url) in [
            ("", ""),
            ("https://hook.example.com", "https://hook.example.com"),
            ("https://hook.example.com/", "https://hook.example.com"),
            (" https://hook.example.com// ", "https://hook.example.com"),
            ("http://10.0.0.5:8080", "http://10.0.0.5:8080"),
            ("https://[fd00::1]:8443/", "https://[fd00::1]:8443"),
        ] {
            assert_eq!(public_url(text).unwrap(), url, "{text}");
        }
        for (text, part) in [
            ("hook.example.com", "no scheme"),
            ("hook.example.com:443", "no scheme"),
            ("//hook.example.com", "no scheme"),
            ("ftp://hook.example.com", "must begin with https://"),
            ("HTTPS://hook.example.com", "must begin with https://"),
            ("https://", "not an address"),
            ("https:///webhooks/phone", "not an address"),
            ("https://hook.example.com:", "not an address"),
            ("https://hook example.com", "not an address"),
            ("https://user:canary@hook.example.com", "user or a password"),
            (
                "https://hook.example.com/webhooks/phone",
                "only \"https://hook.example.com\"",
            ),
            (
                "https://hook.example.com/webhooks/phone?token=canary",
                "write only",
            ),
            ("https://hook.example.com?token=canary", "write only"),
            ("https://hook.example.com/#canary", "write only"),
        ] {
            let said = public_url(text).unwrap_err();
            assert!(said.contains(part), "{text}: {said}");
            assert!(
                said.contains("server.public_url") && !said.contains("canary"),
                "{said}"
            );
        }
    }
}
