//! The journal's statements in SQLite's dialect.

/// The clock, in milliseconds since 1970.
pub(super) const NOW: &str = "CAST(unixepoch('subsec')*1000 AS INTEGER)";

/// `$n` becomes `?n`: SQLite numbers `$name` by first appearance, not by its digits.
pub(super) fn translate(sql: &str, now: &str) -> String {
    sql.replace("{NOW}", now)
        .replace("{SKIP}", "")
        .replace('$', "?")
}
