//! What the [Dockerfile](../../../Dockerfile) and [docker-compose.yml](../../../docker-compose.yml) in the root promise: by their
//! text ([`dockerfile`], [`compose_file`]), and by what an engine does with them ([`engine`], [`composed`]).

pub mod compose_file;
pub mod composed;
pub mod dockerfile;
pub mod engine;
