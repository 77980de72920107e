//! Selects the journal of the tests: `OZMAP_CANCEL_TEST_STORE=postgres` runs the same tests on
//! PostgreSQL.

use std::path::Path;

use ozmap_cancel::journal::{ConnectOptions, JournalUrl};

use super::postgres;

/// Whether the journal is a file, as it is unless the environment selects PostgreSQL.
pub fn is_embedded() -> bool {
    match std::env::var("OZMAP_CANCEL_TEST_STORE").as_deref() {
        Err(_) | Ok("" | "sqlite") => true,
        Ok("postgres") => false,
        Ok(other) => panic!("OZMAP_CANCEL_TEST_STORE={other}; write sqlite or postgres"),
    }
}

/// The address of the journal that belongs to a folder.
pub fn journal_url(folder: &Path) -> String {
    if is_embedded() {
        return format!("sqlite:{}", folder.join("journal.db").display());
    }
    let server = postgres::shared().expect("OZMAP_CANCEL_TEST_STORE=postgres needs PostgreSQL");
    server.place(folder.file_name().unwrap().to_str().unwrap())
}

/// The same address in the type of the journal.
pub fn journal_place(folder: &Path) -> JournalUrl {
    JournalUrl::parse(&journal_url(folder), &ConnectOptions::default()).unwrap()
}
