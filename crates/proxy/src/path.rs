//! Paths, as the servers behind a route may read them.
//!
//! A route is chosen by the path, and so is what an upstream does. Where the two read it differently, somebody gets past the
//! route: `/public/..%2fadmin` is below `/public` for one and `/admin` for the other. Nothing is repaired here, and what passes
//! is forwarded byte for byte. Instead a path is read in two ways, as literally and as eagerly as servers do. Where the two lead
//! to different routes the request is refused; and so is a `..`, which no client has to send.

use std::borrow::Cow;

/// A path, read in two ways.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readings<'p> {
    /// Percent-encoded octets are decoded once (RFC 3986, section 2.4), but for an encoded slash, backslash or NUL: these are
    /// characters like any other.
    pub literal: Cow<'p, str>,
    /// An encoded slash, and a backslash, are slashes; several slashes are one; a NUL ends the path, a `;` its segment. `None`
    /// where that makes no difference.
    pub eager: Option<String>,
}

impl<'p> Readings<'p> {
    /// Reads a path.
    ///
    /// # Errors
    /// Why nobody should answer it: no slash at its beginning, a `.` or `..` segment in either reading, a `%` that encodes
    /// nothing.
    pub fn of(path: &'p str) -> Result<Self, &'static str> {
        if !path.starts_with('/') {
            return Err("its path does not begin with a slash");
        }
        let is_plain = !path.contains(['%', '\\', ';']) && !path.contains("//") && !path.contains("/.");
        if is_plain {
            return Ok(Self { literal: Cow::Borrowed(path), eager: None });
        }
        let literal = decoded(path, |octet| matches!(octet, b'/' | b'\\' | 0))?;
        let eager = eager(&decoded(path, |_| false)?);
        if has_dots(&literal) || has_dots(&eager) {
            return Err("its path has a . or .. segment");
        }
        Ok(Self { eager: (eager != literal).then_some(eager), literal: Cow::Owned(literal) })
    }
}

/// `path` with its octets decoded, but for those that are `kept`.
fn decoded(path: &str, kept: impl Fn(u8) -> bool) -> Result<String, &'static str> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let (Some(high), Some(low)) = (rest.next().and_then(hex), rest.next().and_then(hex)) else {
            return Err("its path has a % that encodes nothing");
        };
        match high << 4 | low {
            octet if kept(octet) => bytes.extend(format!("%{octet:02x}").bytes()),
            octet => bytes.push(octet),
        }
    }
    // What is no UTF-8 matches no prefix, which is.
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// As the most obliging server reads what is decoded.
fn eager(decoded: &str) -> String {
    let decoded = decoded.replace('\\', "/");
    let path = decoded.split('\0').next().unwrap_or_default();
    let ends_with_slash = path.ends_with('/');
    let segments = path.split('/').map(|segment| segment.split(';').next().unwrap_or_default());
    let segments = segments.filter(|segment| !segment.is_empty());
    let mut eager: String = segments.flat_map(|segment| ["/", segment]).collect();
    if ends_with_slash || eager.is_empty() {
        eager.push('/');
    }
    eager
}

fn has_dots(path: &str) -> bool {
    path.split('/').any(|segment| matches!(segment, "." | ".."))
}

/// Whether `path` is `prefix` or lies below it: `/api` has `/api/tasks` below it, and not `/apiary`.
#[must_use]
pub fn is_below(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || prefix.ends_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leads_out_of_a_route_is_refused() {
        for path in [
            "",
            "*",
            "api",
            "/api/../admin",
            "/api/..",
            "/..",
            "/api/./x",
            "/.",
            "/api/%2e%2e/admin",
            "/api/.%2E/x",
            "/api/..;/admin",
            "/api/..;a=b",
            "/api/..%2fadmin",
            "/api%2f..%2Fadmin",
            "/api/..%5cadmin",
            "/api\\..\\admin",
            "/api/..%00",
            "/api/%zz",
            "/api/%2",
            "/api/%",
        ] {
            assert!(Readings::of(path).is_err(), "{path}");
        }
    }

    #[test]
    fn what_everybody_reads_alike_has_one_reading() {
        for (path, read) in [
            ("/", "/"),
            ("/api/tasks", "/api/tasks"),
            ("/api/tasks/", "/api/tasks/"),
            ("/api/%74asks", "/api/tasks"),
            ("/a%20b/%C3%A9", "/a b/é"),
            ("/a...b/.hidden/..x", "/a...b/.hidden/..x"),
            // Decoded once, here and there: it is no slash to anybody.
            ("/a%252fb", "/a%2fb"),
        ] {
            assert_eq!(Readings::of(path), Ok(Readings { literal: read.into(), eager: None }), "{path}");
        }
    }

    #[test]
    fn what_can_be_read_in_two_ways_has_two_readings() {
        for (path, literal, eager) in [
            ("/api%2Fadmin", "/api%2fadmin", "/api/admin"),
            ("/api%5cadmin", "/api%5cadmin", "/api/admin"),
            ("/api\\admin", "/api\\admin", "/api/admin"),
            ("/api//admin", "/api//admin", "/api/admin"),
            ("//api", "//api", "/api"),
            ("/api;x=1/admin", "/api;x=1/admin", "/api/admin"),
            ("/;/api", "/;/api", "/api"),
            ("/api%00x", "/api%00x", "/api"),
            ("/%2f", "/%2f", "/"),
        ] {
            let readings = Readings { literal: literal.into(), eager: Some(eager.to_owned()) };
            assert_eq!(Readings::of(path), Ok(readings), "{path}");
        }
    }

    #[test]
    fn a_prefix_ends_where_a_segment_ends() {
        for (path, prefix) in
            [("/api", "/api"), ("/api/x", "/api"), ("/x", "/"), ("/", "/"), ("/api/x", "/api/")]
        {
            assert!(is_below(path, prefix), "{path} {prefix}");
        }
        for (path, prefix) in [("/apiary", "/api"), ("/", "/api"), ("/api", "/api/")] {
            assert!(!is_below(path, prefix), "{path} {prefix}");
        }
    }
}
