//! How a platform is answered: its templates, and the proof at start that every one of them holds.
//!
//! It must never send what is not well-formed, whatever a request brought along.

use super::platform::Platform;
use super::preset::{Escape, ProblemStatus};
use super::template::{Context, well_formed};
use super::{Echo, Rendered};
use crate::domain::{Locale, Outcome, Turn};

impl Platform {
    pub(super) fn problem_status(&self, status: u16) -> u16 {
        match self.spec.answer.problem_status {
            ProblemStatus::Own => status,
            // A platform that may retry with credentials must see that it has none. A wrong method is seen before the
            // first customer is.
            ProblemStatus::Ok if matches!(status, 401 | 405) => status,
            ProblemStatus::Ok => 200,
        }
    }

    /// Writes an answer in one of its phases: `reply`, `ask` or `ignore`.
    pub(super) fn render(&self, phase: &str, echo: Option<&Echo>, context: &Context) -> Rendered {
        let format = echo
            .and_then(|echo| echo.format.as_ref())
            .and_then(|name| Some((name, self.spec.answer.format.get(name)?)));
        let (escape, content_type, phase) = match format {
            Some((name, format)) if phase != "ignore" => (
                format.escape,
                &format.content_type,
                format!("format-{name}"),
            ),
            _ => (
                self.spec.answer.escape,
                &self.spec.answer.content_type,
                phase.to_owned(),
            ),
        };
        let body = self
            .templates
            .render(escape, &phase, context)
            .unwrap_or_else(|error| {
                // Every template was rendered at start with everything there and with nothing; this is the last resort.
                tracing::error!("an answer could not be written: {error}");
                String::new()
            });
        Rendered {
            content_type: content_type.clone(),
            body,
        }
    }

    /// Renders every template with hostile texts and with none, and checks what comes out.
    pub(super) fn rehearse(&self) -> Result<(), String> {
        let hostile = "\"<&>'{{}}${}]]>\u{7}\n\u{85}\u{202e}\u{1F600}ção".repeat(40);
        let hostile_echo = self
            .spec
            .echoed()
            .map(|name| (name.to_owned(), hostile.clone()))
            .collect();
        let bare = Context {
            echo: self.no_echo(),
            ..Context::default()
        };
        let full = Context {
            reply: hostile.clone(),
            protocol: "1".repeat(20),
            code: hostile.clone(),
            call: hostile.clone(),
            next_url: format!("https://h/webhooks/x?a={hostile}"),
            step_code: hostile,
            echo: hostile_echo,
            ..Context::default()
        };
        for context in [bare, full] {
            for locale in Locale::ALL.map(Locale::id) {
                for scene in scenes() {
                    self.rehearse_one(&Context {
                        locale: locale.to_owned(),
                        ..scene.played_in(context.clone())
                    })?;
                }
            }
        }
        Ok(())
    }

    fn rehearse_one(&self, context: &Context) -> Result<(), String> {
        let answer = &self.spec.answer;
        let mut phases: Vec<(Escape, String)> = vec![
            (answer.escape, "reply".to_owned()),
            (answer.escape, "ask".to_owned()),
        ];
        phases.extend(
            answer
                .format
                .iter()
                .map(|(name, format)| (format.escape, format!("format-{name}"))),
        );
        if !answer.ignore.trim().is_empty() {
            phases.push((answer.escape, "ignore".to_owned()));
        }
        for (escape, phase) in phases {
            let rendered = self.templates.render(escape, &phase, context)?;
            well_formed(escape, &rendered).map_err(|why| format!("the template {phase} {why}"))?;
        }
        Ok(())
    }
}

/// What an answer may be about; a template may turn aside at any of it.
#[derive(Clone, Copy)]
struct Scene {
    outcome: &'static str,
    is_final: bool,
    hands_off: bool,
    status: u16,
    step: &'static str,
}

impl Scene {
    const QUESTION: Self = Self {
        outcome: "",
        is_final: false,
        hands_off: false,
        status: 200,
        step: "code",
    };

    fn played_in(self, context: Context) -> Context {
        Context {
            outcome: self.outcome.to_owned(),
            r#final: self.is_final,
            handoff: self.hands_off,
            status: self.status,
            step: self.step.to_owned(),
            ..context
        }
    }
}

/// Every outcome, every question and a refusal.
fn scenes() -> impl Iterator<Item = Scene> {
    let outcomes = Outcome::ALL.into_iter().map(|outcome| Scene {
        outcome: outcome.id(),
        is_final: outcome.is_final(),
        hands_off: outcome.hands_off(),
        ..Scene::QUESTION
    });
    let turns = Turn::ALL.into_iter().map(|turn| Scene {
        outcome: turn.id(),
        hands_off: matches!(turn, Turn::HandOver),
        step: if turn.asks_for_a_yes() {
            "confirm"
        } else {
            "code"
        },
        ..Scene::QUESTION
    });
    let refusal = Scene {
        outcome: "unavailable",
        status: 503,
        ..Scene::QUESTION
    };
    outcomes.chain(turns).chain([refusal])
}
