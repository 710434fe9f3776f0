//! Bodies of answers: whole ones, and the spoiled ones that hyper would not make.

use hyper::body::{Body, Bytes, Frame};
use std::io::{Error, ErrorKind};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Sleep, sleep};

/// A body of one of the shapes.
pub(super) struct Spoiled(pub(super) Shape);

pub(super) enum Shape {
    Whole(Option<Bytes>),
    Endless,
    Drip(Bytes, Pin<Box<Sleep>>),
    /// Half of it, then an error, which closes the connection.
    Short(Option<Bytes>, Pin<Box<Sleep>>),
}

impl Shape {
    pub(super) fn whole(bytes: Bytes) -> Self {
        Shape::Whole((!bytes.is_empty()).then_some(bytes))
    }

    pub(super) fn endless() -> Self {
        Shape::Endless
    }

    pub(super) fn drip(bytes: Bytes) -> Self {
        Shape::Drip(bytes, Box::pin(sleep(Duration::ZERO)))
    }

    pub(super) fn short(bytes: Bytes) -> Self {
        // The pause lets hyper send the half before it hears of the error.
        Shape::Short(Some(bytes.slice(..bytes.len() / 2)), Box::pin(sleep(Duration::from_millis(50))))
    }
}

impl Body for Spoiled {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match &mut self.0 {
            Shape::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Shape::Endless => Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[0x30; 16_384]))))),
            Shape::Drip(bytes, _) if bytes.is_empty() => Poll::Ready(None),
            Shape::Drip(bytes, pause) => {
                std::task::ready!(pause.as_mut().poll(context));
                *pause = Box::pin(sleep(Duration::from_secs(1)));
                Poll::Ready(Some(Ok(Frame::data(bytes.split_to(1)))))
            }
            Shape::Short(half, pause) => {
                if let Some(half) = half.take() {
                    return Poll::Ready(Some(Ok(Frame::data(half))));
                }
                std::task::ready!(pause.as_mut().poll(context));
                Poll::Ready(Some(Err(Error::from(ErrorKind::UnexpectedEof))))
            }
        }
    }
}
