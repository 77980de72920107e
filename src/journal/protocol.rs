//! The protocol number of a cancellation, which the customer may quote: digits only, and unique in
//! the journal.
//!
//! It must never say anything about the customer or the reservation.

use rand::RngExt;

use super::error::Error;
use super::sql;
use super::store::Store;
use crate::domain::Protocol;

/// How often a protocol number is drawn before it grows a digit longer each time.
const PROTOCOL_DRAWS_MAX: usize = 24;

/// Draws a number that no other cancellation has: the date and six digits, more on a busy day.
pub(super) fn free_protocol(store: &mut dyn Store, date: &str) -> Result<String, Error> {
    for draw in 0..PROTOCOL_DRAWS_MAX {
        let digits = 6 + draw / 4;
        let mut random = rand::rng();
        let tail: String = (0..digits)
            .map(|_| char::from(b'0' + random.random_range(0..10u8)))
            .collect();
        let protocol = format!("{date}{tail}");
        if Protocol::parse(&protocol).is_some()
            && store
                .query(sql::FIND_PROTOCOL, &[protocol.as_str().into()])?
                .is_empty()
        {
            return Ok(protocol);
        }
    }
    Err(Error::Unavailable(
        "no free protocol number was drawn".to_owned(),
    ))
}
