//! What goes into a statement and what comes out: text, whole numbers, nothing. One form for both databases.

use crate::error::StoreError;
use std::sync::Arc;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

/// One bound parameter or one column of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Text(Arc<str>),
    Int(i64),
    Null,
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::Text(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Value::Text(text.into())
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Value::Int(number)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Value::Null, Into::into)
    }
}

impl rusqlite::ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        use rusqlite::types::{ToSqlOutput, ValueRef};
        Ok(ToSqlOutput::Borrowed(match self {
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Int(number) => ValueRef::Integer(*number),
            Value::Null => ValueRef::Null,
        }))
    }
}

impl ToSql for Value {
    fn to_sql(
        &self,
        kind: &Type,
        out: &mut tokio_postgres::types::private::BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Value::Text(text) => text.as_ref().to_sql_checked(kind, out),
            Value::Int(number) => number.to_sql_checked(kind, out),
            Value::Null => Ok(IsNull::Yes),
        }
    }

    fn accepts(_: &Type) -> bool {
        true // each variant checks for itself in `to_sql`
    }

    to_sql_checked!();
}

/// One row of an answer.
#[derive(Clone, Debug)]
pub(crate) struct Row(pub(crate) Vec<Value>);

impl Row {
    pub(crate) fn text(&self, column: usize) -> Result<&str, StoreError> {
        match self.0.get(column) {
            Some(Value::Text(text)) => Ok(text),
            other => Err(unexpected(column, other)),
        }
    }

    pub(crate) fn optional_text(&self, column: usize) -> Result<Option<String>, StoreError> {
        match self.0.get(column) {
            Some(Value::Text(text)) => Ok(Some(text.to_string())),
            Some(Value::Null) => Ok(None),
            other => Err(unexpected(column, other)),
        }
    }

    pub(crate) fn int(&self, column: usize) -> Result<i64, StoreError> {
        match self.0.get(column) {
            Some(Value::Int(number)) => Ok(*number),
            other => Err(unexpected(column, other)),
        }
    }

    pub(crate) fn optional_int(&self, column: usize) -> Result<Option<i64>, StoreError> {
        match self.0.get(column) {
            Some(Value::Int(number)) => Ok(Some(*number)),
            Some(Value::Null) => Ok(None),
            other => Err(unexpected(column, other)),
        }
    }
}

/// Text as both databases can hold it: PostgreSQL takes no NUL, and nothing is longer than `bytes_max`. Cut text ends
/// in an ellipsis.
pub(crate) fn bounded(text: &str, bytes_max: usize) -> String {
    let mut text = text.replace('\0', "\u{fffd}");
    if text.len() > bytes_max {
        text.truncate(text.floor_char_boundary(bytes_max.saturating_sub('…'.len_utf8())));
        text.push('…');
    }
    text
}

fn unexpected(column: usize, value: Option<&Value>) -> StoreError {
    let kind = match value {
        Some(Value::Text(_)) => "text",
        Some(Value::Int(_)) => "a number",
        Some(Value::Null) => "nothing",
        None => "no such column",
    };
    StoreError::Corrupt(format!("column {column} of an answer holds {kind}"))
}

#[cfg(test)]
mod tests {
    use super::bounded;

    #[test]
    fn text_is_cut_between_characters() {
        assert_eq!(bounded("short", 10), "short");
        assert_eq!(bounded("a\0b", 10), "a\u{fffd}b");
        for limit in 3..20 {
            let cut = bounded("äöü€äöü€äöü€", limit);
            assert!(cut.len() <= limit, "{cut} is longer than {limit}");
            assert!(cut.ends_with('…'));
        }
    }
}
