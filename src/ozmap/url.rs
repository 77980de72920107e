//! Builds the URLs of OZmap calls. A code must never turn a call into another one.
//!
//! A naive `format!` would turn the code `..` into "list every property". Every URL is parsed again
//! and compared with what was meant before it is used.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use reqwest::Url;

use crate::domain::PropertyId;

/// Encodes everything but the unreserved characters of RFC 3986, so also `|` (`%7C`).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The version of the API in every path.
const VERSION: &str = "/api/v2";

/// The root of OZmap's API, `https://host:port/api/v2`.
#[derive(Clone, Debug)]
pub struct Base {
    root: String,
    origin: (String, Option<String>, Option<u16>),
}

/// Why the configured address cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BaseError {
    /// Not a URL.
    #[error("`{0}` is not an address; write one like https://provider.ozmap.com.br:9994")]
    NotAnAddress(String),
    /// Neither `https` nor an allowed `http`.
    #[error(
        "`{0}` is not encrypted, and the key would travel in the clear; write https://…, or set ozmap.allow_http = true on a network that you trust"
    )]
    NotEncrypted(String),
    /// It has a user, a query or a fragment.
    #[error(
        "the address must not have a user, a query or a fragment; write one like https://provider.ozmap.com.br:9994"
    )]
    Extra,
}

/// Whether OZmap may be called without TLS outside this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlainHttp {
    /// Only on a loopback address.
    LoopbackOnly,
    /// Anywhere, because the operator allowed it.
    Allowed,
}

impl Base {
    /// Parses the configured address and adds `/api/v2` if it is missing.
    ///
    /// # Errors
    /// [`BaseError`] says what the address must look like.
    pub fn parse(text: &str, plain: PlainHttp) -> Result<Self, BaseError> {
        let url = Url::parse(text.trim()).map_err(|_| BaseError::NotAnAddress(text.to_owned()))?;
        let Some(host) = url.host_str().filter(|_| !url.cannot_be_a_base()) else {
            return Err(BaseError::NotAnAddress(text.to_owned()));
        };
        if !url.username().is_empty()
            || url.password().is_some()
            || url.query().is_some()
            || url.fragment().is_some()
        {
            return Err(BaseError::Extra);
        }
        let encrypted = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return Err(BaseError::NotAnAddress(text.to_owned())),
        };
        if !encrypted && plain == PlainHttp::LoopbackOnly && !is_loopback(host) {
            return Err(BaseError::NotEncrypted(text.to_owned()));
        }
        let path = url.path().trim_end_matches('/');
        let version = if path.ends_with(VERSION) { "" } else { VERSION };
        let port = url
            .port()
            .map(|port| format!(":{port}"))
            .unwrap_or_default();
        Ok(Self {
            root: format!("{}://{host}{port}{path}{version}", url.scheme()),
            origin: origin(&url),
        })
    }

    /// The properties of one spelling of a code, by path. `None` if it cannot be a path segment;
    /// then use a filter.
    #[must_use]
    pub fn properties_of(&self, spelling: &str) -> Option<Url> {
        // A proxy may decode these once too often.
        if spelling.contains(['/', '\\', '%']) {
            return None;
        }
        self.with_segment("/properties/client", spelling)
    }

    /// One property.
    #[must_use]
    pub fn property(&self, id: &PropertyId) -> Option<Url> {
        self.with_segment("/properties", id.as_str())
    }

    /// One splitter.
    #[must_use]
    pub fn splitter(&self, id: &PropertyId) -> Option<Url> {
        self.with_segment("/splitters", id.as_str())
    }

    /// One client.
    #[must_use]
    pub fn client(&self, id: &PropertyId) -> Option<Url> {
        self.with_segment("/ftth-clients", id.as_str())
    }

    /// A list, filtered for the rows whose member equals a value.
    ///
    /// The filter is in the query, because proxies refuse a GET with a body.
    #[must_use]
    pub fn list(&self, route: &str, member: &str, value: &str) -> Option<Url> {
        let filter =
            serde_json::json!([{"property": member, "operator": "=", "value": value}]).to_string();
        let mut url = self.fixed(route)?;
        url.query_pairs_mut()
            .append_pair("filter", &filter)
            .append_pair("limit", &LIST_MAX.to_string());
        Some(url)
    }

    /// A route without variable parts.
    pub(super) fn fixed(&self, route: &str) -> Option<Url> {
        Url::parse(&format!("{}{route}", self.root)).ok()
    }

    fn with_segment(&self, route: &str, segment: &str) -> Option<Url> {
        let encoded = utf8_percent_encode(segment, SEGMENT).to_string();
        let url = Url::parse(&format!("{}{route}/{encoded}", self.root)).ok()?;
        self.leads_to(&url, route, segment).then_some(url)
    }

    /// Checks a URL: the same origin, the route, and one more segment, which decodes to the given
    /// one.
    fn leads_to(&self, url: &Url, route: &str, segment: &str) -> bool {
        let Some(parent) = self.fixed(route) else {
            return false;
        };
        let expected: Vec<&str> = parent.path_segments().into_iter().flatten().collect();
        let found: Vec<&str> = url.path_segments().into_iter().flatten().collect();
        let Some((last, before)) = found.split_last() else {
            return false;
        };
        origin(url) == self.origin
            && before == expected
            && percent_decode_str(last)
                .decode_utf8()
                .is_ok_and(|decoded| decoded == segment)
            && url.query().is_none()
            && url.fragment().is_none()
    }
}

/// The most rows of a filtered list; the guard refuses more than one anyway.
pub(super) const LIST_MAX: usize = 5;

fn origin(url: &Url) -> (String, Option<String>, Option<u16>) {
    (
        url.scheme().to_owned(),
        url.host_str().map(str::to_owned),
        url.port_or_known_default(),
    )
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || address
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may stop")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::ReservationCode;

    fn base() -> Base {
        Base::parse("https://ozmap.example:9994", PlainHttp::LoopbackOnly).unwrap()
    }

    #[test]
    fn the_code_of_the_tutorial_becomes_one_encoded_segment() {
        let url = base().properties_of("123|123").unwrap();
        assert_eq!(
            url.as_str(),
            "https://ozmap.example:9994/api/v2/properties/client/123%7C123"
        );
    }

    #[test]
    fn an_address_may_name_the_version_or_leave_it_out() {
        for text in [
            "https://h:9994",
            "https://h:9994/",
            "https://h:9994/api/v2",
            "https://h:9994/api/v2/",
        ] {
            assert_eq!(
                Base::parse(text, PlainHttp::LoopbackOnly).unwrap().root,
                "https://h:9994/api/v2"
            );
        }
        let prefixed = Base::parse("https://h/ozmap", PlainHttp::LoopbackOnly).unwrap();
        assert_eq!(prefixed.root, "https://h/ozmap/api/v2");
    }

    #[test]
    fn an_unencrypted_address_is_refused_off_this_machine() {
        let refused = Base::parse("http://10.0.0.1:9994", PlainHttp::LoopbackOnly);
        assert!(matches!(refused, Err(BaseError::NotEncrypted(_))));
        for text in [
            "http://127.0.0.1:9994",
            "http://localhost:1",
            "http://[::1]:1",
        ] {
            assert!(Base::parse(text, PlainHttp::LoopbackOnly).is_ok(), "{text}");
        }
        assert!(Base::parse("http://simulator:9994", PlainHttp::Allowed).is_ok());
        for text in [
            "ozmap",
            "ftp://h",
            "https://u:p@h",
            "https://h?x",
            "https://h#x",
            "",
        ] {
            assert!(Base::parse(text, PlainHttp::Allowed).is_err(), "{text}");
        }
    }

    #[test]
    fn codes_that_a_proxy_may_decode_are_looked_up_by_filter() {
        for text in ["abc/def", "a\\b", "%2e%2e", "100%"] {
            assert!(base().properties_of(text).is_none(), "{text}");
        }
        let url = base().list("/ftth-clients", "code", "abc/def").unwrap();
        let filter = url
            .query_pairs()
            .find(|(name, _)| name == "filter")
            .unwrap()
            .1;
        assert_eq!(
            filter,
            r#"[{"operator":"=","property":"code","value":"abc/def"}]"#
        );
    }

    proptest! {
        #[test]
        fn no_text_leads_anywhere_but_to_its_own_code(text in any::<String>()) {
            own_segments(&text)?;
        }

        #[test]
        fn no_ends_of_a_text_lead_anywhere_else(
            text in "[\\u{200b}\\u{200e}\\u{feff}\\u{a0} .\"'*]{0,3}[a-z0-9./\\\\%| ]{1,6}[\\u{200b}\\u{202c}\\u{feff}\\u{2007} .,*]{0,3}"
        ) {
            own_segments(&text)?;
        }

        #[test]
        fn punctuation_is_no_way_out(text in r"[./\\%?#|:@ a0;&=+\[\]^-]{1,12}") {
            own_segments(&text)?;
        }
    }

    /// Every spelling that OZmap is asked for is one segment, which reads back as that spelling.
    fn own_segments(text: &str) -> Result<(), TestCaseError> {
        let Ok(code) = ReservationCode::parse(text) else {
            return Ok(());
        };
        for spelling in code.spellings().into_iter().chain(code.near_spellings()) {
            let Some(url) = base().properties_of(&spelling) else {
                let needs_a_filter = spelling.contains(['/', '\\', '%']) || is_dots(&spelling);
                prop_assert!(needs_a_filter, "{:?}", spelling);
                continue;
            };
            let segments: Vec<_> = url.path_segments().unwrap().collect();
            prop_assert_eq!(&segments[..4], &["api", "v2", "properties", "client"]);
            prop_assert_eq!(segments.len(), 5);
            let decoded = percent_decode_str(segments[4]).decode_utf8().unwrap();
            prop_assert_eq!(&decoded, &spelling);
            prop_assert_eq!(url.host_str(), Some("ozmap.example"));
            prop_assert!(url.query().is_none() && url.fragment().is_none());
        }
        Ok(())
    }

    fn is_dots(text: &str) -> bool {
        matches!(text, "." | "..")
    }
}
