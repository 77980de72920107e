//! What a platform signs: a text of literals and `{id}`, `{timestamp}` and `{body}`, read once at
//! start.

use super::error::SecretError;

/// The parts in their order.
#[derive(Debug)]
pub(super) struct Template(Vec<Part>);

#[derive(Debug, PartialEq, Eq)]
enum Part {
    Literal(String),
    Id,
    Timestamp,
    Body,
}

impl Template {
    /// Reads a template, and refuses one under which two requests could have one signed text.
    pub(super) fn parse(option: &'static str, text: &str) -> Result<Self, SecretError> {
        let bad = |problem: &str| SecretError::BadOption(option, problem.to_owned());
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((literal, tail)) = rest.split_once('{') {
            push_literal(&mut parts, literal);
            let (name, tail) = tail
                .split_once('}')
                .ok_or_else(|| bad("has a { without its }"))?;
            let part = match name {
                "id" => Part::Id,
                "timestamp" => Part::Timestamp,
                "body" => Part::Body,
                _ => return Err(bad("knows only {id}, {timestamp} and {body}")),
            };
            if parts.contains(&part) {
                return Err(bad("has one placeholder twice"));
            }
            // A time within the tolerance always has ten digits, so it may touch the body; an id
            // may touch nothing.
            let touches = |part: &Part| !matches!(part, Part::Literal(_));
            let is_time_before_body =
                part == Part::Body && matches!(parts.last(), Some(Part::Timestamp));
            if parts.last().is_some_and(touches) && !is_time_before_body {
                return Err(bad("needs a literal between its placeholders, like a dot"));
            }
            parts.push(part);
            rest = tail;
        }
        push_literal(&mut parts, rest);
        if parts.contains(&Part::Body) {
            Ok(Self(parts))
        } else {
            Err(bad("does not sign {body}, so the body could be replaced"))
        }
    }

    pub(super) fn has_id(&self) -> bool {
        self.0.contains(&Part::Id)
    }

    pub(super) fn has_timestamp(&self) -> bool {
        self.0.contains(&Part::Timestamp)
    }

    /// Whether an id could be mistaken for more than itself.
    pub(super) fn cuts(&self, id: &str) -> bool {
        self.0.iter().any(|part| match part {
            Part::Literal(literal) => id.contains(literal.as_str()),
            Part::Id | Part::Timestamp | Part::Body => false,
        })
    }

    /// The signed bytes of a request, piece by piece.
    pub(super) fn fill<'a>(
        &'a self,
        id: &'a str,
        timestamp: &'a str,
        body: &'a [u8],
    ) -> Vec<&'a [u8]> {
        let piece = |part: &'a Part| match part {
            Part::Literal(literal) => literal.as_bytes(),
            Part::Id => id.as_bytes(),
            Part::Timestamp => timestamp.as_bytes(),
            Part::Body => body,
        };
        self.0.iter().map(piece).collect()
    }
}

fn push_literal(parts: &mut Vec<Part>, literal: &str) {
    if !literal.is_empty() {
        parts.push(Part::Literal(literal.to_owned()));
    }
}
