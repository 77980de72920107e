//! One HTTP exchange with a listener of this machine, for `healthcheck`, `check` and the demo's
//! conversation.
//!
//! It calls socket addresses only, so it needs no name service, and it uses no proxy. It must never
//! call OZmap.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Client, Method, Response, Url, redirect, retry};
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};

use super::Problem;

/// The most bytes of a response body.
const BODY_BYTES_MAX: usize = 1024 * 1024;

/// A request to send.
pub(super) struct Request<'a> {
    method: Method,
    path: &'a str,
    authorization: Option<String>,
    body: Option<&'a str>,
}

impl<'a> Request<'a> {
    pub(super) fn get(path: &'a str) -> Self {
        Self {
            method: Method::GET,
            path,
            authorization: None,
            body: None,
        }
    }

    /// A POST of a JSON body.
    pub(super) fn post(path: &'a str, body: &'a str) -> Self {
        Self {
            method: Method::POST,
            path,
            authorization: None,
            body: Some(body),
        }
    }

    /// The same request with OZmap's raw key in `Authorization`.
    pub(super) fn with_key(self, key: &str) -> Self {
        Self {
            authorization: Some(key.to_owned()),
            ..self
        }
    }

    /// The same request with a bearer token.
    pub(super) fn with_bearer(self, secret: &str) -> Self {
        Self {
            authorization: Some(format!("Bearer {secret}")),
            ..self
        }
    }

    fn to(&self, address: SocketAddr) -> Result<reqwest::Request, Problem> {
        let url = Url::parse(&format!("http://{address}{}", self.path))?;
        let mut request = reqwest::Request::new(self.method.clone(), url);
        if let Some(authorization) = &self.authorization {
            let value = HeaderValue::from_str(authorization)?;
            request.headers_mut().insert(AUTHORIZATION, value);
        }
        if let Some(body) = self.body {
            let json = HeaderValue::from_static("application/json");
            request.headers_mut().insert(CONTENT_TYPE, json);
            *request.body_mut() = Some(body.to_owned().into());
        }
        Ok(request)
    }
}

/// Sends a request and reads the whole response: its status and its body.
pub(super) async fn exchange(
    address: SocketAddr,
    request: &Request<'_>,
    timeout: Duration,
) -> Result<(u16, String), Problem> {
    let mut request = request.to(address)?;
    *request.timeout_mut() = Some(timeout);
    let failed = |error: reqwest::Error| {
        if error.is_timeout() {
            let ms = timeout.as_millis();
            return Problem::new(format!("{address} did not answer within {ms} ms"));
        }
        let Problem(why) = Problem::from(error.without_url());
        Problem::new(format!("{address}: {why}"))
    };
    let response = client()?.execute(request).await.map_err(failed)?;
    let status = response.status().as_u16();
    let body = body(response).await.map_err(failed)?;
    Ok((status, String::from_utf8_lossy(&body).into_owned()))
}

/// The body, cut off at the cap.
async fn body(mut response: Response) -> Result<Vec<u8>, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        body.extend_from_slice(&chunk);
        if body.len() >= BODY_BYTES_MAX {
            body.truncate(BODY_BYTES_MAX);
            break;
        }
    }
    Ok(body)
}

/// A client without a proxy, redirects, retries and connections that outlive an exchange: those
/// would hold up a stop.
fn client() -> Result<Client, Problem> {
    // The library needs a TLS configuration even for http. This one trusts no certificate.
    let no_tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    Ok(Client::builder()
        .tls_backend_preconfigured(no_tls)
        .no_proxy()
        .http1_only()
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .pool_max_idle_per_host(0)
        .build()?)
}
