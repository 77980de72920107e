//! Channels from the outside: authentication, the meaning of a request, and its answer.
//!
//! - `native`        the JSON channel
//! - `captured`      requests that platforms really sent (`cases/PRESET/CASE.http`) and their
//!   answers
//! - `platforms`     platforms that exist only as an operator's TOML file
//! - `presets`       the preset in the documentation, and each mistake that an operator can make in
//!   it
//! - `calls`         phone calls: keypad and speech
//! - `misread`       requests that must not delete by a misunderstanding
//! - `signatures`    requests signed by the platforms' own libraries
//! - `any_of_auth`   channels that accept one of several authentication methods
//! - `properties`    the checks of the fuzz targets, on generated input
//! - `messages/`     free text and what it means; `src/channels/message/tests.rs` reads it

mod any_of_auth;
mod calls;
mod captured;
mod misread;
mod native;
mod platforms;
mod presets;
mod properties;
mod signatures;
