//! The one table of routes. The router and the OpenAPI document are both made of it, so a route is
//! one row here and its handler; a row cannot be served without being described, nor described
//! without being served.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Response, StatusCode};
use axum::middleware::{from_fn, from_fn_with_state, map_response};
use axum::routing::{MethodRouter, any, get};
use serde_json::Value;
use tower_http::catch_panic::CatchPanicLayer;

use super::openapi::{self, schemas};
use super::{App, edge, health, problem, request_context, response, webhook};

/// One route of the public listener.
struct Route {
    /// Its address, as axum writes it.
    path: &'static str,
    /// The handler.
    serve: fn() -> MethodRouter<Arc<App>>,
    /// The OpenAPI path items of this address, one for each channel where the address has a name in
    /// it.
    describe: fn(&App, &str) -> Vec<(String, Value)>,
}

/// Everything that the public listener serves.
fn table() -> [Route; 5] {
    [
        Route {
            path: "/webhooks/{name}",
            serve: || any(webhook::webhook).options(edge::preflight),
            describe: openapi::webhooks,
        },
        Route {
            path: "/health",
            serve: || get(health::detail),
            describe: |_, path| {
                openapi::page(path, "the health in detail", &[200, 503], schemas::health())
            },
        },
        Route {
            path: "/health/live",
            serve: || get(health::live),
            describe: |_, path| {
                openapi::page(
                    path,
                    "liveness: the process answers",
                    &[200],
                    schemas::status(),
                )
            },
        },
        Route {
            path: "/health/ready",
            serve: || get(health::ready),
            describe: |_, path| {
                openapi::page(
                    path,
                    "readiness: whether to send traffic",
                    &[200, 503],
                    schemas::status(),
                )
            },
        },
        Route {
            path: "/openapi.json",
            serve: || get(document),
            describe: |_, path| openapi::page(path, "this document", &[200], schemas::document()),
        },
    ]
}

/// The addresses of the table, as axum writes them.
pub fn paths() -> impl Iterator<Item = &'static str> {
    table().into_iter().map(|route| route.path)
}

/// `GET /openapi.json`: what every row says of itself.
async fn document(State(app): State<Arc<App>>) -> Response<Body> {
    let paths = table()
        .iter()
        .flat_map(|route| (route.describe)(&app, route.path))
        .collect();
    response::json(StatusCode::OK, &openapi::describe(&app, paths))
}

/// The routes of the public listener, and what every request passes on its way to them.
pub(super) fn router(app: Arc<App>) -> Router {
    let routes = table()
        .iter()
        .fold(Router::new(), |router, route| {
            router.route(route.path, (route.serve)())
        })
        .fallback(edge::nearly_right)
        .method_not_allowed_fallback(problem::only_get)
        .layer(from_fn_with_state(app.clone(), edge::unambiguous));
    wrapped(routes.with_state(app))
}

/// What every request passes, from the inside to the outside: a panic of a handler has an id as
/// well.
fn wrapped(routes: Router) -> Router {
    routes
        .layer(CatchPanicLayer::custom(problem::HandlerPanicked))
        .layer(from_fn(request_context::in_context))
        .layer(map_response(response::harden))
}

#[cfg(test)]
#[expect(clippy::panic, clippy::unwrap_used, reason = "a test may stop")]
mod tests {
    use axum::body::Body;
    use axum::http::{Request, Response};
    use hyper::service::Service;
    use hyper_util::service::TowerToHyperService;

    use super::*;

    async fn panics() -> Response<Body> {
        panic!("for the answer")
    }

    #[tokio::test]
    async fn the_answer_after_a_panic_names_its_request_too() {
        let routes = wrapped(Router::new().route("/panics", get(panics)));
        let request = Request::get("/panics").header("x-request-id", "one-of-ours");
        let answering = TowerToHyperService::new(routes).call(request.body(Body::empty()).unwrap());
        let answer = answering.await.unwrap();
        assert_eq!(answer.status(), 500);
        assert_eq!(answer.headers()["x-request-id"], "one-of-ours");
        assert_eq!(answer.headers()["cache-control"], "no-store");
    }
}
