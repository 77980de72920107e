//! What holds deletions back although everything works: said at the start and by `check`, in the same words.

/// What the settings and the journal say about it.
pub(super) struct Held {
    pub(super) paused: bool,
    pub(super) dry_run: bool,
    /// How many deletions this hour has left, where that is known.
    pub(super) deletes_left: Option<i64>,
}

impl Held {
    /// One sentence for each thing that an operator may have forgotten.
    pub(super) fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.paused {
            warnings.push("policy.paused = true: everything is accepted and held, nothing is looked up and nothing is deleted; write false to go on".to_owned());
        }
        if self.dry_run {
            warnings.push("policy.dry_run = true: nothing is deleted, the answer is would_cancel; write false to delete".to_owned());
        }
        if self.deletes_left == Some(0) {
            warnings.push("policy.deletes_per_hour_max: the deletions of this hour are spent; cancellations are held until the next hour, unless a higher number is written".to_owned());
        }
        warnings
    }
}
