//! Warnings about `journal.guard_age_ms_max`, and about "self" in `policy.only_created_by`.

use super::{Setup, assert_says};

#[test]
fn a_guard_age_that_is_too_short_for_the_lookup_timeout_is_warned_about() {
    for (guard_age_ms, lookup_ms, is_short) in [
        ("20000", "8000", false),
        ("17000", "8000", false),
        ("16999", "8000", true),
        ("3000", "8000", true),
        ("3000", "1000", false),
        ("20000", "10000", true),
    ] {
        let said = Setup::complete()
            .set("JOURNAL__GUARD_AGE_MS_MAX", guard_age_ms)
            .set("OZMAP__LOOKUP_MS", lookup_ms)
            .accepted();
        let warned = said.contains("warning  journal.guard_age_ms_max");
        assert_eq!(warned, is_short, "{guard_age_ms} {lookup_ms}: {said}");
    }
    let zero = Setup::complete().set("JOURNAL__GUARD_AGE_MS_MAX", "0");
    let problem = zero.problem();
    assert_says(&problem, &["journal.guard_age_ms_max = 0", "above 0"]);
}

#[test]
fn self_with_a_key_that_names_no_user_is_warned_about() {
    // The claims are {"module":"api","user":"chatbot"} and {"module":"api"}.
    for (key, is_warned) in [
        (
            "e30.eyJtb2R1bGUiOiJhcGkiLCJ1c2VyIjoiY2hhdGJvdCJ9.c2ln",
            false,
        ),
        ("e30.eyJtb2R1bGUiOiJhcGkifQ.c2ln", true),
        ("no-jwt", true),
    ] {
        for (listed, rests_on_it) in [("self", true), ("ura, self", true), ("ura", false)] {
            let said = Setup::complete()
                .set("OZMAP__API_KEY", key)
                .set("POLICY__ONLY_CREATED_BY", listed)
                .accepted();
            let warned = said.contains("warning  policy.only_created_by has \"self\"");
            assert_eq!(warned, is_warned && rests_on_it, "{key} {listed}: {said}");
            assert!(!said.contains(key), "{said}");
        }
    }
}
