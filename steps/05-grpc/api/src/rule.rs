//! Rules.

use domain::{Action, Conditions, NewRule, Notify, Rule};
use step_02_contracts::Fault;

use crate::{
    Read,
    enums::{self, number, numbered, value},
    fields::{given, id, optional, text},
    v1::{self, action::Kind},
};

impl From<Rule> for v1::Rule {
    fn from(rule: Rule) -> Self {
        let Rule { id, name, when, conditions, then } = rule;
        Self { id: id.to_string(), ..NewRule { name, when, conditions, then }.into() }
    }
}

impl From<NewRule> for v1::Rule {
    fn from(rule: NewRule) -> Self {
        Self {
            id: String::new(),
            name: rule.name,
            trigger: number(rule.when),
            conditions: Some(rule.conditions.into()),
            actions: rule.then.into_iter().map(Into::into).collect(),
        }
    }
}

impl TryFrom<v1::Rule> for Rule {
    type Error = Fault;

    fn try_from(rule: v1::Rule) -> Result<Self, Fault> {
        let id = id("id", &rule.id)?;
        let NewRule { name, when, conditions, then } = rule.try_into()?;
        Ok(Self { id, name, when, conditions, then })
    }
}

impl TryFrom<v1::Rule> for NewRule {
    type Error = Fault;

    fn try_from(rule: v1::Rule) -> Result<Self, Fault> {
        let actions = rule.actions.into_iter().enumerate();
        Ok(Self {
            name: rule.name,
            when: value("when", rule.trigger)?,
            conditions: rule.conditions.unwrap_or_default().try_into()?,
            then: actions.map(|(index, action)| of_wire(index, action)).collect::<Result<_, _>>()?,
        })
    }
}

impl From<Conditions> for v1::Conditions {
    fn from(conditions: Conditions) -> Self {
        Self {
            kind: numbered(conditions.kind),
            category: numbered(conditions.category),
            language: conditions.language.map(Into::into),
            status: numbered(conditions.status),
            author: numbered(conditions.author),
            label: conditions.label,
        }
    }
}

impl TryFrom<v1::Conditions> for Conditions {
    type Error = Fault;

    fn try_from(conditions: v1::Conditions) -> Result<Self, Fault> {
        Ok(Self {
            kind: enums::optional("if.kind", conditions.kind)?,
            category: enums::optional("if.category", conditions.category)?,
            language: optional("if.language", conditions.language)?,
            status: enums::optional("if.status", conditions.status)?,
            author: enums::optional("if.author", conditions.author)?,
            label: conditions.label,
        })
    }
}

impl From<Action> for v1::Action {
    fn from(action: Action) -> Self {
        let kind = match action {
            Action::SetStatus(status) => Kind::SetStatus(number(status)),
            Action::Assign(login) => Kind::Assign(login.into()),
            Action::AddReach(reach) => Kind::AddReach(reach),
            Action::Comment(text) => Kind::Comment(text),
            Action::Notify(Notify { channel, to, text }) => {
                Kind::Notify(v1::Notify { channel: number(channel), to, text })
            }
        };
        Self { kind: Some(kind) }
    }
}

/// The action at `index` of a rule. One that we do not know is refused: a rule without it would be another rule.
fn of_wire(index: usize, action: v1::Action) -> Read<Action> {
    let field = |name: &str| format!("then[{index}].{name}");
    Ok(match given(&format!("then[{index}]"), action.kind)? {
        Kind::SetStatus(status) => Action::SetStatus(value(&field("set_status"), status)?),
        Kind::Assign(login) => Action::Assign(text(&field("assign"), &login)?),
        Kind::AddReach(reach) => Action::AddReach(reach),
        Kind::Comment(text) => Action::Comment(text),
        Kind::Notify(v1::Notify { channel, to, text }) => {
            Action::Notify(Notify { channel: value(&field("notify.channel"), channel)?, to, text })
        }
    })
}
