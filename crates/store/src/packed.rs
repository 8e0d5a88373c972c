//! Many columns as one value.
//!
//! sqlx's `Any` copies every value of a row twice, each into memory of its own, and finds it by name. A page of a hundred
//! tasks has three thousand values, and that was three quarters of what it cost (`bench_01`). A long row is therefore
//! read as one text: its columns joined by a separator, in the order in which they are taken off again.

use std::str::FromStr;

use chassis::Fault;

/// Between two columns: UNIT SEPARATOR (U+001F), which stands in none of them but, perhaps, the last.
const SEPARATOR: char = '\u{1f}';

/// The SQL expression of `columns`, each an expression of type TEXT or BIGINT. NULL is read as `None`. Text that people
/// write comes last, since it may have any character.
#[must_use]
pub fn expression(columns: &[&str]) -> String {
    // concat_ws would be shorter, but it leaves NULL out.
    let texts: Vec<_> =
        columns.iter().map(|column| format!("coalesce(CAST({column} AS TEXT), '')")).collect();
    texts.join(&format!(" || '{SEPARATOR}' || "))
}

/// The columns of a row, taken off one after the other.
#[derive(Debug)]
pub struct Fields<'r>(Option<&'r str>);

impl<'r> Fields<'r> {
    /// The row that [`expression`] made.
    #[must_use]
    pub fn of(row: &'r str) -> Self {
        Self(Some(row))
    }

    /// The next column, as text.
    ///
    /// # Errors
    /// [`Fault::Internal`]: there are no more.
    pub fn text(&mut self) -> Result<&'r str, Fault> {
        let rest = self.0.ok_or_else(ended)?;
        let (text, rest) = match rest.split_once(SEPARATOR) {
            Some((text, rest)) => (text, Some(rest)),
            None => (rest, None),
        };
        self.0 = rest;
        Ok(text)
    }

    /// The next column.
    ///
    /// # Errors
    /// [`Fault::Internal`]: there are no more, or it is no `T`.
    pub fn value<T: FromStr<Err: std::fmt::Display>>(&mut self) -> Result<T, Fault> {
        self.text()?.parse().map_err(|error: T::Err| Fault::internal(error.to_string()))
    }

    /// The next column; `None` for NULL.
    ///
    /// # Errors
    /// As [`Fields::value`].
    pub fn optional<T: FromStr<Err: std::fmt::Display>>(&mut self) -> Result<Option<T>, Fault> {
        match self.text()? {
            "" => Ok(None),
            text => text.parse().map(Some).map_err(|error: T::Err| Fault::internal(error.to_string())),
        }
    }

    /// The last column, whatever it has in it.
    ///
    /// # Errors
    /// [`Fault::Internal`]: there are no more.
    pub fn rest(self) -> Result<&'r str, Fault> {
        self.0.ok_or_else(ended)
    }
}

fn ended() -> Fault {
    Fault::internal("a packed row has fewer columns than are read")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_come_off_in_their_order_and_the_last_may_have_any_character() {
        let mut fields = Fields::of("a\u{1f}7\u{1f}\u{1f}x \u{1f} y");
        assert_eq!(fields.text().unwrap(), "a");
        assert_eq!(fields.value::<i64>().unwrap(), 7);
        assert_eq!(fields.optional::<i64>().unwrap(), None);
        assert_eq!(fields.rest().unwrap(), "x \u{1f} y");
    }

    #[test]
    fn a_column_too_many_or_of_another_type_is_our_mistake() {
        let mut fields = Fields::of("a\u{1f}b");
        assert!(fields.value::<i64>().is_err());
        assert_eq!(fields.text().unwrap(), "b");
        assert!(fields.text().is_err());
        assert!(Fields::of("a").rest().is_ok());
    }
}
