//! The people who maintain the repositories.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{FieldError, checked, names, text::is_visible};

names! {
    /// What a member does in the team.
    Role {
        /// Reviews, answers and merges.
        Maintainer = "maintainer",
        /// Maintains, and decides who does what.
        Lead = "lead",
    }
}

/// A GitHub login in lower case: GitHub's logins ignore case, so ours have one spelling.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, example = "octocat", pattern = "^[A-Za-z0-9]([A-Za-z0-9-]{0,37}[A-Za-z0-9])?$")]
pub struct Login(String);

impl Login {
    /// The login in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Login {
    type Err = String;

    /// # Errors
    /// Anything but 1 to 39 letters, digits and inner hyphens.
    fn from_str(text: &str) -> Result<Self, String> {
        let allowed = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if (1..=39).contains(&text.len()) && allowed && !text.starts_with('-') && !text.ends_with('-') {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err("must be a GitHub login: 1 to 39 letters, digits and inner hyphens".to_owned())
        }
    }
}

impl TryFrom<String> for Login {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Login> for String {
    fn from(login: Login) -> Self {
        login.0
    }
}

impl fmt::Display for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A member of the team. An active one counts as a maintainer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Member {
    /// GitHub login, unique in the team.
    pub login: Login,
    /// What people call them.
    pub name: String,
    /// Where mail reaches them.
    pub email: String,
    /// Where text messages reach them, in E.164 (`+15551234567`).
    pub phone: Option<String>,
    /// What they do.
    pub role: Role,
    /// Whether they are called when something cannot wait; several may be.
    pub on_call: bool,
    /// Whether they are in the team now; whoever left stays in the list.
    pub active: bool,
    /// Counts the changes of this member.
    pub version: i64,
}

/// Body of `POST /api/team`.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMember {
    /// GitHub login.
    #[schema(pattern = "^[A-Za-z0-9]([A-Za-z0-9-]{0,37}[A-Za-z0-9])?$")]
    pub login: String,
    /// 1 to 100 characters, some of them visible.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// An address with one `@`, at most 254 characters (RFC 5321).
    #[schema(
        pattern = "^[^@\\s<>,;\\x00-\\x1f\\x7f-\\x9f]+@[^.@\\s<>,;\\x00-\\x1f\\x7f-\\x9f]+(\\.[^.@\\s<>,;\\x00-\\x1f\\x7f-\\x9f]+)+$",
        max_length = 254
    )]
    pub email: String,
    /// E.164, or nothing.
    #[serde(default)]
    #[schema(pattern = "^\\+[1-9][0-9]{6,14}$")]
    pub phone: Option<String>,
    /// `maintainer` unless told.
    #[serde(default)]
    pub role: Option<Role>,
    /// `false` unless told.
    #[serde(default)]
    pub on_call: bool,
}

/// Body of `PATCH /api/team/{login}`: what is missing stays; `"phone": null` takes the number away.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MemberChange {
    /// New name.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 100)]
    pub name: Option<String>,
    /// New address.
    #[serde(default)]
    #[schema(
        pattern = "^[^@\\s<>,;\\x00-\\x1f\\x7f-\\x9f]+@[^.@\\s<>,;\\x00-\\x1f\\x7f-\\x9f]+(\\.[^.@\\s<>,;\\x00-\\x1f\\x7f-\\x9f]+)+$",
        max_length = 254
    )]
    pub email: Option<String>,
    /// New number, or `null` for none.
    #[serde(default, deserialize_with = "crate::task::present")]
    #[schema(value_type = Option<String>, pattern = "^\\+[1-9][0-9]{6,14}$")]
    pub phone: Option<Option<String>>,
    /// New role.
    #[serde(default)]
    pub role: Option<Role>,
    /// Whether they are on call from now on.
    #[serde(default)]
    pub on_call: Option<bool>,
    /// `false`: left the team.
    #[serde(default)]
    pub active: Option<bool>,
}

impl NewMember {
    /// The login, when every field is right.
    ///
    /// # Errors
    /// Every field that is wrong.
    pub fn validate(&self) -> Result<Login, Vec<FieldError>> {
        let mut errors = Vec::new();
        let login = self.login.parse::<Login>();
        if let Err(message) = &login {
            errors.push(FieldError::new("login", message));
        }
        check_name(Some(&self.name), &mut errors);
        check_email("email", Some(&self.email), &mut errors);
        check_phone("phone", self.phone.as_deref(), &mut errors);
        match login {
            Ok(login) if errors.is_empty() => Ok(login),
            _ => Err(FieldError::bounded(errors)),
        }
    }
}

impl MemberChange {
    /// Whether every given field is right.
    ///
    /// # Errors
    /// Every field that is wrong.
    pub fn validate(&self) -> Result<(), Vec<FieldError>> {
        let mut errors = Vec::new();
        check_name(self.name.as_deref(), &mut errors);
        check_email("email", self.email.as_deref(), &mut errors);
        check_phone("phone", self.phone.as_ref().and_then(Option::as_deref), &mut errors);
        checked(errors)
    }
}

fn check_name(name: Option<&str>, errors: &mut Vec<FieldError>) {
    if name.is_some_and(|name| !is_visible(name) || name.chars().count() > 100 || has_control(name)) {
        errors.push(FieldError::new("name", "must have 1 to 100 characters, some of them visible"));
    }
}

// A full RFC 5321 parser would still not say whether anybody reads the mail; this refuses what
// would break a header or certainly cannot be delivered.
pub(crate) fn check_email(field: &str, email: Option<&str>, errors: &mut Vec<FieldError>) {
    let wrong = |email: &str| {
        let plain = |c: char| !c.is_whitespace() && !c.is_control() && !matches!(c, '<' | '>' | ',' | ';');
        let is_host = |host: &str| host.contains('.') && host.split('.').all(|label| !label.is_empty());
        let parts: Vec<_> = email.split('@').collect();
        email.chars().count() > 254
            || !email.chars().all(plain)
            || !matches!(parts[..], [local, host] if !local.is_empty() && is_host(host))
    };
    if email.is_some_and(wrong) {
        errors.push(FieldError::new(field, "must be an e-mail address"));
    }
}

pub(crate) fn check_phone(field: &str, phone: Option<&str>, errors: &mut Vec<FieldError>) {
    let right = |phone: &str| {
        phone.strip_prefix('+').is_some_and(|digits| {
            (7..=15).contains(&digits.len())
                && digits.bytes().all(|b| b.is_ascii_digit())
                && !digits.starts_with('0')
        })
    };
    if phone.is_some_and(|phone| !right(phone)) {
        errors.push(FieldError::new(field, "must be in E.164, like +15551234567"));
    }
}

fn has_control(text: &str) -> bool {
    text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_has_one_spelling() {
        assert_eq!("OctoCat".parse::<Login>().unwrap().as_str(), "octocat");
        for bad in ["", "-a", "a-", "a b", "a_b", "é", &"a".repeat(40)] {
            assert!(bad.parse::<Login>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_name_that_cannot_be_seen_is_none() {
        for name in ["\u{200b}", "\u{3164}\u{3164}", "\u{2060} \u{ad}", "a\0"] {
            let change = MemberChange { name: Some(name.to_owned()), ..MemberChange::default() };
            assert_eq!(change.validate().unwrap_err()[0].field, "name", "{name:?}");
        }
        let change =
            MemberChange { name: Some("Zoë 👩\u{200d}💻".to_owned()), ..MemberChange::default() };
        assert!(change.validate().is_ok());
    }

    #[test]
    fn an_address_has_one_at_and_a_host_of_several_names() {
        let right = |email: &str| {
            MemberChange { email: Some(email.to_owned()), ..MemberChange::default() }.validate().is_ok()
        };
        for email in ["a@b.c", "mona+x@sub.example.com", "jörg@müller.example"] {
            assert!(right(email), "{email}");
        }
        for email in [
            "",
            "@",
            "a@b",
            "a@.b",
            "a@b.",
            "a@b..c",
            "a@b@c.d",
            "a b@c.d",
            "<a@b.c>",
            "a@b.c,d@e.f",
            "a@b.c\0",
        ] {
            assert!(!right(email), "{email:?}");
        }
        assert!(!right(&format!("{}@b.c", "a".repeat(251))));
    }

    #[test]
    fn every_wrong_field_of_a_new_member_is_named() {
        let new = NewMember {
            login: "no spaces".into(),
            name: " ".into(),
            email: "a@b@c.d\r\nBcc: x".into(),
            phone: Some("555".into()),
            role: None,
            on_call: false,
        };
        let fields: Vec<_> = new.validate().unwrap_err().into_iter().map(|e| e.field).collect();
        assert_eq!(fields, ["login", "name", "email", "phone"]);
    }
}
