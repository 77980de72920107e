//! The public listener from the outside.
//!
//! - `conversations` questions and their answers across several messages, restarts and replicas
//! - `limits`        bodies, heads, overload, health, stop, and what must not be logged
//! - `refusals`      requests that are refused, in the platform's own form
//! - `request_ids`   `x-request-id`, the access line, and the spans of requests and cancellations
//! - `routes`        the route table, the router and the OpenAPI document say the same
//! - `traces`        `traceparent`, from the webhook to OZmap

mod conversations;
mod limits;
mod refusals;
mod request_ids;
mod routes;
mod traces;
