//! Counts what brings a phone call to its end: failures, and corrections after the first few.
//!
//! A count that cannot be read must be the last one, never the first: a call must not ask for ever.

/// How many corrections of a call are free. A call must end, so every further one is a failure.
const CORRECTIONS_MAX: u8 = 3;

/// The failures of a call and its corrections, of which the first few are free.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) failures: u8,
    corrections: u8,
}

impl Count {
    /// The text in the state of a call: `1` after one failure, `1.2` after one failure and two
    /// corrections.
    pub(super) fn text(self) -> String {
        match self.corrections {
            0 => self.failures.to_string(),
            corrections => format!("{}.{corrections}", self.failures),
        }
    }

    /// An unreadable text is the last failure, never the first.
    pub(super) fn read(text: &str) -> Self {
        let (failures, corrections) = match text.split_once('.') {
            Some((failures, corrections)) => (failures, corrections.parse().ok()),
            None => (text, Some(0)),
        };
        match (failures.parse().ok(), corrections) {
            (Some(failures), Some(corrections)) => Self {
                failures,
                corrections,
            },
            (None, _) | (_, None) => Self::LAST,
        }
    }

    pub(super) const LAST: Self = Self {
        failures: u8::MAX,
        corrections: 0,
    };

    /// After one more failure.
    pub(super) const fn failed(self) -> Self {
        Self {
            failures: self.failures.saturating_add(1),
            ..self
        }
    }

    /// After one more correction.
    pub(super) const fn corrected(self) -> Self {
        if self.corrections >= CORRECTIONS_MAX {
            return self.failed();
        }
        Self {
            corrections: self.corrections.saturating_add(1),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_three_corrections_are_no_failures_and_every_further_one_is() {
        let mut count = Count::default();
        let counted: Vec<(u8, String)> = (0..5)
            .map(|_| {
                count = count.corrected();
                assert_eq!(Count::read(&count.text()), count);
                (count.failures, count.text())
            })
            .collect();
        let texts = ["0.1", "0.2", "0.3", "1.3", "2.3"].map(str::to_owned);
        assert!(counted.iter().map(|(_, text)| text).eq(&texts));
        assert!(
            counted
                .iter()
                .map(|(failures, _)| failures)
                .eq(&[0, 0, 0, 1, 2])
        );
    }

    #[test]
    fn a_count_that_cannot_be_read_is_the_last_one() {
        assert_eq!(Count::read("1"), Count::default().failed());
        for text in ["", "-1", "x", "1.x", "1.", ".1", "1.2.3", "256", "1.256"] {
            assert_eq!(Count::read(text), Count::LAST, "{text}");
        }
    }
}
