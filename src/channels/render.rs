//! Renders a preset's answers, and proves at start that every template renders well-formed.
//!
//! It must never send an answer that is not well-formed, whatever the request contains.

use super::platform::Platform;
use super::preset::{Escape, ProblemStatus};
use super::template::{Context, well_formed};
use super::{Rendered, ReplyContext};
use crate::domain::{Locale, Outcome, Turn};

impl Platform {
    pub(super) fn problem_status(&self, status: u16) -> u16 {
        match self.spec.answer.problem_status {
            ProblemStatus::Own => status,
            // A platform that retries with credentials must see the 401. A wrong method is a setup
            // mistake.
            ProblemStatus::Ok if matches!(status, 401 | 405) => status,
            ProblemStatus::Ok => 200,
        }
    }

    /// Renders an answer in one of its phases: `reply`, `ask` or `ignore`.
    pub(super) fn render(
        &self,
        phase: &str,
        echo: Option<&ReplyContext>,
        context: &Context,
    ) -> Rendered {
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
                // Every template was rendered at start, so this should never happen.
                tracing::error!("failed to render an answer, sent an empty one: {error}");
                String::new()
            });
        Rendered {
            content_type: content_type.clone(),
            body,
        }
    }

    /// Renders every template with hostile texts and with empty ones, and checks the result.
    pub(super) fn validate_templates(&self) -> Result<(), String> {
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

/// The contexts that a template may branch on.
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
