//! The languages of the service. Each language has one line here and two embedded files:
//! `config/replies/LOCALE.toml` with its sentences, and `config/language/LOCALE.toml` with its
//! customers' words and the tags of its voices. A language must never be added here alone: it does
//! not compile without its files.

use super::id_enum::id_enum;

/// Declares the languages. A language without its files does not compile.
macro_rules! locales {
    ($($(#[$meta:meta])* $variant:ident = $id:literal,)+) => {
        id_enum! {
            /// A language of the replies. The id is its tag in the public contract.
            pub enum Locale { $($(#[$meta])* $variant = $id,)+ }
        }

        impl Locale {
            /// The text of `config/replies/LOCALE.toml`.
            #[must_use]
            pub const fn replies_file(self) -> &'static str {
                match self {
                    $(Self::$variant => {
                        include_str!(concat!("../../config/replies/", $id, ".toml"))
                    })+
                }
            }

            /// The text of `config/language/LOCALE.toml`.
            #[must_use]
            pub const fn language_file(self) -> &'static str {
                match self {
                    $(Self::$variant => {
                        include_str!(concat!("../../config/language/", $id, ".toml"))
                    })+
                }
            }
        }
    };
}

locales! {
    /// Brazilian Portuguese.
    PtBr = "pt-BR",
    /// Spanish.
    Es = "es",
    /// English.
    En = "en",
}

impl Locale {
    /// The language without its region, in lower case: `pt` of `pt-BR`.
    #[must_use]
    pub fn language(self) -> &'static str {
        self.id().split('-').next().unwrap_or_default()
    }

    /// The closest locale to a language tag in the spelling of any platform: `pt`, `pt_BR`,
    /// `PT-br`, `es-419`, `en-US`.
    #[must_use]
    pub fn parse(tag: &str) -> Option<Self> {
        let language = tag.trim().split(['-', '_']).next()?;
        Self::ALL
            .into_iter()
            .find(|locale| locale.language().eq_ignore_ascii_case(language))
    }

    /// The ids of all languages in quotes, for an error about an unknown one.
    #[must_use]
    pub fn list() -> String {
        Self::ALL
            .map(|locale| format!("\"{}\"", locale.id()))
            .join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_leads_to_the_closest_language() {
        for (tag, locale) in [
            ("pt", Some(Locale::PtBr)),
            (" PT_br ", Some(Locale::PtBr)),
            ("pt-PT", Some(Locale::PtBr)),
            ("es-419", Some(Locale::Es)),
            ("EN-us", Some(Locale::En)),
            ("", None),
            ("e", None),
            ("fr", None),
            ("português", None),
        ] {
            assert_eq!(Locale::parse(tag), locale, "{tag}");
        }
    }

    #[test]
    fn no_two_locales_share_a_language() {
        for locale in Locale::ALL {
            assert_eq!(Locale::parse(locale.id()), Some(locale));
        }
    }
}
