//! Days as the API writes them: `2030-01-02` and in no other way.

use jiff::civil::Date;
use serde::{Deserialize, Deserializer, de};

/// The first and the last year that a day may have. What lies outside was mistyped; and a day after the last one
/// still has four digits.
pub const YEARS: std::ops::RangeInclusive<i16> = 1970..=9998;

/// The day that `text` names (RFC 3339, `full-date`).
///
/// # Errors
/// Anything else: a time of day, another spelling of a day, a day that the calendar does not have, a year outside [`YEARS`].
pub fn parse(text: &str) -> Result<Date, String> {
    let is_spelt_so = text.len() == 10
        && text
            .bytes()
            .enumerate()
            .all(|(at, b)| if matches!(at, 4 | 7) { b == b'-' } else { b.is_ascii_digit() });
    let day = if is_spelt_so { text.parse::<Date>().ok() } else { None };
    day.filter(|day| YEARS.contains(&day.year()))
        .ok_or_else(|| format!("must be a day like 2030-01-02, from {} to {}", YEARS.start(), YEARS.end()))
}

/// For `#[serde(deserialize_with = "…")]`: a day, or none.
pub(crate) fn optional<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Date>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|text| parse(&text)).transpose().map_err(de::Error::custom)
}

/// The same, telling a missing field (`None`) from one that is `null` (`Some(None)`).
pub(crate) fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<Date>>, D::Error> {
    optional(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_has_one_spelling() {
        for right in ["1970-01-01", "2024-02-29", "2030-01-02", "9998-12-31"] {
            assert_eq!(parse(right).unwrap().to_string(), right);
        }
        for wrong in [
            "",
            "2030-01-02T23:00:00-08:00",
            "2030-01-02T00:00:00Z",
            "20300102",
            "2030-1-2",
            "2030-01-02 ",
            "2030-W01-3",
            "2030-02-30",
            "2023-02-29",
            "-009999-01-01",
            "+002030-01-02",
            "0000-01-01",
            "1969-12-31",
            "9999-01-01",
            "٢٠٣٠-01-02",
            "2030/01/02",
        ] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_change_of_a_task_takes_no_other_spelling() {
        let change = |due: &str| toml::from_str::<crate::TaskChange>(&format!("due_date = {due}"));
        assert_eq!(change("'2030-01-02'").unwrap().due_date, Some(Some(jiff::civil::date(2030, 1, 2))));
        assert!(change("'2030-01-02T23:00:00-08:00'").unwrap_err().to_string().contains("must be a day"));
        assert_eq!(toml::from_str::<crate::TaskChange>("").unwrap().due_date, None);
    }
}
