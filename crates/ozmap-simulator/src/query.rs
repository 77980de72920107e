//! Lists: which rows a caller asked for, in which order, and which page of them.
//!
//! Responsible for the filter language of OZmap (from the body or the query; the body wins), for
//! `sort`, `select`, `limit` and `page`, and for the envelope. It must never read the world: rows
//! come in, an envelope goes out. `nextUrl` never carries `page`, because the official SDK
//! overwrites that parameter and would ask for the same page for ever.

use std::cmp::Ordering;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::documents::set;
use super::filter::{self, Filter};
use super::quirks::{Filters, Pagination, Quirks};
use super::request::Request;

/// The default page size.
const LIMIT_DEFAULT: usize = 25;

/// How many rows a list has whose filter is ignored.
const STRANGERS: usize = 1_749;

/// One request for a list.
#[derive(Debug)]
pub(super) struct Listing {
    filter: Filter,
    sort: Vec<Sort>,
    select: Vec<String>,
    /// `None` is everything.
    limit: Option<usize>,
    start: usize,
    /// The id of the last row of the page before, where pages are told apart by it.
    after: Option<String>,
    /// What `nextUrl` has to repeat, as the body is repeated by the caller.
    carried: Vec<(&'static str, String)>,
}

#[derive(Debug)]
struct Sort {
    path: String,
    direction: Direction,
}

#[derive(Clone, Copy, Debug)]
enum Direction {
    Ascending,
    Descending,
}

impl Listing {
    /// The error is a sentence for the caller; its wording is invented.
    pub(super) fn parse(request: &Request) -> Result<Listing, String> {
        let body = request.json();
        let limit = limit(request.parameter("limit"));
        let page = number(request.parameter("page")).unwrap_or(1).max(1);
        let start = match number(request.parameter("next")) {
            Some(cursor) => cursor,
            None => (page - 1).saturating_mul(limit.unwrap_or(0)),
        };
        Ok(Listing {
            filter: Filter::parse(&member(request, &body, "filter")?)?,
            sort: sort(&member(request, &body, "sort")?),
            select: select(request),
            limit,
            start,
            after: request.parameter("lastSeenId").map(str::to_owned),
            carried: ["filter", "sort", "select"]
                .into_iter()
                .filter_map(|name| Some((name, request.parameter(name)?.to_owned())))
                .collect(),
        })
    }

    /// The same, with no more of its filter than this OZmap understands.
    pub(super) fn understood(mut self, quirks: &Quirks) -> Listing {
        match quirks.filters {
            Filters::Obeyed | Filters::Ignored => {}
            Filters::RootOnly => {
                let filter = std::mem::replace(&mut self.filter, Filter::All(Vec::new()));
                self.filter = filter.root_only();
            }
        }
        self
    }

    /// Only the rows that the filter lets through, in the order asked for.
    pub(super) fn matching(&self, rows: Vec<Value>) -> Vec<Value> {
        let mut rows: Vec<Value> = rows
            .into_iter()
            .filter(|row| self.filter.matches(row))
            .collect();
        rows.sort_by(|left, right| self.order(left, right));
        rows
    }

    /// The envelope with the page of these rows that was asked for.
    pub(super) fn envelope(&self, rows: Vec<Value>, path: &str, quirks: &Quirks) -> Value {
        let rows = match quirks.filters {
            Filters::Obeyed | Filters::RootOnly => self.matching(rows),
            Filters::Ignored if self.filter.is_empty() => self.matching(rows),
            Filters::Ignored => strangers(rows, &self.filter),
        };
        let total = rows.len();
        let start = self.start_in(&rows);
        let page: Vec<Value> = rows
            .into_iter()
            .skip(start)
            .take(self.limit.unwrap_or(usize::MAX))
            .map(|row| self.selected(row))
            .collect();
        let end = start.saturating_add(page.len());
        let last = page.last().and_then(|row| row["id"].as_str());
        let last = last.or(self.after.as_deref()).map(str::to_owned);
        let mut envelope = json!({
            "total": total,
            "count": page.len(),
            "rows": page,
            "start": start,
            "limit": self.limit.map_or(json!(-1), |limit| json!(limit)),
        });
        let has_next = self.limit.is_some_and(|limit| limit > 0) && end < total;
        match quirks.pagination {
            Pagination::Legacy => {}
            Pagination::Modern => {
                envelope["hasNextPage"] = json!(has_next);
                if has_next {
                    envelope["nextUrl"] = json!(self.next_url(path, &format!("next={end}")));
                }
            }
            Pagination::LastSeenId => {
                let cursor = format!("lastSeenId={}", last.unwrap_or_default());
                envelope["hasNextPage"] = json!(has_next);
                envelope["nextUrl"] = json!(self.next_url(path, &cursor));
            }
        }
        envelope
    }

    /// One document with the members that were selected; `id` always stays.
    pub(super) fn selected(&self, row: Value) -> Value {
        keep(&self.select, row)
    }

    /// Where the page begins: after a row, or at a number.
    fn start_in(&self, rows: &[Value]) -> usize {
        let Some(after) = &self.after else {
            return self.start;
        };
        let at = rows.iter().position(|row| row["id"] == after.as_str());
        at.map_or(rows.len(), |at| at + 1)
    }

    fn next_url(&self, path: &str, cursor: &str) -> String {
        let limit = self.limit.unwrap_or(LIMIT_DEFAULT);
        let mut url = format!("{path}?{cursor}&limit={limit}");
        for (name, value) in &self.carried {
            url.push_str(&format!(
                "&{name}={}",
                utf8_percent_encode(value, NON_ALPHANUMERIC)
            ));
        }
        url
    }

    fn order(&self, left: &Value, right: &Value) -> Ordering {
        self.sort
            .iter()
            .map(|sort| {
                let ordering = filter::compare(at(left, &sort.path), at(right, &sort.path))
                    .unwrap_or(Ordering::Equal);
                match sort.direction {
                    Direction::Ascending => ordering,
                    Direction::Descending => ordering.reverse(),
                }
            })
            .find(|ordering| *ordering != Ordering::Equal)
            .unwrap_or(Ordering::Equal)
    }
}

/// The text that a member of every row must be, when nothing else is asked for.
pub(super) fn only(request: &Request, member: &str) -> Option<String> {
    let listing = Listing::parse(request).ok()?;
    listing.filter.only(member).map(str::to_owned)
}

/// The same, where the others need not be looked at because this OZmap obeys.
pub(super) fn narrowed(request: &Request, member: &str, quirks: &Quirks) -> Option<String> {
    match quirks.filters {
        Filters::Obeyed | Filters::RootOnly => only(request, member),
        Filters::Ignored => None,
    }
}

/// The rows when a filter is ignored: many others first, the requested ones far behind them.
fn strangers(rows: Vec<Value>, filter: &Filter) -> Vec<Value> {
    let (asked, mut others): (Vec<Value>, Vec<Value>) =
        rows.into_iter().partition(|row| filter.matches(row));
    let Some(like) = others.first().or(asked.first()).cloned() else {
        return Vec::new();
    };
    for number in others.len() + asked.len()..STRANGERS {
        others.push(stranger(&like, number));
    }
    others.extend(asked);
    others
}

/// A row like another one, of a customer of its own.
fn stranger(like: &Value, number: usize) -> Value {
    let mut row = like.clone();
    let id = |kind: &str| json!(format!("5eed0000{kind}{number:012x}"));
    set(&mut row, "id", id("aaaa"));
    if row["client"].is_object() {
        set(&mut row["client"], "id", id("cccc"));
        set(
            &mut row["client"],
            "code",
            json!(format!("estranho-{number}")),
        );
    } else if row.get("code").is_some() {
        set(&mut row, "code", json!(format!("estranho-{number}")));
    }
    row
}

/// One document with only the members that `?select=` names.
pub(super) fn selected(request: &Request, row: Value) -> Value {
    keep(&select(request), row)
}

fn keep(select: &[String], row: Value) -> Value {
    let (Value::Object(object), false) = (&row, select.is_empty()) else {
        return row;
    };
    let is_kept = |name: &str| {
        if select.iter().all(|field| field.starts_with('-')) {
            !select.iter().any(|field| field.get(1..) == Some(name))
        } else {
            select
                .iter()
                .any(|field| field.split('.').next() == Some(name))
        }
    };
    object
        .iter()
        .filter(|(name, _)| name.as_str() == "id" || is_kept(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

fn at<'a>(row: &'a Value, path: &str) -> &'a Value {
    path.split('.').fold(row, |value, name| &value[name])
}

fn number(parameter: Option<&str>) -> Option<usize> {
    parameter.and_then(|text| text.parse().ok())
}

fn limit(parameter: Option<&str>) -> Option<usize> {
    match parameter.and_then(|text| text.parse::<i64>().ok()) {
        None => Some(LIMIT_DEFAULT),
        Some(limit) => usize::try_from(limit).ok(),
    }
}

fn select(request: &Request) -> Vec<String> {
    request
        .parameter("select")
        .unwrap_or_default()
        .split_whitespace()
        .map(|name| if name == "_id" { "id" } else { name }.to_owned())
        .collect()
}

/// A member of the body, else the parameter of the same name as JSON, else `null`.
fn member(request: &Request, body: &Value, name: &str) -> Result<Value, String> {
    if let Some(value) = body.get(name) {
        return Ok(value.clone());
    }
    match request.parameter(name) {
        None | Some("") => Ok(Value::Null),
        Some(text) => {
            serde_json::from_str(text).map_err(|_| format!("O parâmetro {name} não é JSON válido."))
        }
    }
}

fn sort(list: &Value) -> Vec<Sort> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(|item| {
            let descends = item["direction"].as_i64() == Some(-1)
                || item["direction"]
                    .as_str()
                    .is_some_and(|word| word.eq_ignore_ascii_case("desc"));
            Some(Sort {
                path: item["property"].as_str()?.to_owned(),
                direction: if descends {
                    Direction::Descending
                } else {
                    Direction::Ascending
                },
            })
        })
        .collect()
}
