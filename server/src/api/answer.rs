//! Answers as HTTP: the head from what `soap` says, the body while it is sent.

use super::routes::{Correlation, Told};
use actix_web::HttpResponse;
use actix_web::body::{BodySize, MessageBody};
use actix_web::http::StatusCode;
use actix_web::http::header::WWW_AUTHENTICATE;
use actix_web::web::Bytes;
use soap::fault::{Fault, status};
use soap::write::Answer;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

/// An answer that was written by `soap`.
pub(super) fn respond(answer: Answer, told: Told) -> HttpResponse {
    let status = StatusCode::from_u16(answer.http_status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    response.content_type(answer.content_type.as_str());
    for (name, value) in &answer.headers {
        response.insert_header((*name, value.as_str()));
    }
    if status == StatusCode::UNAUTHORIZED {
        response.insert_header((WWW_AUTHENTICATE, "Basic realm=\"sealmill\", charset=\"UTF-8\""));
    }
    response.insert_header(("Cache-Control", "no-store"));
    let length = answer.length();
    let mut response = response.body(Sending { answer, length });
    response.extensions_mut().insert(told);
    response
}

/// What the log and the metrics say of a fault.
pub(super) fn outcome(fault: &Fault) -> &'static str {
    match fault.status {
        status::BUSY => "busy",
        _ if matches!(fault.http, 401 | 403) => "refused",
        _ => "fault",
    }
}

/// With the number that the log has for the request.
pub(super) fn numbered(fault: Fault, correlation: &Correlation) -> Fault {
    match fault.correlation {
        Some(_) => fault,
        None => fault.with_correlation(&*correlation.0),
    }
}

struct Sending {
    answer: Answer,
    length: u64,
}

impl MessageBody for Sending {
    type Error = io::Error;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.length)
    }

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, io::Error>>> {
        // The HTTP library asks for more only when the client has taken what there was.
        Poll::Ready(match self.get_mut().answer.next_chunk() {
            Ok(chunk) => chunk.map(|chunk| Ok(Bytes::from(chunk))),
            Err(error) => {
                tracing::error!(%error, "an answer cannot be read while it is sent: the connection is cut");
                Some(Err(error))
            }
        })
    }
}
