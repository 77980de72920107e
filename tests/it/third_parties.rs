//! Software of others, as it is: platforms that call the running service, and validators that judge its answers.
//!
//! `bash tests/third-parties` installs all of it below the checkout. What is missing is said, and fails in CI.

#[path = "third_parties/answers.rs"]
mod answers;
#[path = "third_parties/container.rs"]
mod container;
#[path = "third_parties/dialogflow.rs"]
mod dialogflow;
#[path = "third_parties/jambonz.rs"]
mod jambonz;
#[path = "third_parties/node_red.rs"]
mod node_red;
#[path = "third_parties/openapi.rs"]
mod openapi;
#[path = "third_parties/program.rs"]
pub mod program;
#[path = "third_parties/rasa.rs"]
mod rasa;
#[path = "third_parties/xml.rs"]
mod xml;
