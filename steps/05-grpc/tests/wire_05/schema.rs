//! Schemas older and newer than ours, made from ours.

use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};
use step_05_api::{DESCRIPTORS, prost::Message, prost_types};

use prost_types::{
    DescriptorProto, EnumValueDescriptorProto, FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet,
    field_descriptor_proto::{Label, Type},
};

pub(crate) const PACKAGE: &str = "automator.backlog.v1";

/// Our schema.
pub(crate) fn ours() -> DescriptorPool {
    changed(|_| {})
}

/// Our schema before tasks had a day by which they are due, factors or a rank, and before anything was deferred.
pub(crate) fn older() -> DescriptorPool {
    changed(|file| {
        let gone = ["due_date", "rice", "rank"];
        let task = message(file, "Task");
        task.field.retain(|field| !gone.contains(&field.name()));
        // What remains keeps its number in the list of fields that may be absent.
        task.oneof_decl.retain(|oneof| oneof.name() == "_assignee");
        let status =
            file.enum_type.iter_mut().find(|found| found.name() == "TaskStatus").expect("it is there");
        status.value.retain(|value| value.name() != "TASK_STATUS_DEFERRED");
    })
}

/// Our schema in a year: tasks have a colour, lists are asked for by it, and a task may be blocked.
pub(crate) fn newer() -> DescriptorPool {
    changed(|file| {
        for name in ["Task", "ListTasksRequest"] {
            message(file, name).field.push(FieldDescriptorProto {
                name: Some("colour".to_owned()),
                number: Some(100),
                label: Some(Label::Optional.into()),
                r#type: Some(Type::String.into()),
                ..FieldDescriptorProto::default()
            });
        }
        let status =
            file.enum_type.iter_mut().find(|found| found.name() == "TaskStatus").expect("it is there");
        status.value.push(EnumValueDescriptorProto {
            name: Some("TASK_STATUS_BLOCKED".to_owned()),
            number: Some(99),
            options: None,
        });
    })
}

fn changed(change: impl FnOnce(&mut FileDescriptorProto)) -> DescriptorPool {
    let mut set = FileDescriptorSet::decode(DESCRIPTORS).expect("they are ours");
    change(set.file.iter_mut().find(|file| file.package() == PACKAGE).expect("it is there"));
    DescriptorPool::from_file_descriptor_set(set).expect("it holds together")
}

fn message<'f>(file: &'f mut FileDescriptorProto, name: &str) -> &'f mut DescriptorProto {
    file.message_type.iter_mut().find(|message| message.name() == name).expect("it is there")
}

/// A message as `schema` has it.
pub(crate) fn of(schema: &DescriptorPool, name: &str) -> MessageDescriptor {
    schema.get_message_by_name(&format!("{PACKAGE}.{name}")).expect("it is there")
}

/// The bytes of a message as `schema` writes it, from its JSON.
pub(crate) fn bytes(schema: &DescriptorPool, name: &str, json: &acceptance::serde_json::Value) -> Vec<u8> {
    DynamicMessage::deserialize(of(schema, name), json).expect("the schema has that").encode_to_vec()
}
