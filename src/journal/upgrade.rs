//! What later versions added to the tables, so that every journal that was ever written opens.
//!
//! Only additions that an older version can ignore: two versions may share one database while replicas are replaced.

use super::Error;

/// A column that was added to a table that older versions made; it may always be empty.
#[derive(Clone, Copy)]
struct Addition {
    /// In the order in which they came; never given again.
    number: u32,
    table: &'static str,
    column: &'static str,
    kind: &'static str,
}

/// Every addition, also in `schema.sql`, where a new journal gets it from, at the end of its table.
const ADDITIONS: [Addition; 7] = [
    addition(1, "op", "came_as", "TEXT"),
    addition(2, "conversation", "asked_code", "TEXT"),
    addition(3, "conversation", "asked_mode", "TEXT"),
    addition(4, "conversation", "asked_by", "TEXT"),
    addition(5, "conversation", "asked_at", "BIGINT"),
    addition(6, "conversation", "answered", "BIGINT"),
    addition(7, "conversation", "answered_key", "TEXT"),
];

const fn addition(
    number: u32,
    table: &'static str,
    column: &'static str,
    kind: &'static str,
) -> Addition {
    Addition {
        number,
        table,
        column,
        kind,
    }
}

/// The columns that a journal lacks, as its store tells which it has.
pub(super) fn missing(
    mut has_column: impl FnMut(&str, &str) -> Result<bool, Error>,
) -> Result<Vec<&'static str>, Error> {
    let mut missing = Vec::new();
    for addition in ADDITIONS {
        if !has_column(addition.table, addition.column)? {
            missing.push(addition.column);
        }
    }
    Ok(missing)
}

/// How a store adds a column.
#[derive(Clone, Copy)]
pub(super) enum Adding {
    /// One process at a time does.
    Alone,
    /// Another replica may have been faster.
    Together,
}

/// The statements that add them.
pub(super) fn additions(missing: &[&str], adding: Adding) -> String {
    let unless_there = match adding {
        Adding::Alone => "",
        Adding::Together => "IF NOT EXISTS ",
    };
    let mut statements = String::new();
    for addition in ADDITIONS.iter().filter(|one| missing.contains(&one.column)) {
        let Addition {
            number,
            table,
            column,
            kind,
        } = addition;
        tracing::info!(
            number,
            table,
            column,
            "the journal of an older version gets a column"
        );
        statements.push_str(&format!(
            "ALTER TABLE {table} ADD COLUMN {unless_there}{column} {kind};"
        ));
    }
    statements
}

/// A statement for a journal that is only read and lacks columns: they are empty.
pub(super) fn without(missing: &[&str], statement: String) -> String {
    // The longest first: `answered` is also the beginning of `answered_key`.
    let mut missing = missing.to_vec();
    missing.sort_by_key(|column| std::cmp::Reverse(column.len()));
    missing.iter().fold(statement, |text, column| {
        text.replace(column, "CAST(NULL AS TEXT)")
    })
}
