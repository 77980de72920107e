//! Secrets that are sent as they are: bearer, Basic, a header of its own, the query.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::error::{AuthError, CredentialLocation};
use super::secrets::Secrets;
use super::{Inbound, address, the_only};

pub(super) fn check_bearer(secrets: &Secrets, inbound: &Inbound<'_>) -> Result<(), AuthError> {
    let token = authorization(inbound, "bearer", "`Bearer SECRET`")?;
    believe(secrets.hold(token.as_bytes()), "the bearer token")
}

pub(super) fn check_basic(secrets: &Secrets, inbound: &Inbound<'_>) -> Result<(), AuthError> {
    const FORM: &str = "`Basic` and then user:password in base64";
    let encoded = authorization(inbound, "basic", FORM)?;
    let credentials = STANDARD
        .decode(encoded)
        .map_err(|_| AuthError::malformed("authorization", FORM))?;
    believe(secrets.hold(&credentials), "the user and password")
}

pub(super) fn check_header(
    name: &str,
    secrets: &Secrets,
    inbound: &Inbound<'_>,
) -> Result<(), AuthError> {
    let token = the_only(inbound, name)?;
    let place = CredentialLocation::Header(name.to_owned());
    believe(secrets.hold(token.as_bytes()), &place.to_string())
}

pub(super) fn check_query(
    name: &str,
    secrets: &Secrets,
    inbound: &Inbound<'_>,
) -> Result<(), AuthError> {
    let token = address::the_only_member(inbound.target, name)?
        .ok_or_else(|| AuthError::Missing(CredentialLocation::Query(name.to_owned())))?;
    let place = CredentialLocation::Query(name.to_owned());
    believe(secrets.hold(token.as_bytes()), &place.to_string())
}

/// The part of `Authorization` after the scheme.
pub(super) fn authorization<'a>(
    inbound: &Inbound<'a>,
    scheme: &str,
    form: &str,
) -> Result<&'a str, AuthError> {
    match the_only(inbound, "authorization")?.split_once(' ') {
        Some((given, rest)) if given.eq_ignore_ascii_case(scheme) => Ok(rest.trim()),
        Some(_) | None => Err(AuthError::malformed("authorization", form)),
    }
}

fn believe(fits: impl Into<bool>, what: &str) -> Result<(), AuthError> {
    if fits.into() {
        Ok(())
    } else {
        Err(AuthError::Wrong(what.to_owned()))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may stop")]
mod tests {
    use super::super::testing::{
        Request, SECRET, assert_needs_headers, assert_rotates, parse, scheme,
    };
    use super::super::{AuthError, Scheme, SecretError};

    #[test]
    fn a_bearer_token_is_believed() {
        let request = Request::new().header("authorization", &format!("Bearer {SECRET}"));
        assert_rotates(&request, SECRET, "another", |secret| {
            scheme("bearer", secret)
        });
        let bearer = scheme("bearer", SECRET);
        assert_needs_headers(&request, &bearer, &["authorization"]);
        let request = Request::new().header("authorization", &format!("bEARER   {SECRET} "));
        assert_eq!(request.check(&bearer), Ok(()));
    }

    #[test]
    fn two_bearer_secrets_are_not_one_with_a_space() {
        let bearer = scheme("bearer", "one two");
        for (token, is_right) in [
            ("one", true),
            ("two", true),
            ("one two", false),
            ("", false),
        ] {
            let request = Request::new().header("authorization", &format!("Bearer {token}"));
            assert_eq!(request.check(&bearer).is_ok(), is_right, "{token}");
        }
    }

    #[test]
    fn the_words_about_a_bearer_token_stay_as_they_were() {
        let bearer = scheme("bearer", SECRET);
        let said = |request: Request| request.check(&bearer).unwrap_err().to_string();
        let token = |value: &str| Request::new().header("authorization", value);
        assert_eq!(
            said(Request::new()),
            "the header `authorization` is missing"
        );
        assert_eq!(
            said(token("Bearer x").also("authorization", "Bearer x")),
            "the header `authorization` is given more than once"
        );
        assert_eq!(
            said(token(SECRET)),
            "the header `authorization` is not of the form `Bearer SECRET`"
        );
        assert_eq!(
            said(token("Bearer x")),
            "the bearer token does not fit any active secret of this channel"
        );
    }

    #[test]
    fn a_user_and_password_are_believed() {
        let request = Request::new().header("authorization", "Basic dXNlcjpwYXNz");
        assert_rotates(&request, "user:pass", "user:word", |secret| {
            scheme("basic", secret)
        });
        assert_needs_headers(&request, &scheme("basic", "user:pass"), &["authorization"]);
        let colon = Request::new().header("authorization", "Basic dTpwOnE=");
        assert_eq!(colon.check(&scheme("basic", "u:p:q")), Ok(()));
    }

    #[test]
    fn what_is_no_user_and_password_is_refused_at_start() {
        for secret in ["password", "user:", ":", "user:pass word"] {
            let error = parse("basic", secret, "").unwrap_err();
            assert_eq!(error, SecretError::NotCredentials);
        }
    }

    #[test]
    fn a_token_in_a_header_of_its_own_is_believed() {
        let make = |secret: &str| parse("header", secret, "header = \"X-Token\"").unwrap();
        let request = Request::new().header("x-token", SECRET);
        assert_rotates(&request, SECRET, "another", make);
        assert_needs_headers(&request, &make(SECRET), &["x-token"]);
    }

    #[test]
    fn a_token_in_the_query_is_believed_once() {
        let make = |secret: &str| parse("query", secret, "query = \"token\"").unwrap();
        let target = |query: &str| Request::new().target(&format!("/webhooks/ivr?{query}"));
        assert_rotates(&target("x=1&token=s%2bcret%7C"), "s+cret|", "s", make);
        let scheme: Scheme = make("one");
        assert_eq!(target("%74oken=one").check(&scheme), Ok(()));
        for wrong in ["token=One", "token=one1", "token", "token=", "token=%ff"] {
            let wrong = target(wrong).check(&scheme);
            assert!(matches!(wrong, Err(AuthError::Wrong(_))), "{wrong:?}");
        }
        for missing in ["", "x=1", "Token=one", "x=token=one"] {
            let missing = target(missing).check(&scheme).unwrap_err();
            assert_eq!(
                missing.to_string(),
                "the member `token` of the query is missing"
            );
        }
        for twice in ["token=one&token=one", "token=one&tok%65n=x"] {
            let twice = target(twice).check(&scheme);
            assert!(matches!(twice, Err(AuthError::Repeated(_))), "{twice:?}");
        }
    }
}
