//! Who has passed a request on (RFC 9110, 7.6.3): whoever finds itself there goes round in circles.

use std::hash::{BuildHasher, RandomState};

use http::{HeaderMap, HeaderValue, header};

use crate::Error;

/// What a proxy calls itself on the way.
#[derive(Debug, Clone)]
pub struct Via {
    name: String,
    entry: HeaderValue,
}

impl Via {
    /// A proxy of that kind, with a name of its own: two in a row are no circle.
    #[must_use]
    pub fn new(kind: &str) -> Self {
        // Seeded anew in every process.
        let own = RandomState::new().hash_one(kind);
        let name = format!("{kind}-{own:016x}");
        let entry = HeaderValue::from_str(&format!("1.1 {name}"));
        Self { entry: entry.unwrap_or_else(|_| HeaderValue::from_static("1.1 proxy")), name }
    }

    /// Adds itself to those that have passed the request on.
    ///
    /// # Errors
    /// [`Error::Loop`]: it is one of them.
    pub fn add(&self, headers: &mut HeaderMap) -> Result<(), Error> {
        if !headers.contains_key(header::VIA) {
            headers.insert(header::VIA, self.entry.clone());
            return Ok(());
        }
        let mut way = Vec::new();
        for line in headers.get_all(header::VIA) {
            way.extend_from_slice(line.as_bytes());
            way.extend_from_slice(b", ");
        }
        // A protocol, a name, and perhaps a comment.
        let mut names = way
            .split(|byte| *byte == b',')
            .filter_map(|entry| entry.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).nth(1));
        if names.any(|name| name == self.name.as_bytes()) {
            return Err(Error::Loop);
        }
        way.extend_from_slice(self.entry.as_bytes());
        headers.insert(header::VIA, HeaderValue::from_bytes(&way).unwrap_or_else(|_| self.entry.clone()));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn added(via: &Via, lines: &[&str]) -> Result<String, Error> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::VIA, HeaderValue::from_str(line).unwrap());
        }
        via.add(&mut headers)?;
        Ok(headers[header::VIA].to_str().unwrap().to_owned())
    }

    #[test]
    fn it_stands_behind_those_before_it() {
        let via = Via::new("gateway");
        let own = format!("1.1 {}", via.name);
        assert_eq!(added(&via, &[]).unwrap(), own);
        assert_eq!(
            added(&via, &["1.0 fred, 1.1 p.example (Apache)", "HTTP/1.1 x"]).unwrap(),
            format!("1.0 fred, 1.1 p.example (Apache), HTTP/1.1 x, {own}")
        );
    }

    #[test]
    fn it_knows_itself_and_nobody_else() {
        let (via, other) = (Via::new("gateway"), Via::new("gateway"));
        let own = format!("1.0 fred, 1.1  {} (x)", via.name);
        assert!(matches!(added(&via, &["1.1 x", &own]), Err(Error::Loop)));
        assert!(added(&other, &[&own]).is_ok());
        assert!(added(&via, &["1.1 gateway", "1.1"]).is_ok());
    }
}
