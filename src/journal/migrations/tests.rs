//! The plans for journals of every schema, whole and damaged.
//!
//! They must never depend on a database.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test may stop")]

use super::*;

/// A journal that has what the first so many migrations add, and says so or not.
struct Old {
    migrations: usize,
    version: Option<i64>,
    gone: Vec<Added>,
    has_rows: bool,
}

impl Tables for Old {
    fn has_each(&mut self, added: &[Added]) -> Result<Vec<bool>, Error> {
        let has: Vec<Added> = MIGRATIONS[..self.migrations.min(MIGRATIONS.len())]
            .iter()
            .flat_map(|migration| statements(migration))
            .filter_map(|statement| Added::of(&statement))
            .collect();
        let is_there = |one: &Added| has.contains(one) && !self.gone.contains(one);
        Ok(added.iter().map(is_there).collect())
    }

    fn version(&mut self) -> Result<Option<i64>, Error> {
        Ok(self.version)
    }

    fn has_rows(&mut self) -> Result<bool, Error> {
        Ok(self.has_rows)
    }
}

fn plan_of(migrations: usize, version: Option<i64>, gone: Vec<Added>) -> Result<Plan, Error> {
    plan(&mut Old {
        migrations,
        version,
        gone,
        has_rows: true,
    })
}

#[test]
fn every_older_schema_is_upgraded_by_what_it_lacks() {
    let all: Vec<_> = MIGRATIONS.iter().map(|one| statements(one)).collect();
    for from in 1..MIGRATIONS.len() {
        let Plan::Upgrade {
            from: said,
            statements,
        } = plan_of(from, None, vec![]).unwrap()
        else {
            panic!("schema {from} is not upgraded");
        };
        assert_eq!(usize::try_from(said).unwrap(), from);
        assert_eq!(statements, all[from..].concat());
    }
    assert_eq!(
        plan_of(0, None, vec![]).unwrap(),
        Plan::Create(all.concat())
    );
    let newest_one = plan_of(MIGRATIONS.len(), Some(newest()), vec![]).unwrap();
    assert_eq!(newest_one, Plan::Nothing);
}

#[test]
fn an_upgrade_that_recorded_no_version_is_completed() {
    let whole = plan_of(MIGRATIONS.len(), None, vec![]).unwrap();
    let expected = Plan::Upgrade {
        from: newest(),
        statements: vec![],
    };
    assert_eq!(whole, expected);
}

#[test]
fn a_newer_and_a_damaged_journal_are_refused() {
    let newer = plan_of(99, Some(newest() + 1), vec![])
        .unwrap_err()
        .to_string();
    assert!(newer.contains("start the newer version"), "{newer}");
    assert!(newer.contains("restore the backup"), "{newer}");
    let table = Added::Table("delivery".to_owned());
    for (migrations, version) in [(1, None), (MIGRATIONS.len(), Some(newest()))] {
        let gone = plan_of(migrations, version, vec![table.clone()]);
        let said = gone.unwrap_err().to_string();
        assert!(said.contains("table delivery is gone"), "{said}");
    }
    let column = Added::Column {
        table: "op".to_owned(),
        column: "came_as".to_owned(),
    };
    let gone = plan_of(MIGRATIONS.len(), Some(newest()), vec![column]);
    let said = gone.unwrap_err().to_string();
    assert!(
        said.contains("column came_as of table op is gone"),
        "{said}"
    );
}

fn table(name: &str) -> Added {
    Added::Table(name.to_owned())
}

fn index(name: &str) -> Added {
    Added::Index(name.to_owned())
}

#[test]
fn a_lost_index_is_created_again_and_stops_no_start() {
    for (migrations, version, from) in [
        (MIGRATIONS.len(), Some(newest()), newest()),
        (4, Some(4), 4),
        (4, None, 4),
        (1, None, 1),
    ] {
        let gone = vec![index("op_for_a_person")];
        let whole = plan_of(migrations, version, vec![]).unwrap();
        assert_eq!(
            plan_of(migrations, version, gone.clone()).unwrap(),
            whole,
            "{from}"
        );
        if let Plan::Upgrade { from: said, .. } = whole {
            assert_eq!(said, from);
        }
        let mut upgraded = Old {
            migrations: MIGRATIONS.len(),
            version: Some(newest()),
            gone,
            has_rows: true,
        };
        let missing = missing_indexes(&mut upgraded).unwrap();
        assert_eq!(missing.len(), 1, "{missing:?}");
        assert_eq!(missing[0].name, "op_for_a_person");
        assert!(
            missing[0]
                .statement
                .starts_with("CREATE INDEX IF NOT EXISTS op_for_a_person ON op")
        );
    }
}

#[test]
fn a_lost_unique_index_is_damage() {
    let gone = vec![Added::UniqueIndex("op_one_active".to_owned())];
    let said = plan_of(MIGRATIONS.len(), Some(newest()), gone)
        .unwrap_err()
        .to_string();
    assert!(
        said.contains("unique index op_one_active is gone"),
        "{said}"
    );
}

#[test]
fn a_first_start_that_was_killed_is_completed_while_there_is_no_cancellation() {
    let first: Vec<Added> = statements(MIGRATIONS[0])
        .iter()
        .filter_map(|statement| Added::of(statement))
        .collect();
    let end = first
        .iter()
        .position(|adds| adds.is_table("heartbeat"))
        .unwrap();
    // The kill came after so many statements.
    for done in 1..=end {
        let mut half = Old {
            migrations: 1,
            version: None,
            gone: first[done..].to_vec(),
            has_rows: false,
        };
        let expected = MIGRATIONS.iter().flat_map(|one| statements(one));
        let expected: Vec<String> = expected.skip(done).collect();
        assert_eq!(plan(&mut half).unwrap(), Plan::Create(expected), "{done}");
        half.has_rows = true;
        let said = plan(&mut half).unwrap_err().to_string();
        assert!(said.contains(" is gone"), "{done}: {said}");
    }
    // With a version, nothing is ever half made.
    let mut versioned = Old {
        migrations: MIGRATIONS.len(),
        version: Some(newest()),
        gone: vec![table("delivery")],
        has_rows: false,
    };
    let said = plan(&mut versioned).unwrap_err().to_string();
    assert!(said.contains("table delivery is gone"), "{said}");
}

#[test]
fn a_journal_without_its_cancellations_is_refused() {
    for (migrations, version) in [(1, None), (4, None), (MIGRATIONS.len(), Some(newest()))] {
        let said = plan_of(migrations, version, vec![table("op")]);
        let said = said.unwrap_err().to_string();
        assert!(said.contains("its table op is gone"), "{said}");
    }
    // One of the others is enough.
    for left in &FIRST_TABLES[1..] {
        let gone = FIRST_TABLES.iter().filter(|name| *name != left);
        let gone = gone.map(|name| table(name)).collect();
        let said = plan_of(1, None, gone).unwrap_err().to_string();
        assert!(said.contains("its table op is gone"), "{left}: {said}");
    }
}

/// An operator may run them in one line.
#[test]
fn no_statement_holds_a_comment() {
    for statement in MIGRATIONS.iter().flat_map(|one| statements(one)) {
        assert!(!statement.contains("--"), "{statement}");
    }
}
