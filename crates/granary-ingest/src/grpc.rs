//! OTLP over gRPC: the same pipeline behind another door.
//!
//! The three services are written by hand over a codec of bytes, so that a message is decoded where every body
//! is, on a lane, and not by generated code on the async runtime.

mod codec;
mod meter;

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use granary_model::Signal;
use granary_otlp::{Answer, Compression};
use http_body::Body as HttpBody;
use tonic::body::Body as GrpcBody;
use tonic::codec::{CompressionEncoding, EnabledCompressionEncodings};
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::{Request, Response, Status};
use tower::Service;

use self::codec::BytesCodec;
use self::meter::Metered;
use crate::accept::GRPC_ENCODING;
use crate::doors::Doors;
use crate::error::Refusal;
use crate::lane::Body;
use crate::sender::Sender;

/// What metrics call this door.
pub(crate) const DOOR: &str = "grpc";

/// Says which of the three services a type is.
pub(crate) trait ExportService: Clone + Send + Sync + 'static {
    const SIGNAL: Signal;
    const NAME: &'static str;
    const METHOD: &'static str;
}

macro_rules! export_service {
    ($name:ident, $signal:ident, $service:literal) => {
        #[derive(Debug, Clone)]
        pub(crate) struct $name;

        impl ExportService for $name {
            const SIGNAL: Signal = Signal::$signal;
            const NAME: &'static str = $service;
            const METHOD: &'static str = concat!("/", $service, "/Export");
        }
    };
}

export_service!(LogsService, Logs, "opentelemetry.proto.collector.logs.v1.LogsService");
export_service!(TraceService, Traces, "opentelemetry.proto.collector.trace.v1.TraceService");
export_service!(MetricsService, Metrics, "opentelemetry.proto.collector.metrics.v1.MetricsService");

/// One of the services at the door.
#[derive(Clone)]
pub(crate) struct ExportServer<S> {
    doors: Doors,
    _service: S,
}

impl<S: ExportService> ExportServer<S> {
    pub(crate) fn new(doors: Doors, service: S) -> Self {
        Self { doors, _service: service }
    }
}

impl<S: ExportService> NamedService for ExportServer<S> {
    const NAME: &'static str = S::NAME;
}

impl<S, B> Service<http::Request<B>> for ExportServer<S>
where
    S: ExportService,
    B: HttpBody + Send + 'static,
    B::Error: Into<tonic::codegen::StdError> + Send + 'static,
{
    type Response = http::Response<GrpcBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        if request.uri().path() != S::METHOD {
            return Box::pin(async {
                Ok(Status::unimplemented("this service has one method, Export").into_http())
            });
        }
        let doors = self.doors.clone();
        let peer = request.extensions().get().copied();
        let sender = match doors.admit(DOOR, S::SIGNAL, peer, request.headers()) {
            Ok(sender) => sender,
            Err(refusal) => return Box::pin(async move { Ok(refusal.to_grpc().into_http()) }),
        };
        Box::pin(async move {
            let mut accepted = EnabledCompressionEncodings::default();
            for encoding in
                [CompressionEncoding::Gzip, CompressionEncoding::Zstd, CompressionEncoding::Deflate]
            {
                accepted.enable(encoding);
            }
            // tonic decompresses; its limit holds for a message before and after that.
            let limit = usize::try_from(doors.config().max_decompressed.as_u64()).unwrap_or(usize::MAX);
            let mut grpc = Grpc::new(BytesCodec)
                .apply_compression_config(accepted, EnabledCompressionEncodings::default())
                .apply_max_message_size_config(Some(limit), None);
            let request = request.map(|body| {
                let (config, of_meter, of_sender) = (doors.config(), doors.clone(), sender.clone());
                Metered::new(body, config.max_body.as_u64(), config.read_timeout, move |refusal| {
                    of_meter.answered(DOOR, S::SIGNAL, &of_sender, Some(refusal));
                })
            });
            let wire_bytes = request.body().bytes();
            Ok(grpc.unary(Export { doors, signal: S::SIGNAL, sender, wire_bytes }, request).await)
        })
    }
}

struct Export {
    doors: Doors,
    signal: Signal,
    sender: Sender,
    wire_bytes: Arc<AtomicU64>,
}

impl UnaryService<Bytes> for Export {
    type Response = Bytes;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Bytes>, Status>> + Send>>;

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        let (doors, signal, sender) = (self.doors.clone(), self.signal, self.sender.clone());
        let wire_bytes = self.wire_bytes.load(Ordering::Relaxed);
        Box::pin(async move {
            let answer = take(&doors, signal, &sender, wire_bytes, request.into_inner()).await;
            doors.answered(DOOR, signal, &sender, answer.as_ref().err());
            match answer {
                Ok(answer) => Ok(Response::new(answer.to_protobuf().into())),
                Err(refusal) => Err(refusal.to_grpc()),
            }
        })
    }
}

async fn take(
    doors: &Doors,
    signal: Signal,
    sender: &Sender,
    wire_bytes: u64,
    bytes: Bytes,
) -> Result<Answer, Refusal> {
    sender.take_bytes(wire_bytes)?;
    let in_flight = doors.reserve(bytes.len() as u64)?;
    let body = Body { bytes, encoding: GRPC_ENCODING, compression: Compression::Identity };
    doors.submit(sender, signal, body, in_flight).await
}
