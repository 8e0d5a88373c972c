//! What a service says of itself: its file, and the files that this one needs.

use std::collections::BTreeMap;

use acceptance::anyhow::{self, Context, bail};
use prost_reflect::{
    DescriptorPool,
    prost::Message,
    prost_types::{FileDescriptorProto, FileDescriptorSet},
};
use step_05_api::tonic::transport::Channel;
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
};

/// How many files a schema may have. Nobody's does, but for one that goes on for ever.
const MOST_FILES: usize = 100;

/// The schema of the service with that full name.
pub(super) async fn of(channel: Channel, service: &str) -> anyhow::Result<DescriptorPool> {
    let mut client = ServerReflectionClient::new(channel);
    let mut files = BTreeMap::new();
    let mut wanted = vec![MessageRequest::FileContainingSymbol(service.to_owned())];
    while let Some(request) = wanted.pop() {
        for file in ask(&mut client, request).await? {
            let needs = file.dependency.iter().filter(|name| !files.contains_key(*name));
            wanted.extend(needs.cloned().map(MessageRequest::FileByFilename));
            files.insert(file.name().to_owned(), file);
        }
        if files.len() + wanted.len() > MOST_FILES {
            bail!("the schema of {service} has more than {MOST_FILES} files");
        }
    }
    let set = FileDescriptorSet { file: files.into_values().collect() };
    DescriptorPool::from_file_descriptor_set(set).context("the schema does not hold together")
}

/// The answer to one question.
async fn ask(
    client: &mut ServerReflectionClient<Channel>,
    request: MessageRequest,
) -> anyhow::Result<Vec<FileDescriptorProto>> {
    let request = ServerReflectionRequest { host: String::new(), message_request: Some(request) };
    let mut answers = client.server_reflection_info(tokio_stream::once(request)).await?.into_inner();
    match answers.message().await?.and_then(|answer| answer.message_response) {
        Some(MessageResponse::FileDescriptorResponse(found)) => {
            let files = found.file_descriptor_proto.iter();
            Ok(files.map(|bytes| FileDescriptorProto::decode(bytes.as_slice())).collect::<Result<_, _>>()?)
        }
        Some(MessageResponse::ErrorResponse(error)) => bail!("no schema: {}", error.error_message),
        _ => bail!("the service answered something else than its schema"),
    }
}
