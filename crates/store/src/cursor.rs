//! Opaque cursors for keyset paging: the sort key of the last row that was shown.
//!
//! A page begins after that key, wherever it is now, so rows that come or go meanwhile neither
//! repeat nor hide others, as they would with OFFSET.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chassis::Fault;
use domain::{Limit, Page};
use serde::{Serialize, de::DeserializeOwned};

/// `key` as an opaque text that survives a URL. `list` names the list and its order, so that a
/// cursor is only taken where it came from.
///
/// # Errors
/// [`Fault::Internal`] when the key has no JSON form.
pub fn encode<K: Serialize>(list: &str, key: &K) -> Result<String, Fault> {
    let json = serde_json::to_vec(&(list, key)).map_err(Fault::internal)?;
    Ok(URL_SAFE_NO_PAD.encode(json))
}

/// The key that [`encode`] made a cursor of, for the same list.
///
/// # Errors
/// [`Fault::Invalid`] naming `cursor`, for anything else.
pub fn decode<K: DeserializeOwned>(list: &str, cursor: &str) -> Result<K, Fault> {
    let refused = || Fault::invalid("cursor", "must be the next_cursor of a page of this list");
    let json = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| refused())?;
    // PostgreSQL takes no NUL in a text, and no key of ours has one.
    if json.windows(6).any(|window| window == b"\\u0000") {
        return Err(refused());
    }
    let (of, key): (String, K) = serde_json::from_slice(&json).map_err(|_| refused())?;
    if of == list { Ok(key) } else { Err(refused()) }
}

/// How many rows to read for a page: one more than it shows tells whether there is another page.
#[must_use]
pub fn one_more(limit: Limit) -> i64 {
    i64::from(limit.get()) + 1
}

/// The same as the end of a statement: a literal and no value, because PostgreSQL takes a tenth of all rows for a limit that it does not
/// know, and plans the statement anew each time.
#[must_use]
pub fn limit(limit: Limit) -> String {
    format!(" LIMIT {}", one_more(limit))
}

/// The page that `rows` make, read with [`one_more`]; `cursor` is asked for the place after its last element.
///
/// # Errors
/// A row that we cannot have written.
pub fn page<R, T: TryFrom<R, Error = Fault>>(
    mut rows: Vec<R>,
    limit: Limit,
    cursor: impl FnOnce(&T) -> Result<String, Fault>,
) -> Result<Page<T>, Fault> {
    let more = rows.len() > limit.get() as usize;
    rows.truncate(limit.get() as usize);
    let items = rows.into_iter().map(T::try_from).collect::<Result<Vec<T>, Fault>>()?;
    let next_cursor = items.last().filter(|_| more).map(cursor).transpose()?;
    Ok(Page { items, next_cursor })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_brings_back_its_key_exactly_and_only_to_its_list() {
        // A score whose decimal form would round must come back to the bit: it is compared for equality.
        let key = (0.1_f64 + 0.2, 1_563_148_800_000_i64, "sendgrid/rest#87".to_owned());
        let cursor = encode("tasks/rank", &key).unwrap();
        assert_eq!(decode::<(f64, i64, String)>("tasks/rank", &cursor).unwrap(), key);
        assert!(matches!(decode::<(f64, i64, String)>("tasks/age", &cursor), Err(Fault::Invalid(_))));
        let forged = encode("tasks/rank", &(0.5, 1, "a\0b")).unwrap();
        for bad in ["", "x", "%%%", "bnVsbA", &forged] {
            assert!(decode::<(f64, i64, String)>("tasks/rank", bad).is_err(), "{bad:?}");
        }
    }
}
