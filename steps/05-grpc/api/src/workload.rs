//! What a member has to do.

use step_02_contracts::{Fault, backlog::Workload};

use crate::{fields::text, v1};

impl From<Workload> for v1::Workload {
    fn from(workload: Workload) -> Self {
        let first = workload.first.into_iter().map(Into::into).collect();
        Self { login: workload.login.into(), first, all: workload.all }
    }
}

impl TryFrom<v1::Workload> for Workload {
    type Error = Fault;

    fn try_from(workload: v1::Workload) -> Result<Self, Fault> {
        let first = workload.first.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?;
        Ok(Self { login: text("login", &workload.login)?, first, all: workload.all })
    }
}
