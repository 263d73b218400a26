//! OTLP over gRPC: the same pipeline behind another door.
//!
//! The three services are written by hand over a codec of bytes, so that a message is decoded where every body
//! is, on a lane, and not by generated code on the async runtime.

mod codec;

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use granary_model::Signal;
use granary_otlp::Compression;
use http_body::Body as HttpBody;
use tonic::body::Body as GrpcBody;
use tonic::codec::{CompressionEncoding, EnabledCompressionEncodings};
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::{Request, Response, Status};
use tower::Service;

use self::codec::BytesCodec;
use crate::accept::GRPC_ENCODING;
use crate::lane::Body;
use crate::server::Doors;

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
            Ok(grpc.unary(Export { doors, signal: S::SIGNAL }, request).await)
        })
    }
}

struct Export {
    doors: Doors,
    signal: Signal,
}

impl UnaryService<Bytes> for Export {
    type Response = Bytes;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Bytes>, Status>> + Send>>;

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        let (doors, signal) = (self.doors.clone(), self.signal);
        Box::pin(async move {
            let bytes = request.into_inner();
            let in_flight = doors.reserve(bytes.len() as u64).map_err(|refusal| refusal.to_grpc())?;
            let body = Body { bytes, encoding: GRPC_ENCODING, compression: Compression::Identity };
            let answer =
                doors.submit("grpc", signal, body, in_flight).await.map_err(|refusal| refusal.to_grpc())?;
            Ok(Response::new(answer.to_protobuf().into()))
        })
    }
}
