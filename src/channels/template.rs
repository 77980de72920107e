//! Renders answers in a platform's format: minijinja templates that escape every text.
//!
//! A text from outside must never become markup. Characters that XML forbids, and `${`, which a
//! dialplan would expand, are removed before any template sees them.

use std::collections::BTreeMap;

use minijinja::value::ValueKind;
use minijinja::{
    AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior, Value, context,
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use quick_xml::escape::escape;

use super::language::Voices;
use super::preset::{AnswerSpec, Escape};

/// Everything but RFC 3986 unreserved characters.
const FORM: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The most characters of a text of the request that an answer repeats; a longer one is left out.
const ECHO_CHARS_MAX: usize = 1024;

/// The variables of a template; all of them always exist.
#[derive(Clone, Debug, Default)]
pub(super) struct Context {
    /// The sentence for the customer.
    pub(super) reply: String,
    /// The id of the outcome, or of what happened instead of one.
    pub(super) outcome: String,
    pub(super) r#final: bool,
    pub(super) handoff: bool,
    /// The status that a problem would have.
    pub(super) status: u16,
    pub(super) protocol: String,
    pub(super) code: String,
    pub(super) locale: String,
    pub(super) replayed: bool,
    /// The conversation.
    pub(super) call: String,
    /// The URL of the next turn of a call.
    pub(super) next_url: String,
    /// The state of a call, for platforms that carry it in parameters: failures so far, the step,
    /// the code.
    pub(super) failures: String,
    pub(super) step: String,
    pub(super) step_code: String,
    /// The signature of this state.
    pub(super) seal: String,
    /// Texts of the request.
    pub(super) echo: BTreeMap<String, String>,
}

impl Context {
    fn values(self, voices: Option<&Voices>) -> Value {
        context! {
            reply => self.reply,
            outcome => self.outcome,
            final => self.r#final,
            handoff => self.handoff,
            status => self.status,
            protocol => self.protocol,
            code => self.code,
            locale => self.locale,
            replayed => self.replayed,
            call => self.call,
            next_url => self.next_url,
            failures => self.failures,
            step => self.step,
            step_code => self.step_code,
            seal => self.seal,
            echo => self.echo,
            voices => voices.map(Voices::value).unwrap_or_default(),
        }
    }

    fn cleaned(&self) -> Self {
        let mut clean = self.clone();
        for text in [
            &mut clean.reply,
            &mut clean.outcome,
            &mut clean.protocol,
            &mut clean.code,
            &mut clean.locale,
            &mut clean.call,
            &mut clean.next_url,
            &mut clean.step_code,
        ] {
            *text = harmless(text);
        }
        for text in clean.echo.values_mut() {
            // Half an address or half an id is a wrong one.
            *text = if text.chars().count() > ECHO_CHARS_MAX {
                String::new()
            } else {
                harmless(text)
            };
        }
        clean
    }
}

/// The templates of one preset.
pub(super) struct Templates {
    environment: Environment<'static>,
    /// The voices of each language, by its id.
    voices: Vec<(&'static str, Voices)>,
    /// The names that they may mention.
    known: Vec<String>,
}

impl Templates {
    /// Compiles the templates of an answer.
    ///
    /// # Errors
    /// What is wrong in which template.
    pub(super) fn compile<'s>(
        answer: &AnswerSpec,
        echoes: impl Iterator<Item = &'s str>,
    ) -> Result<Self, String> {
        let known = known_names(echoes);
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|name| match name.split('/').next() {
            Some("json") => AutoEscape::Json,
            Some("xml") => AutoEscape::Custom("xml".into()),
            Some("form") => AutoEscape::Custom("form".into()),
            _ => AutoEscape::None,
        });
        environment.set_formatter(format);
        // A text as a member of an address.
        environment.add_filter("query", |text: &str| {
            utf8_percent_encode(text, FORM).to_string()
        });
        let ask = answer.ask.as_ref().unwrap_or(&answer.reply);
        let mut named = vec![
            (name(answer.escape, "reply"), answer.reply.clone()),
            (name(answer.escape, "ask"), ask.clone()),
            (name(answer.escape, "ignore"), answer.ignore.clone()),
        ];
        for (format, spec) in &answer.format {
            named.push((
                name(spec.escape, &format!("format-{format}")),
                spec.reply.clone(),
            ));
        }
        for (name, template) in named {
            environment
                .add_template_owned(name.clone(), template.trim().to_owned())
                .map_err(|error| format!("the template {name}: {error:#}"))?;
        }
        let mentions_voices = (environment.templates())
            .any(|(_, it)| it.undeclared_variables(false).contains("voices"));
        let voices = if mentions_voices {
            Voices::of_all()?
        } else {
            Vec::new()
        };
        Ok(Self {
            environment,
            voices,
            known,
        })
    }

    /// Writes an answer; one line where the answer is text.
    pub(super) fn render(
        &self,
        escape: Escape,
        phase: &str,
        context: &Context,
    ) -> Result<String, String> {
        let name = name(escape, phase);
        let rendered = self
            .environment
            .get_template(&name)
            .and_then(|template| template.render(context.cleaned().values(self.voices(context))))
            .map_err(|error| format!("the template {name}: {}", self.explained(&name, &error)))?;
        Ok(match escape {
            Escape::Text => rendered.split_whitespace().collect::<Vec<_>>().join(" "),
            Escape::Json | Escape::Xml | Escape::Form => rendered,
        })
    }
}

impl Templates {
    fn voices(&self, context: &Context) -> Option<&Voices> {
        let mut voices = self.voices.iter();
        voices
            .find(|(locale, _)| *locale == context.locale)
            .map(|(_, voices)| voices)
    }

    /// The error, with the name that it is about, which the library does not say.
    fn explained(&self, template: &str, error: &Error) -> String {
        let is_unknown = error.kind() == ErrorKind::UndefinedError;
        let used = self.environment.get_template(template).ok();
        let used = used.filter(|_| is_unknown);
        let mut unknown: Vec<String> = used
            .map(|template| template.undeclared_variables(true))
            .into_iter()
            .flatten()
            // One that the template sets itself, though only under a condition, is counted, too.
            .filter(|name| !self.known.contains(name) && !self.is_set(template, name))
            .map(|name| format!("`{name}`"))
            .collect();
        unknown.sort_unstable();
        if unknown.is_empty() {
            format!("{error:#}")
        } else {
            format!(
                "there is no {}; there are {}",
                unknown.join(", no "),
                self.known.join(", ")
            )
        }
    }

    fn is_set(&self, template: &str, name: &str) -> bool {
        let template = self.environment.get_template(template);
        template.is_ok_and(|template| template.source().contains(&format!("set {name} ")))
    }
}

/// The names that a template may mention.
fn known_names<'s>(echoes: impl Iterator<Item = &'s str>) -> Vec<String> {
    let always = Context::default().values(None);
    let names = always.try_iter().into_iter().flatten();
    let mut known: Vec<String> = names
        .map(|name| name.to_string())
        .filter(|name| name != "echo" && name != "voices")
        .chain(Voices::NAMES.map(str::to_owned))
        .chain(echoes.map(|name| format!("echo.{name}")))
        .collect();
    known.sort_unstable();
    known
}

/// Checks that an answer is what it claims to be.
pub(super) fn well_formed(escape: Escape, rendered: &str) -> Result<(), String> {
    match escape {
        Escape::Json => serde_json::from_str::<serde_json::Value>(rendered)
            .map(drop)
            .map_err(|error| format!("is not JSON: {error}")),
        Escape::Xml => well_formed_xml(rendered),
        Escape::Text if rendered.contains(['\n', '\r']) => Err("is more than one line".to_owned()),
        Escape::Form if rendered.contains([' ', '+', '\n']) => {
            Err("has a character that a form cannot carry".to_owned())
        }
        Escape::Text | Escape::Form => Ok(()),
    }
}

fn well_formed_xml(rendered: &str) -> Result<(), String> {
    use quick_xml::Reader;
    use quick_xml::events::Event;
    let mut reader = Reader::from_str(rendered);
    reader.config_mut().check_end_names = true;
    let (mut open, mut roots) = (0_usize, 0_usize);
    loop {
        match reader.read_event() {
            Err(error) => return Err(format!("is not XML: {error}")),
            Ok(Event::Start(_)) => {
                roots += usize::from(open == 0);
                open += 1;
            }
            Ok(Event::End(_)) => open = open.saturating_sub(1),
            Ok(Event::Empty(_)) => roots += usize::from(open == 0),
            Ok(Event::Text(text)) if open == 0 && !text.trim_ascii().is_empty() => {
                return Err("has text outside its root".to_owned());
            }
            Ok(Event::Eof) if open == 0 && roots == 1 => return Ok(()),
            Ok(Event::Eof) => return Err("has not one root, or one that is not closed".to_owned()),
            Ok(_) => {}
        }
    }
}

fn name(escape: Escape, phase: &str) -> String {
    let escape = match escape {
        Escape::Json => "json",
        Escape::Xml => "xml",
        Escape::Text => "text",
        Escape::Form => "form",
    };
    format!("{escape}/{phase}")
}

fn format(out: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    // A flag is written as JSON writes it, in every form.
    let text = if value.kind() == ValueKind::Bool {
        value.is_true().to_string()
    } else {
        value.to_string()
    };
    let encoded = match state.auto_escape() {
        AutoEscape::Custom(form) if form == "form" => utf8_percent_encode(&text, FORM).to_string(),
        AutoEscape::Custom(xml) if xml == "xml" => escape(text.as_str()).into_owned(),
        AutoEscape::None if value.kind() == ValueKind::Bool => text,
        AutoEscape::None | AutoEscape::Html | AutoEscape::Json | AutoEscape::Custom(_) | _ => {
            return minijinja::escape_formatter(out, state, value);
        }
    };
    out.write_str(&encoded)
        .map_err(|error| Error::new(ErrorKind::WriteFailure, error.to_string()))
}

/// A text without characters that XML or a dialplan cannot take, or that change the direction of
/// other text.
fn harmless(text: &str) -> String {
    let legal = |c: &char| {
        matches!(c, '\t' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
            && !matches!(c, '\u{7f}'..='\u{9f}' | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let text: String = text.chars().filter(legal).collect();
    // Removing one may create another.
    let mut text = text;
    while text.contains("${") {
        text = text.replace("${", "");
    }
    text
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop")]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_escaped_for_xml_elements_and_for_attributes_in_either_quotes() {
        let answer: AnswerSpec = toml::from_str(
            "content_type = \"text/xml\"\nescape = \"xml\"\nreply = \"{{ reply }}\"\n",
        )
        .unwrap();
        let templates = Templates::compile(&answer, std::iter::empty()).unwrap();
        for (reply, expected) in [
            ("", ""),
            ("ção | 😀", "ção | 😀"),
            ("a & b && c", "a &amp; b &amp;&amp; c"),
            ("<Say>", "&lt;Say&gt;"),
            ("]]>", "]]&gt;"),
            ("\"it's\"", "&quot;it&apos;s&quot;"),
            ("&amp;", "&amp;amp;"),
            ("tab\tkept, line\r\ndropped", "tab\tkept, linedropped"),
        ] {
            let context = Context {
                reply: reply.to_owned(),
                ..Context::default()
            };
            let rendered = templates.render(Escape::Xml, "reply", &context).unwrap();
            assert_eq!(rendered, expected, "{reply:?}");
        }
    }
}
