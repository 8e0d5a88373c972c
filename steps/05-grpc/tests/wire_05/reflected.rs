//! A client that knows no service: it asks one what it speaks (gRPC server reflection, v1), and calls it with JSON. It proves that
//! anybody can do that.

mod codec;
mod schema;

use acceptance::{
    anyhow::{self, Context, bail},
    serde_json::{self, Value},
};
use prost_reflect::{DescriptorPool, DynamicMessage, SerializeOptions, ServiceDescriptor};
use step_05_api::tonic::{
    Request, Status, client::Grpc, codegen::http::uri::PathAndQuery, metadata::MetadataMap,
    transport::Channel,
};

/// A service that was asked what it speaks.
#[derive(Debug, Clone)]
pub(crate) struct Service {
    channel: Channel,
    descriptor: ServiceDescriptor,
}

impl Service {
    /// The service of that full name, such as `automator.backlog.v1.Backlog`.
    ///
    /// # Errors
    /// Nobody answers, or has no such service.
    pub(crate) async fn ask(channel: Channel, name: &str) -> anyhow::Result<Self> {
        let pool: DescriptorPool = schema::of(channel.clone(), name).await?;
        let descriptor = pool.get_service_by_name(name).with_context(|| format!("there is no {name}"))?;
        Ok(Self::known(channel, descriptor))
    }

    /// A service that speaks what `descriptor` says, or something that was made from it since.
    pub(crate) fn known(channel: Channel, descriptor: ServiceDescriptor) -> Self {
        Self { channel, descriptor }
    }

    /// What it can be asked, by name.
    pub(crate) fn methods(&self) -> Vec<String> {
        let mut methods: Vec<_> = self.descriptor.methods().map(|method| method.name().to_owned()).collect();
        methods.sort();
        methods
    }

    /// Calls a method with a message in the JSON of Protocol Buffers, and `metadata`. What is absent in the answer is left out;
    /// what is 0 is shown.
    ///
    /// # Errors
    /// The method is not there, the message is none, or the status of the call (see [`Status`]).
    pub(crate) async fn call(
        &self,
        method: &str,
        message: &Value,
        metadata: MetadataMap,
    ) -> anyhow::Result<Value> {
        let Some(method) = self.descriptor.methods().find(|found| found.name() == method) else {
            bail!("{} has no {method}; it has {}", self.descriptor.full_name(), self.methods().join(", "));
        };
        let message = DynamicMessage::deserialize(method.input(), message)?;
        let path = format!("/{}/{}", self.descriptor.full_name(), method.name());
        let mut client = Grpc::new(self.channel.clone());
        client.ready().await.map_err(|error| Status::from_error(error.into()))?;
        let mut request = Request::new(message);
        *request.metadata_mut() = metadata;
        let codec = codec::Dynamic(method.output());
        let answer = client.unary(request, PathAndQuery::try_from(path)?, codec).await?;
        let options = SerializeOptions::new().skip_default_fields(false);
        Ok(answer.into_inner().serialize_with_options(serde_json::value::Serializer, &options)?)
    }
}
