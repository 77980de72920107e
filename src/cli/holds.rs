//! Settings and limits that stop deletions while everything works; `serve` and `check` warn with
//! the same sentences.

/// What currently stops deletions.
pub(super) struct DeletionHolds {
    pub(super) paused: bool,
    pub(super) dry_run: bool,
    /// How many deletions this hour's budget has left; `None` when the journal cannot be read.
    pub(super) deletes_left: Option<i64>,
}

impl DeletionHolds {
    /// One sentence for each, because the operator may have forgotten it.
    pub(super) fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.paused {
            warnings.push("policy.paused = true: requests are accepted and wait; no look-ups and no deletions. Write false to continue".to_owned());
        }
        if self.dry_run {
            warnings.push("policy.dry_run = true: nothing is deleted, every cancellation ends as would_cancel. Write false to delete".to_owned());
        }
        if self.deletes_left == Some(0) {
            warnings.push("policy.deletes_per_hour_max: this hour's deletion budget is spent; cancellations wait for the next hour, or for a higher number".to_owned());
        }
        warnings
    }
}
