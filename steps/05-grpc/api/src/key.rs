//! The client's key of a request, and whether the answer was given before.

use domain::Rule;
use step_02_contracts::{Fault, IdempotencyKey, Once};

use crate::{fields::given, v1};

impl From<IdempotencyKey> for v1::RequestKey {
    fn from(key: IdempotencyKey) -> Self {
        let IdempotencyKey { key, route, fingerprint } = key;
        Self { key, route, fingerprint }
    }
}

impl From<v1::RequestKey> for IdempotencyKey {
    fn from(key: v1::RequestKey) -> Self {
        let v1::RequestKey { key, route, fingerprint } = key;
        Self { key, route, fingerprint }
    }
}

impl From<Once<Rule>> for v1::CreateRuleResponse {
    fn from(once: Once<Rule>) -> Self {
        Self { rule: Some(once.value.into()), replayed: once.replayed }
    }
}

impl TryFrom<v1::CreateRuleResponse> for Once<Rule> {
    type Error = Fault;

    fn try_from(answer: v1::CreateRuleResponse) -> Result<Self, Fault> {
        Ok(Self { value: given("rule", answer.rule)?.try_into()?, replayed: answer.replayed })
    }
}
