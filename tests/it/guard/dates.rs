//! The age limit: a property that existed before its reservation is documentation, and the guard
//! keeps it.

use ozmap_cancel::domain::{Field, Occupancy, Property};

use super::{policy, property, says, text, with_client};

/// The guard's decision about a property with these dates.
fn born(created: Field<String>, entered: Field<String>) -> &'static str {
    let residence = Occupancy {
        enter_date: entered,
        exit_date: Field::Null,
    };
    let property = Property {
        created_at: created,
        history: Field::Value(vec![residence]),
        ..property()
    };
    says(property, &policy())
}

#[test]
fn a_property_is_born_with_its_reservation_within_ten_minutes() {
    let entered = || text("2026-01-12T12:00:00.000Z");
    for (created, expected) in [
        ("2026-01-12T12:00:00.000Z", "delete"),
        ("2026-01-12T11:59:56.300Z", "delete"),
        ("2026-01-12T11:50:00.000Z", "delete"),
        ("2026-01-12T11:49:59.999Z", "preexisting_property"),
        ("2025-01-12T12:00:00.000Z", "preexisting_property"),
        ("2026-01-12T12:00:04.000Z", "delete"),
        ("2026-01-12T09:00:00.000-03:00", "delete"),
        ("2026-01-12T12:00:00+03:00", "preexisting_property"),
        ("2026-01-12", "preexisting_property"),
        ("2026-01-12T12:00:00", "preexisting_property"),
        ("12/01/2026 12:00", "preexisting_property"),
        ("-009999-01-01T00:00:00Z", "preexisting_property"),
        ("now", "preexisting_property"),
        ("", "preexisting_property"),
    ] {
        assert_eq!(born(text(created), entered()), expected, "{created}");
    }
    assert_eq!(born(entered(), text("yesterday")), "preexisting_property");
    assert_eq!(born(entered(), Field::Unreadable), "preexisting_property");
    assert_eq!(born(Field::Unreadable, entered()), "preexisting_property");
}

#[test]
fn a_date_that_is_not_stated_is_no_evidence() {
    let entered = || text("2026-01-12T12:00:00.000Z");
    for missing in [Field::Missing, Field::Null] {
        assert_eq!(born(missing.clone(), entered()), "delete");
        // Without an entry date, the guard uses the client's creation date.
        assert_eq!(born(entered(), missing.clone()), "delete");
        let old = text("2020-01-01T00:00:00Z");
        assert_eq!(born(old, missing.clone()), "preexisting_property");
        let neither = Property {
            created_at: missing.clone(),
            history: Field::Missing,
            ..with_client(|client| client.created_at = missing)
        };
        assert_eq!(says(neither, &policy()), "delete");
    }
}

#[test]
fn somebody_who_lived_there_before_keeps_the_property() {
    let residence = |exit_date: Field<String>| Occupancy {
        enter_date: text("2026-01-12T12:00:00.000Z"),
        exit_date,
    };
    let left = text("2026-01-13T00:00:00.000Z");
    for (residences, expected) in [
        (vec![], "delete"),
        (vec![residence(Field::Missing)], "delete"),
        (vec![residence(left.clone())], "preexisting_property"),
        (vec![residence(text(""))], "preexisting_property"),
        (vec![residence(Field::Unreadable)], "preexisting_property"),
        (
            vec![residence(left), residence(Field::Null)],
            "preexisting_property",
        ),
        (
            vec![residence(Field::Null), residence(Field::Null)],
            "preexisting_property",
        ),
    ] {
        let property = Property {
            history: Field::Value(residences),
            ..property()
        };
        assert_eq!(says(property, &policy()), expected);
    }
    // Without a history, the guard uses the client's creation date.
    for history in [Field::Missing, Field::Null] {
        let property = Property {
            history,
            created_at: text("2025-11-01T00:00:00Z"),
            ..with_client(|client| client.created_at = text("2026-01-12T12:00:00Z"))
        };
        assert_eq!(says(property, &policy()), "preexisting_property");
    }
}
