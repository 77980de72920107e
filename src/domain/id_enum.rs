//! `id_enum!`: defines an enum whose variants have stable ids.
//!
//! One definition generates the variants, their ids, the list of all values and the parser, so that
//! none of them can omit a variant. The ids are written out, because journals, dashboards and
//! callers' code store them: renaming a variant must never change its id, as a derive from the
//! variant's name would. Two variants with the same id do not compile.

/// Declares an enum with `ALL`, `id`, `from_id` and `Display`.
///
/// A block `or { Refused(Refusal), }` adds a variant that wraps every value of another such enum.
macro_rules! id_enum {
    (
        $(#[$meta:meta])*
        $vis:vis enum $name:ident {
            $(
                $(#[$variant_meta:meta])*
                $variant:ident = $id:literal,
            )+
        }
        $(or {
            $(#[$outer_meta:meta])*
            $outer:ident($inner:ident),
        })?
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        $vis enum $name {
            $($(#[$variant_meta])* $variant,)+
            $($(#[$outer_meta])* $outer($inner),)?
        }

        impl $name {
            const OWN: [Self; [$($id),+].len()] = [$(Self::$variant),+];

            /// Every value, in the order of the definition.
            pub const ALL: [Self; Self::OWN.len() $(+ $inner::ALL.len())?] = {
                let mut all = [Self::OWN[0]; Self::OWN.len() $(+ $inner::ALL.len())?];
                let mut at = 0;
                while at < Self::OWN.len() {
                    all[at] = Self::OWN[at];
                    at += 1;
                }
                $(
                    while at < all.len() {
                        all[at] = Self::$outer($inner::ALL[at - Self::OWN.len()]);
                        at += 1;
                    }
                )?
                all
            };

            /// The stable id.
            #[must_use]
            pub const fn id(self) -> &'static str {
                match self {
                    $(Self::$variant => $id,)+
                    $(Self::$outer(inner) => inner.id(),)?
                }
            }

            /// The value with this id, if there is one.
            #[must_use]
            pub fn from_id(id: &str) -> Option<Self> {
                match id {
                    $($id => Some(Self::$variant),)+
                    _ => None$(.or_else(|| $inner::from_id(id).map(Self::$outer)))?,
                }
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.id())
            }
        }
    };
}

pub(crate) use id_enum;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::fmt::Debug;
    use std::hash::Hash;

    use crate::domain::{EventKind, Locale, Outcome, Reason, Refusal, State, Turn};

    /// Asserts that each id parses back to its variant and that no two variants share an id.
    fn is_complete<T: Copy + Debug + Eq + Hash>(
        all: &[T],
        id: fn(T) -> &'static str,
        from_id: fn(&str) -> Option<T>,
    ) {
        for one in all {
            assert_eq!(from_id(id(*one)), Some(*one));
        }
        let ids: HashSet<&str> = all.iter().map(|one| id(*one)).collect();
        let variants: HashSet<&T> = all.iter().collect();
        assert_eq!((ids.len(), variants.len()), (all.len(), all.len()));
        assert_eq!(from_id("no such id"), None);
        assert_eq!(from_id(""), None);
    }

    #[test]
    fn every_id_leads_back_to_its_variant_and_is_unique() {
        is_complete(&Outcome::ALL, Outcome::id, Outcome::from_id);
        is_complete(&Refusal::ALL, Refusal::id, Refusal::from_id);
        is_complete(&Reason::ALL, Reason::id, Reason::from_id);
        is_complete(&EventKind::ALL, EventKind::id, EventKind::from_id);
        is_complete(&State::ALL, State::id, State::from_id);
        is_complete(&Turn::ALL, Turn::id, Turn::from_id);
        is_complete(&Locale::ALL, Locale::id, Locale::from_id);
    }

    #[test]
    fn a_reason_stands_for_every_refusal() {
        for refusal in Refusal::ALL {
            let reason = Reason::Refused(refusal);
            assert_eq!(reason.id(), refusal.id());
            assert!(Reason::ALL.contains(&reason));
        }
        assert_eq!(
            Reason::ALL
                .iter()
                .filter(|it| matches!(it, Reason::Refused(_)))
                .count(),
            Refusal::ALL.len()
        );
    }
}
