//! Puts the ids of the domain's enums into SQL: `'{State::Done}'` becomes `'done'`.
//!
//! A statement never spells an id itself. The partial indexes, the CHECKs and the conflict clauses
//! of the schema need these words as literals, so they cannot be bound as parameters.

use std::fmt::Debug;

use crate::domain::{EventKind, Outcome, Reason, State};

/// A statement with the ids in place of their names.
pub(super) fn with_words(sql: &str) -> String {
    let sql = put(sql, "State", &State::ALL.map(|it| (it, it.id())));
    let sql = put(&sql, "Outcome", &Outcome::ALL.map(|it| (it, it.id())));
    let sql = put(&sql, "Reason", &Reason::ALL.map(|it| (it, it.id())));
    put(&sql, "EventKind", &EventKind::ALL.map(|it| (it, it.id())))
}

fn put(sql: &str, name: &str, ids: &[(impl Debug, &str)]) -> String {
    if !sql.contains(&format!("{{{name}::")) {
        return sql.to_owned();
    }
    ids.iter().fold(sql.to_owned(), |text, (variant, id)| {
        text.replace(&format!("{{{name}::{variant:?}}}"), id)
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop")]
mod tests {
    use std::path::Path;

    use super::*;

    /// The texts between single quotes, outside of comments.
    fn quoted(text: &str, comment: &str) -> Vec<String> {
        let lines = text
            .lines()
            .filter(|line| !line.trim().starts_with(comment));
        let texts = lines.flat_map(|line| line.split('\'').skip(1).step_by(2));
        texts.map(str::to_owned).collect()
    }

    fn is_an_id(word: &str) -> bool {
        State::from_id(word).is_some()
            || Outcome::from_id(word).is_some()
            || Reason::from_id(word).is_some()
            || EventKind::from_id(word).is_some()
    }

    #[test]
    fn a_name_becomes_its_id() {
        let sql = "state <> '{State::Done}' AND o.reason IN ('{Reason::JoinedLate}','{Reason::Refused(Installed)}') {NOW}";
        let text = "state <> 'done' AND o.reason IN ('joined_late','installed') {NOW}";
        assert_eq!(with_words(sql), text);
    }

    #[test]
    fn no_statement_spells_an_id_and_every_name_is_known() {
        let statements = include_str!("sql.rs");
        for word in quoted(statements, "//") {
            assert!(!is_an_id(&word), "sql.rs spells '{word}'");
        }
        let filled = with_words(statements);
        assert!(filled.contains("state <> 'done'"));
        let unknown = filled
            .lines()
            .find(|line| line.contains("::") && line.contains("'{"));
        assert_eq!(unknown, None, "no such variant");
    }

    /// Migrations are frozen text, so enums cannot fill in their ids.
    #[test]
    fn the_words_of_the_schema_are_the_ids_of_the_enums() {
        let mut files = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src/journal")];
        let (mut states, mut others) = (Vec::new(), Vec::new());
        while let Some(path) = files.pop() {
            if path.is_dir() {
                files.extend(path.read_dir().unwrap().map(|entry| entry.unwrap().path()));
                continue;
            }
            if path.extension().is_none_or(|extension| extension != "sql") {
                continue;
            }
            for word in quoted(&std::fs::read_to_string(&path).unwrap(), "--") {
                match State::from_id(&word) {
                    Some(state) => states.push(state),
                    None => others.push((path.clone(), word)),
                }
            }
        }
        for state in State::ALL {
            assert!(states.contains(&state), "no CHECK allows {state}");
        }
        for (path, word) in others {
            assert_eq!(word, Outcome::Cancelled.id(), "{}", path.display());
        }
    }
}
