//! The filter language: `[{"property","operator","value"}]`, where a nested list is an OR group.
//!
//! Responsible for deciding whether a row matches. It must never guess: an operator that is not
//! simulated (the geographic ones) is refused, so that no test passes by an empty answer.

use std::cmp::Ordering;

use serde_json::Value;

/// A condition on a row.
#[derive(Debug)]
pub(super) enum Filter {
    All(Vec<Filter>),
    Any(Vec<Filter>),
    Test {
        path: Vec<String>,
        operator: Operator,
        value: Value,
    },
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Operator {
    Equal,
    Different,
    Like,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    NotIn,
    Exists,
    All,
}

impl Operator {
    fn parse(name: &str) -> Result<Operator, String> {
        match name {
            "=" | "eq" => Ok(Operator::Equal),
            "!=" | "ne" => Ok(Operator::Different),
            "like" => Ok(Operator::Like),
            "<" => Ok(Operator::Less),
            "<=" => Ok(Operator::LessOrEqual),
            ">" => Ok(Operator::Greater),
            ">=" => Ok(Operator::GreaterOrEqual),
            "in" => Ok(Operator::In),
            "notin" => Ok(Operator::NotIn),
            "exists" => Ok(Operator::Exists),
            "all" => Ok(Operator::All),
            _ => Err(format!("Operador {name} não é suportado.")),
        }
    }
}

impl Filter {
    /// `null` lets every row through. The error is a sentence for the caller, its wording invented.
    pub(super) fn parse(list: &Value) -> Result<Filter, String> {
        match list {
            Value::Null => Ok(Filter::All(Vec::new())),
            Value::Array(items) => group(items, Join::And),
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
                Err("O filtro deve ser uma lista.".to_owned())
            }
        }
    }

    /// The text that a member must be, when nothing else is asked for.
    pub(super) fn only(&self, member: &str) -> Option<&str> {
        let Filter::All(filters) = self else {
            return None;
        };
        match filters.as_slice() {
            [
                Filter::Test {
                    path,
                    operator: Operator::Equal,
                    value: Value::String(text),
                },
            ] if path.as_slice() == [member] => Some(text),
            _ => None,
        }
    }

    /// Whether it asks for nothing.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Filter::All(filters) => filters.is_empty(),
            Filter::Any(_) | Filter::Test { .. } => false,
        }
    }

    /// Without what it says of members inside members.
    pub(super) fn root_only(self) -> Filter {
        let of = |filters: Vec<Filter>| filters.into_iter().map(Filter::root_only).collect();
        match self {
            Filter::All(filters) => Filter::All(of(filters)),
            Filter::Any(filters) => Filter::Any(of(filters)),
            Filter::Test { path, .. } if path.len() > 1 => Filter::All(Vec::new()),
            test @ Filter::Test { .. } => test,
        }
    }

    pub(super) fn matches(&self, row: &Value) -> bool {
        match self {
            Filter::All(filters) => filters.iter().all(|filter| filter.matches(row)),
            Filter::Any(filters) => filters.iter().any(|filter| filter.matches(row)),
            Filter::Test {
                path,
                operator,
                value,
            } => test(&values(row, path), *operator, value),
        }
    }

    fn parse_test(item: &Value) -> Result<Filter, String> {
        let (Some(property), Some(operator)) =
            (item["property"].as_str(), item["operator"].as_str())
        else {
            return Err("Cada filtro precisa de property e operator.".to_owned());
        };
        Ok(Filter::Test {
            path: property.split('.').map(str::to_owned).collect(),
            operator: Operator::parse(operator)?,
            value: item["value"].clone(),
        })
    }
}

/// How the members of a list combine; a list inside it combines the other way.
#[derive(Clone, Copy)]
enum Join {
    And,
    Or,
}

fn group(items: &[Value], join: Join) -> Result<Filter, String> {
    let inner = match join {
        Join::And => Join::Or,
        Join::Or => Join::And,
    };
    let filters = items
        .iter()
        .map(|item| match item.as_array() {
            Some(items) => group(items, inner),
            None => Filter::parse_test(item),
        })
        .collect::<Result<Vec<Filter>, String>>()?;
    Ok(match join {
        Join::And => Filter::All(filters),
        Join::Or => Filter::Any(filters),
    })
}

/// Every value that the path leads to; a list on the way expands to each of its elements.
fn values<'a>(row: &'a Value, path: &[String]) -> Vec<&'a Value> {
    let mut found = vec![row];
    for name in path {
        let name = if name == "_id" { "id" } else { name };
        found = found
            .into_iter()
            .flat_map(elements)
            .filter_map(|value| value.get(name))
            .collect();
    }
    found.into_iter().flat_map(elements).collect()
}

fn elements(value: &Value) -> Vec<&Value> {
    match value.as_array() {
        Some(list) => list.iter().collect(),
        None => vec![value],
    }
}

fn test(found: &[&Value], operator: Operator, value: &Value) -> bool {
    let any_equals = |wanted: &Value| match found {
        [] => wanted.is_null(),
        _ => found.iter().any(|actual| same(actual, wanted)),
    };
    let any_orders = |accepted: fn(Ordering) -> bool| {
        found
            .iter()
            .any(|actual| compare(actual, value).is_some_and(accepted))
    };
    let list = value.as_array().map_or(&[][..], Vec::as_slice);
    match operator {
        Operator::Equal => any_equals(value),
        Operator::Different => !any_equals(value),
        Operator::Like => found.iter().any(|actual| like(actual, value)),
        Operator::Less => any_orders(Ordering::is_lt),
        Operator::LessOrEqual => any_orders(Ordering::is_le),
        Operator::Greater => any_orders(Ordering::is_gt),
        Operator::GreaterOrEqual => any_orders(Ordering::is_ge),
        Operator::In => list.iter().any(any_equals),
        Operator::NotIn => !list.iter().any(any_equals),
        Operator::Exists => (value != &Value::Bool(false)) != found.is_empty(),
        Operator::All => list.iter().all(any_equals),
    }
}

/// A populated reference equals its id.
fn same(actual: &Value, wanted: &Value) -> bool {
    match (actual.as_f64(), wanted.as_f64()) {
        (Some(left), Some(right)) => left == right,
        _ if actual.is_object() && wanted.is_string() => actual["id"] == *wanted,
        _ => actual == wanted,
    }
}

fn like(actual: &Value, wanted: &Value) -> bool {
    let (Some(actual), Some(wanted)) = (actual.as_str(), wanted.as_str()) else {
        return false;
    };
    actual
        .to_lowercase()
        .contains(&wanted.trim_matches('%').to_lowercase())
}

/// The order of two numbers or two texts; anything else has none.
pub(super) fn compare(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => left.as_f64()?.partial_cmp(&right.as_f64()?),
        (Value::String(left), Value::String(right)) => Some(left.cmp(right)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::Filter;
    use serde_json::{Value, json};

    fn matches(filter: Value) -> bool {
        let row = json!({
            "id": "a1", "port": 4, "tags": ["x", "y"], "box": null,
            "client": {"id": "c1", "code": "123|123", "implanted": false},
        });
        Filter::parse(&filter).is_ok_and(|filter| filter.matches(&row))
    }

    fn test(property: &str, operator: &str, value: Value) -> Value {
        json!({"property": property, "operator": operator, "value": value})
    }

    #[test]
    fn every_operator_decides_as_its_name_says() {
        for (property, operator, value, expected) in [
            ("_id", "=", json!("a1"), true),
            ("client", "eq", json!("c1"), true),
            ("client.code", "=", json!("123|123"), true),
            ("client.code", "like", json!("%3|1%"), true),
            ("client.code", "ne", json!("123|123"), false),
            ("port", "<", json!(4), false),
            ("port", "<=", json!(4), true),
            ("port", ">", json!(3), true),
            ("port", ">=", json!(5), false),
            ("port", "in", json!([1, 4]), true),
            ("port", "notin", json!([1, 4]), false),
            ("tags", "all", json!(["x", "y"]), true),
            ("tags", "all", json!(["x", "z"]), false),
            ("parent", "exists", json!(false), true),
            ("port", "exists", json!(true), true),
            ("parent", "=", json!(null), true),
        ] {
            assert_eq!(
                matches(json!([test(property, operator, value.clone())])),
                expected,
                "{property} {operator} {value}"
            );
        }
    }

    #[test]
    fn a_list_is_and_and_a_nested_list_is_or() {
        let yes = || test("port", "=", json!(4));
        let no = || test("port", "=", json!(5));
        assert!(!matches(json!([yes(), no()])));
        assert!(matches(json!([[yes(), no()], yes()])));
        assert!(!matches(json!([[yes(), no()], no()])));
        assert!(!matches(json!([[[yes(), no()], no()]])));
    }

    #[test]
    fn an_operator_that_is_not_simulated_is_refused() {
        assert!(Filter::parse(&json!([test("coords", "near", json!([0, 0]))])).is_err());
        assert!(Filter::parse(&json!({"property": "id"})).is_err());
    }
}
