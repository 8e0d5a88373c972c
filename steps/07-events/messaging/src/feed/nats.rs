//! NATS JetStream as a carrier: one stream for all messages, a durable pull consumer for each reader.
//!
//! - *A repeat has no effect*: the message's id travels as `Nats-Msg-Id`, by which the stream knows it again for a few minutes; later
//!   the inbox does.
//! - *Order*: a reader has one message at a time that it has not acknowledged. With more, those behind a message that was handed over
//!   twice would overtake it.
//! - *The position beside the effect is what counts.* Where the stream believes that a reader has taken more, because its database is an
//!   older copy or it begins again, it is handed the messages anew.
//! - *The id of the feed* is the time at which the stream was made: the server keeps it with the stream.

use std::{
    collections::{HashMap, HashSet},
    fmt::{self, Debug, Display},
    str::FromStr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_nats::{
    Client, ConnectOptions,
    jetstream::{
        self, AckKind, Context,
        consumer::{Consumer, DeliverPolicy, pull},
        message::PublishMessage,
        stream::{self, Stream},
    },
};
use async_trait::async_trait;
use chassis::{Ctx, Fault, event::Recorded};
use futures::StreamExt;
use reqwest::Url;
use tokio::{sync::OnceCell, time::timeout};

use super::{Delivered, Feed, Handle, Read, Reader};

const STREAM: &str = "AUTOMATOR";
/// What comes before a message's kind in its subject at NATS, which is not the subject of the message.
const PREFIX: &str = "automator";
/// For how long the stream knows a message again.
const KNOWN: Duration = Duration::from_mins(10);
/// After how long a message is handed over again that nobody has acknowledged: a killed process stands still for as long.
const ACK_WAIT: Duration = Duration::from_secs(3);
/// How long making a connection may take.
const CONNECT: Duration = Duration::from_secs(2);

/// Where a server is: `nats://HOST:PORT` or `tls://…`, checked. A user's name and password in it are never shown.
#[derive(Clone)]
pub struct NatsUrl(Url);

impl FromStr for NatsUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse::<Url>() {
            Ok(url) if matches!(url.scheme(), "nats" | "tls") && url.has_host() => Ok(Self(url)),
            Ok(_) => Err("must begin with nats:// or tls:// and name a host".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }
}

impl Debug for NatsUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let port = self.0.port().map(|port| format!(":{port}")).unwrap_or_default();
        write!(f, "{}://{}{port}", self.0.scheme(), self.0.host_str().unwrap_or_default())
    }
}

/// A JetStream server.
#[derive(Debug)]
pub struct Nats {
    url: NatsUrl,
    client: OnceCell<Client>,
    known: Mutex<Known>,
}

/// What need not be asked for each time.
#[derive(Debug, Default)]
struct Known {
    stream: Option<Stream>,
    readers: HashMap<&'static str, At>,
}

/// The stream's consumer for a reader.
#[derive(Debug, Clone)]
struct At {
    /// The id of the stream.
    feed: Arc<str>,
    consumer: Consumer<pull::Config>,
}

impl Nats {
    /// The server at `url`, which is asked when there is something to ask.
    #[must_use]
    pub fn new(url: NatsUrl) -> Self {
        Self { url, client: OnceCell::new(), known: Mutex::default() }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks within the caller's time. What failed is looked up anew the next time: a server that was set up again has nothing of what
    /// we know.
    async fn asked<T>(&self, ctx: &Ctx, ask: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
        let ended = timeout(ctx.remaining(), ask).await.unwrap_or(Err(Fault::DeadlineExceeded));
        if ended.is_err() {
            *self.known() = Known::default();
        }
        ended
    }

    async fn context(&self) -> Result<Context, Fault> {
        let connect = || async {
            let options = ConnectOptions::new().name("automator").connection_timeout(CONNECT);
            options.connect(self.url.0.as_str()).await.map_err(away)
        };
        Ok(jetstream::new(self.client.get_or_try_init(connect).await?.clone()))
    }

    async fn stream(&self) -> Result<Stream, Fault> {
        let known = self.known().stream.clone();
        if let Some(stream) = known {
            return Ok(stream);
        }
        let config = stream::Config {
            name: STREAM.to_owned(),
            subjects: vec![format!("{PREFIX}.>")],
            duplicate_window: KNOWN,
            ..stream::Config::default()
        };
        let stream = self.context().await?.get_or_create_stream(config).await.map_err(away)?;
        self.known().stream = Some(stream.clone());
        Ok(stream)
    }

    /// The stream's consumer for a reader, at its position or behind it.
    async fn reader(&self, reader: &Reader) -> Result<At, Fault> {
        let known = self.known().readers.get(reader.consumer).cloned();
        // Whoever is at the beginning may have been further, and whoever is elsewhere may know better: these are looked at each time.
        let is_sure = |at: &At| reader.after.position > 0 && !reader.after.is_elsewhere(&at.feed);
        if let Some(at) = known.filter(is_sure) {
            return Ok(at);
        }
        let stream = self.stream().await?;
        let info = stream.get_info().await.map_err(away)?;
        let feed = id(&info);
        let after = u64::try_from(reader.after.within(&feed)).unwrap_or(0);
        if after > info.state.last_sequence {
            return Err(Fault::invalid("after", "was never given here: the stream has lost messages"));
        }
        let consumer = match stream.get_consumer::<pull::Config>(reader.consumer).await {
            Ok(there) if is_fitting(&there, reader, after) => there,
            Ok(_) => {
                stream.delete_consumer(reader.consumer).await.map_err(away)?;
                stream.create_consumer(config(reader, after)).await.map_err(away)?
            }
            // One that cannot be read is not there, or the server is away, which the next question says.
            Err(_) => stream.create_consumer(config(reader, after)).await.map_err(away)?,
        };
        // Made anew in between, it has our consumer and is another stream.
        if id(&stream.get_info().await.map_err(away)?) != feed {
            return Err(away("the stream was made anew"));
        }
        let at = At { feed, consumer };
        self.known().readers.insert(reader.consumer, at.clone());
        Ok(at)
    }
}

fn id(stream: &stream::Info) -> Arc<str> {
    stream.created.unix_timestamp_nanos().to_string().into()
}

fn config(reader: &Reader, after: u64) -> pull::Config {
    pull::Config {
        durable_name: Some(reader.consumer.to_owned()),
        filter_subjects: reader.wants.iter().map(|wanted| filter(wanted)).collect(),
        deliver_policy: match after {
            0 => DeliverPolicy::All,
            _ => DeliverPolicy::ByStartSequence { start_sequence: after + 1 },
        },
        ack_wait: ACK_WAIT,
        max_ack_pending: 1,
        ..pull::Config::default()
    }
}

/// Whether a consumer wants the same, and has not gone on without the reader.
fn is_fitting(there: &Consumer<pull::Config>, reader: &Reader, after: u64) -> bool {
    let info = there.cached_info();
    let wants: HashSet<String> = reader.wants.iter().map(|wanted| filter(wanted)).collect();
    // The server shows one wish and several ones in different fields.
    let one = Some(info.config.filter_subject.clone()).filter(|subject| !subject.is_empty());
    let has: HashSet<String> = info.config.filter_subjects.iter().cloned().chain(one).collect();
    has == wants && info.ack_floor.stream_sequence <= after
}

/// The subjects at NATS of a context, or that of a kind.
fn filter(wanted: &str) -> String {
    if wanted.contains('.') { format!("{PREFIX}.{wanted}") } else { format!("{PREFIX}.{wanted}.>") }
}

/// A kind that can be part of a subject at NATS.
fn is_kind(kind: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    kind.contains('.') && kind.split('.').all(|part| !part.is_empty() && part.bytes().all(is_letter))
}

fn away(error: impl Display) -> Fault {
    tracing::warn!(%error, "NATS did not do what it was asked");
    Fault::Unavailable("the feed".to_owned())
}

#[async_trait]
impl Feed for Nats {
    async fn publish(&self, ctx: &Ctx, messages: &[Recorded]) -> Result<(), Fault> {
        if let Some(wrong) = messages.iter().find(|message| !is_kind(&message.kind)) {
            return Err(Fault::invalid("type", format!("{:?} is not like github.item_opened", wrong.kind)));
        }
        self.asked(ctx, async {
            self.stream().await?;
            let context = self.context().await?;
            // One after the other: of several under way, one could fail and the next one arrive.
            for message in messages {
                let payload = serde_json::to_vec(message).map_err(Fault::internal)?;
                let publish =
                    PublishMessage::build().payload(payload.into()).message_id(message.id.to_string());
                let sent = context.send_publish(format!("{PREFIX}.{}", message.kind), publish).await;
                sent.map_err(away)?.await.map_err(away)?;
            }
            Ok(())
        })
        .await
    }

    async fn read(&self, ctx: &Ctx, reader: &Reader, _: usize) -> Result<Read, Fault> {
        self.asked(ctx, async {
            let At { feed, consumer } = self.reader(reader).await?;
            let mut read = Read { feed, messages: Vec::new(), unreadable: None };
            let mut messages = if reader.wait.is_zero() {
                consumer.fetch().max_messages(1).messages().await
            } else {
                consumer.batch().max_messages(1).expires(reader.wait).messages().await
            }
            .map_err(away)?;
            let Some(next) = messages.next().await else { return Ok(read) };
            let next = next.map_err(away)?;
            let sequence = next.info().map_err(away)?.stream_sequence;
            let position = i64::try_from(sequence).map_err(Fault::internal)?;
            match serde_json::from_slice(&next.payload) {
                Ok(message) => {
                    let (message, handle): (_, Handle) = (Arc::new(message), Arc::new(next));
                    let feed = read.feed.clone();
                    read.messages.push(Delivered { feed, position, message, handle: Some(handle) });
                }
                Err(error) => {
                    tracing::error!(subject = %next.subject, sequence, %error, "what lies in the stream is no message of ours, and is passed over");
                    next.ack_with(AckKind::Term).await.map_err(away)?;
                    read.unreadable = Some(position);
                }
            }
            Ok(read)
        })
        .await
    }

    async fn done(&self, ctx: &Ctx, delivered: &Delivered) -> Result<(), Fault> {
        let handle = delivered.handle.as_ref().and_then(|handle| handle.downcast_ref::<jetstream::Message>());
        match handle {
            Some(message) => self.asked(ctx, async { message.double_ack().await.map_err(away) }).await,
            None => Ok(()),
        }
    }

    async fn behind(&self, ctx: &Ctx, reader: &Reader) -> Result<i64, Fault> {
        self.asked(ctx, async {
            let info = self.reader(reader).await?.consumer.get_info().await.map_err(away)?;
            let waiting = info.num_pending + u64::try_from(info.num_ack_pending).unwrap_or(0);
            i64::try_from(waiting).map_err(Fault::internal)
        })
        .await
    }
}
