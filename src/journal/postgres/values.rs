//! The journal's values as PostgreSQL's, and back.
//!
//! Every column is TEXT or BIGINT. It must never guess at a column of another type.

use std::sync::Arc;

use tokio_postgres::Column;
use tokio_postgres::types::{FromSql, ToSql, Type};

use crate::journal::error::Error;
use crate::journal::store::{Row, Value};

/// The names of the columns of an answer.
pub(super) fn names(rows: &[tokio_postgres::Row]) -> Arc<[String]> {
    let columns = rows.first().map(tokio_postgres::Row::columns);
    let columns = columns.unwrap_or_default().iter();
    columns.map(|column| column.name().to_owned()).collect()
}

/// A row as the journal reads it.
pub(super) fn read(row: &tokio_postgres::Row, names: &Arc<[String]>) -> Result<Row, Error> {
    let columns = row.columns().iter().enumerate();
    let values: Result<Vec<Value>, Error> = columns
        .map(|(at, column)| match *column.type_() {
            Type::INT8 => Ok(member::<i64>(row, at, column)?.map_or(Value::Null, Value::Integer)),
            Type::TEXT => Ok(member::<String>(row, at, column)?.into()),
            _ => Err(Error::Corrupt("a column of a foreign type".to_owned())),
        })
        .collect();
    Ok(Row::new(names.clone(), values?))
}

fn member<'a, T: FromSql<'a>>(
    row: &'a tokio_postgres::Row,
    at: usize,
    column: &Column,
) -> Result<Option<T>, Error> {
    row.try_get(at)
        .map_err(|_| Error::Corrupt(format!("the column {} cannot be read", column.name())))
}

/// A parameter as the driver keeps it.
pub(super) type Parameter = (Box<dyn ToSql + Sync>, Type);

pub(super) fn owned(parameters: &[Value]) -> Vec<Parameter> {
    let parameter = |value: &Value| -> Parameter {
        match value {
            // Only texts may be missing.
            Value::Null => (Box::new(None::<String>), Type::TEXT),
            Value::Integer(number) => (Box::new(*number), Type::INT8),
            // Only ever read, and never from PostgreSQL.
            Value::Unreadable => (Box::new(None::<String>), Type::TEXT),
            // PostgreSQL takes no NUL in a text, and a request must not fail for ever because of
            // one.
            Value::Text(text) => (Box::new(text.replace('\0', "\u{fffd}")), Type::TEXT),
        }
    };
    parameters.iter().map(parameter).collect()
}

/// Parameters as the driver takes them.
pub(super) fn borrowed(parameters: &[Parameter]) -> Vec<(&(dyn ToSql + Sync), Type)> {
    parameters
        .iter()
        .map(|(value, kind)| (&**value, kind.clone()))
        .collect()
}
