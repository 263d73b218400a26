//! What S3's answers mean.
//!
//! An answer to `HEAD` has no body, so codes are missing there and the status has to do.

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};

use super::Place;
use crate::StoreError;

/// A request that failed, reduced to what decides.
#[derive(Debug)]
pub(super) enum Fault {
    /// No answer, or none that can be read.
    Unreachable(String),
    /// An answer that says no.
    Refused {
        status: u16,
        code: String,
        message: String,
        /// The region that the bucket is in, where the answer says so.
        region: Option<String>,
    },
}

const REGION_HEADER: &str = "x-amz-bucket-region";

impl Fault {
    pub(super) fn new<E>(error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        match error {
            SdkError::ServiceError(refused) => {
                let response = refused.raw();
                Self::Refused {
                    status: response.status().as_u16(),
                    code: refused.err().code().unwrap_or_default().to_owned(),
                    message: refused.err().message().unwrap_or_default().to_owned(),
                    region: response.headers().get(REGION_HEADER).map(ToOwned::to_owned),
                }
            }
            other => Self::Unreachable(DisplayErrorContext(other).to_string()),
        }
    }

    pub(super) fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { status, .. } => Some(*status),
            Self::Unreachable(_) => None,
        }
    }

    pub(super) fn is(&self, expected: &str) -> bool {
        matches!(self, Self::Refused { code, .. } if code == expected)
    }
}

impl Place {
    pub(super) fn fault<E>(&self, action: &'static str, error: &SdkError<E, HttpResponse>) -> StoreError
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        self.error(action, Fault::new(error))
    }

    pub(super) fn error(&self, action: &'static str, fault: Fault) -> StoreError {
        let bucket = self.bucket.clone();
        let (status, code, message, region) = match fault {
            Fault::Unreachable(problem) => {
                return StoreError::Unreachable { bucket, endpoint: self.endpoint.clone(), action, problem };
            }
            Fault::Refused { status, code, message, region } => (status, code, message, region),
        };
        // AWS names the region in a header, other stores in their words: "… is wrong; expecting 'eu-central-1'".
        let region = region.or_else(|| {
            let named = message.split_once("expecting '")?.1;
            Some(named.split_once('\'')?.0.to_owned())
        });
        let elsewhere = region.as_ref().is_some_and(|region| *region != self.region);
        match (status, code.as_str()) {
            (301 | 307, _) | (_, "AuthorizationHeaderMalformed" | "PermanentRedirect") => {
                StoreError::WrongRegion { bucket, configured: self.region.clone(), actual: region }
            }
            (400, _) if elsewhere => {
                StoreError::WrongRegion { bucket, configured: self.region.clone(), actual: region }
            }
            (_, "NoSuchBucket") => StoreError::MissingBucket { bucket, endpoint: self.endpoint.clone() },
            (404, _) if action == "HeadBucket" => {
                StoreError::MissingBucket { bucket, endpoint: self.endpoint.clone() }
            }
            (_, "RequestTimeTooSkewed" | "RequestExpired") => StoreError::ClockSkew { bucket },
            (_, "ExpiredToken" | "ExpiredTokenException") => StoreError::ExpiredToken { bucket },
            (501, _) | (_, "NotImplemented") => StoreError::NotImplemented { bucket, action, message },
            (401 | 403, _) => {
                let code = if code.is_empty() { status.to_string() } else { code };
                StoreError::Denied { bucket, action, code }
            }
            _ => StoreError::Service { bucket, action, status, code, message },
        }
    }
}
