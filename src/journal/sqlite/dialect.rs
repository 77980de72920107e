//! The journal's statements in SQLite's dialect.

use super::super::words::with_words;

/// The clock, in milliseconds since 1970.
pub(super) const NOW: &str = "CAST(unixepoch('subsec')*1000 AS INTEGER)";

/// `$n` becomes `?n`: SQLite numbers `$name` by first appearance, not by its digits.
pub(super) fn translate(sql: &str, now: &str) -> String {
    with_words(sql)
        .replace("{NOW}", now)
        .replace("{SKIP}", "")
        .replace('$', "?")
}
