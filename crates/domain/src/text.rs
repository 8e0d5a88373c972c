//! Texts from outside: what people and GitHub write, made fit to be stored, shown and sent.
//!
//! One place decides it, so that a text is the same on every database and breaks no line, header or page. What is for
//! people is mended ([`clean`]); what is to be relied on is taken or refused as it is ([`link`], [`account`],
//! [`count`]).

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, de};

/// The most characters of a title that are kept. GitHub takes 256.
pub const LONGEST_TITLE: usize = 1_000;

/// The most characters of a name: a label's, a login, a node id.
pub const LONGEST_NAME: usize = 255;

/// The longest address that is a link, in bytes: browsers take no longer ones from everywhere.
const LONGEST_LINK: usize = 2_048;

/// A text in one line without anything that is not meant to be read: tabs and line ends become blanks, every other
/// control character, NUL among them, becomes U+FFFD, which says that something was there. What people write in any script
/// stays as it is, with the characters that turn its direction.
#[must_use]
pub fn clean(text: &str) -> Cow<'_, str> {
    if !text.contains(|c: char| mended(c) != c) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(mended).collect())
}

fn mended(c: char) -> char {
    match c {
        '\t' | '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => ' ',
        c if c.is_control() => char::REPLACEMENT_CHARACTER,
        c => c,
    }
}

/// The same, and at most `longest` characters of it; a longer one ends in `…`.
#[must_use]
pub fn clipped(text: &str, longest: usize) -> Cow<'_, str> {
    // Clean first what is kept: the rest may be long.
    match text.char_indices().nth(longest) {
        None => clean(text),
        Some(_) => {
            let kept: String = text.chars().take(longest.saturating_sub(1)).map(mended).collect();
            Cow::Owned(kept + "…")
        }
    }
}

/// Whether anything of it can be seen: a link needs something to click, and a name something to read.
#[must_use]
pub fn is_visible(text: &str) -> bool {
    !text.chars().all(is_invisible)
}

/// Blanks, controls, and what Unicode calls *default ignorable* (17.0, `DerivedCoreProperties.txt`); and the blank of
/// braille.
fn is_invisible(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// `text` when a browser may be led there: `http://` or `https://`, a host, nothing that a URL has to encode (RFC
/// 3986). `javascript:` and its kin are no links.
#[must_use]
pub fn link(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_once("://")?;
    let is_web = scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http");
    let has_host = rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[');
    let is_plain = text.bytes().all(|b| {
        b.is_ascii_graphic() && !matches!(b, b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}')
    });
    (is_web && has_host && is_plain && text.len() <= LONGEST_LINK).then_some(text)
}

/// `text` when it can be the login of an account on GitHub, a person's or an app's (`dependabot[bot]`).
///
/// # Errors
/// Anything but 1 to 255 letters, digits, `-` and `_`, and `[bot]` at the end.
pub fn account(text: &str) -> Result<&str, String> {
    let name = text.strip_suffix("[bot]").unwrap_or(text);
    let right = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    if right && !name.is_empty() && text.len() <= LONGEST_NAME {
        Ok(text)
    } else {
        Err("must be the login of an account on GitHub".to_owned())
    }
}

/// `text` when it can be a name that another system made: 1 to 255 printable ASCII characters. GitHub's node ids are.
///
/// # Errors
/// Anything else.
pub fn identifier(text: &str) -> Result<&str, String> {
    if (1..=LONGEST_NAME).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic()) {
        Ok(text)
    } else {
        Err(format!("must be 1 to {LONGEST_NAME} printable characters"))
    }
}

/// `number` when something can be there so often.
///
/// # Errors
/// It is negative.
pub fn count(number: i64) -> Result<i64, String> {
    if number >= 0 { Ok(number) } else { Err("must not be negative".to_owned()) }
}

/// For `#[serde(deserialize_with = "…")]`: a title, cleaned and at most [`LONGEST_TITLE`] characters.
///
/// # Errors
/// It is no text.
pub fn title<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    Ok(clipped(&text, LONGEST_TITLE).into_owned())
}

/// For `#[serde(deserialize_with = "…")]`: a name for people, as a label's, cleaned and at most [`LONGEST_NAME`] characters.
///
/// # Errors
/// It is no text.
pub fn name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    Ok(clipped(&text, LONGEST_NAME).into_owned())
}

/// For `#[serde(deserialize_with = "…")]`: a [`link`], or an empty text for what is none.
///
/// # Errors
/// It is no text.
pub fn link_or_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    Ok(link(&text).unwrap_or_default().to_owned())
}

/// For `#[serde(deserialize_with = "…")]`: an [`account`].
///
/// # Errors
/// It is none.
pub fn login<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    account(&text).map_err(de::Error::custom)?;
    Ok(text)
}

/// For `#[serde(deserialize_with = "…")]`: an [`identifier`].
///
/// # Errors
/// It is none.
pub fn node_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    identifier(&text).map_err(de::Error::custom)?;
    Ok(text)
}

/// For `#[serde(deserialize_with = "…")]`: a [`count`].
///
/// # Errors
/// It is none.
pub fn how_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    count(i64::deserialize(deserializer)?).map_err(de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_breaks_lines_columns_and_pages_is_taken_out_and_nothing_else() {
        for right in ["", "Fix the bug", "Übergröße 日本語 👩\u{200d}💻", "a & <b> \"c\"", "שלום"]
        {
            assert!(matches!(clean(right), Cow::Borrowed(_)), "{right:?}");
        }
        assert_eq!(clean("a\0b\u{1f}c\u{7f}d\u{9b}e"), "a\u{fffd}b\u{fffd}c\u{fffd}d\u{fffd}e");
        assert_eq!(clean("a\tb\r\nc\u{2028}d"), "a b  c d");
        assert_eq!(clean("safe\u{202e}gnp.exe"), "safe\u{202e}gnp.exe");
    }

    #[test]
    fn what_is_too_long_ends_where_it_may() {
        assert_eq!(clipped("äöü", 3), "äöü");
        assert_eq!(clipped("äöüx", 3), "äö…");
        assert_eq!(clipped("a\0bc", 3), "a\u{fffd}…");
        assert_eq!(clipped(&"x".repeat(100_000), LONGEST_TITLE).chars().count(), LONGEST_TITLE);
    }

    #[test]
    fn a_text_of_nothing_that_can_be_seen_is_not_visible() {
        for nothing in [
            "",
            " ",
            "\u{200b}",
            "\u{2060}\u{feff}",
            "\u{ad}",
            "\u{3164}",
            "\u{2800}",
            "\t\u{a0}\u{e0020}\0",
            "\u{fe0f}",
        ] {
            assert!(!is_visible(nothing), "{nothing:?}");
        }
        for something in ["a", "\u{200b}.", "é", "👍\u{fe0f}", "\u{fffd}"] {
            assert!(is_visible(something), "{something:?}");
        }
    }

    #[test]
    fn only_an_address_on_the_web_is_a_link() {
        for right in ["https://github.com/a/b/issues/1", "http://[::1]:8080/x?y=z#1", "HTTPS://github.com/"] {
            assert_eq!(link(right), Some(right));
        }
        let long = format!("https://x/{}", "y".repeat(LONGEST_LINK));
        let no = [
            "",
            "javascript:alert(1)",
            "javascript://x/%0aalert(1)",
            "data:text/html,x",
            "//github.com/x",
            "/x",
            "https://",
            "https:///x",
            "https://x\r\nSet-Cookie: y",
            "https://x/\"><script>",
            " https://x/",
            "https://x/\u{1f}",
            "ftp://x/",
            "https://ü/",
            &long,
        ];
        for no in no {
            assert_eq!(link(no), None, "{no:?}");
        }
    }

    #[test]
    fn an_account_is_a_person_or_an_app() {
        for right in ["octocat", "dependabot[bot]", "mona_acme", "a-", "ghost"] {
            assert!(account(right).is_ok(), "{right}");
        }
        for wrong in ["", "[bot]", "a b", "a\r\nb", "a\0", "é", "a[bot]b", "\u{200b}", &"a".repeat(300)] {
            assert!(account(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_node_id_is_printable_and_a_count_is_not_negative() {
        assert!(identifier("MDU6SXNzdWUx=").is_ok());
        for wrong in ["", "a\0", "a b", "é", &"a".repeat(256)] {
            assert!(identifier(wrong).is_err(), "{wrong:?}");
        }
        assert_eq!((count(0), count(7)), (Ok(0), Ok(7)));
        assert!(count(-1).is_err());
    }
}
