//! An answer of the simulator: status, headers and payload, before serialization.
//!
//! Responsible for the shapes that OZmap and the servers in front of it answer with. It must never
//! touch the world or a socket. The error texts of the real server are Portuguese JSON strings;
//! only the one about a duplicate code has been seen, so every other wording here is invented and
//! a client must not depend on it.

use hyper::StatusCode;
use serde_json::Value;

/// The payload of an answer, still editable while it is JSON.
#[derive(Clone, Debug)]
pub(super) enum Payload {
    /// No bytes at all.
    Empty,
    /// A document that faults may still change.
    Json(Value),
    /// Bytes that are sent as they are, with their label.
    Text {
        content_type: &'static str,
        text: String,
    },
}

/// One answer, not yet on the wire.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) payload: Payload,
    pub(super) headers: Vec<(&'static str, String)>,
}

pub(super) const JSON: &str = "application/json; charset=utf-8";
pub(super) const HTML: &str = "text/html; charset=utf-8";
pub(super) const PLAIN: &str = "text/plain; charset=utf-8";

impl Answer {
    fn with(status: StatusCode, payload: Payload) -> Answer {
        Answer {
            status,
            payload,
            headers: Vec::new(),
        }
    }

    pub(super) fn json(status: StatusCode, document: Value) -> Answer {
        Answer::with(status, Payload::Json(document))
    }

    pub(super) fn ok(document: Value) -> Answer {
        Answer::json(StatusCode::OK, document)
    }

    pub(super) fn empty(status: StatusCode) -> Answer {
        Answer::with(status, Payload::Empty)
    }

    pub(super) fn no_content() -> Answer {
        Answer::empty(StatusCode::NO_CONTENT)
    }

    /// An error as OZmap words it: a bare JSON string.
    pub(super) fn refusal(status: StatusCode, sentence: impl Into<String>) -> Answer {
        Answer::json(status, Value::String(sentence.into()))
    }

    /// The answer about an element that does not exist; the wording is invented.
    pub(super) fn not_found() -> Answer {
        Answer::refusal(StatusCode::NOT_FOUND, "Registro não encontrado.")
    }

    pub(super) fn plain(status: StatusCode, text: impl Into<String>) -> Answer {
        Answer::with(
            status,
            Payload::Text {
                content_type: PLAIN,
                text: text.into(),
            },
        )
    }

    pub(super) fn html(status: StatusCode, text: impl Into<String>) -> Answer {
        Answer::with(
            status,
            Payload::Text {
                content_type: HTML,
                text: text.into(),
            },
        )
    }

    pub(super) fn header(mut self, name: &'static str, value: impl Into<String>) -> Answer {
        self.headers.push((name, value.into()));
        self
    }

    /// The answer to a missing or unknown key.
    pub(super) fn unauthorized() -> Answer {
        Answer::plain(StatusCode::UNAUTHORIZED, "Unauthorized")
    }

    /// The answer to a key without the permission; the wording is invented.
    pub(super) fn forbidden() -> Answer {
        Answer::refusal(
            StatusCode::FORBIDDEN,
            "Usuário sem permissão para esta operação.",
        )
    }

    /// Express, when no route matches.
    pub(super) fn cannot(method: &str, path: &str) -> Answer {
        Answer::plain(StatusCode::NOT_FOUND, format!("Cannot {method} {path}"))
    }

    /// The stock error page of an nginx in front of OZmap.
    pub(super) fn nginx(status: StatusCode) -> Answer {
        let title = format!(
            "{} {}",
            status.as_u16(),
            status.canonical_reason().unwrap_or("Error")
        );
        Answer::html(
            status,
            format!(
                "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n\
                 <hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
            ),
        )
    }

    /// The page that a session which has ended is sent to.
    pub(super) fn login_page() -> Answer {
        Answer::html(
            StatusCode::OK,
            "<!doctype html><html><head><title>OZmap</title></head><body><form action=\"/login\" method=\"post\">\
             <input name=\"login\"><input name=\"password\" type=\"password\"><button>Entrar</button></form></body></html>",
        )
    }

    /// The page at the root of the server; it is invented.
    pub(super) fn root_page() -> Answer {
        Answer::html(
            StatusCode::OK,
            "<!doctype html><html><head><title>OZmap</title></head><body>OZmap</body></html>",
        )
    }

    /// The payload as bytes, with the label that belongs to it.
    pub(super) fn encode(payload: &Payload) -> (Option<&'static str>, String) {
        match payload {
            Payload::Empty => (None, String::new()),
            Payload::Json(document) => (Some(JSON), document.to_string()),
            Payload::Text { content_type, text } => (Some(content_type), text.clone()),
        }
    }
}
