//! Unmodified third-party software: platforms that call the running service, and validators that
//! judge its answers.
//!
//! `bash tests/third-parties` installs it below the checkout. A missing program must never pass
//! silently: it is reported, and fails in CI.

mod answers;
mod container;
mod dialogflow;
mod jambonz;
mod node_red;
mod openapi;
pub mod program;
mod rasa;
mod xml;
