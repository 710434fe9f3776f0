//! Whether the server is there, and what it is.

use crate::fault::Fault;
use crate::read::Call;
use crate::types::{EchoRequest, EchoResponse, GetVersionResponse};
use crate::write::Reply;
use model::Time;

pub(super) fn echo(call: &Call) -> Result<Reply, Fault> {
    let request: EchoRequest = call.request()?;
    Ok(Reply::plain(EchoResponse { text: request.text }))
}

pub(super) fn version(now: Time) -> Result<Reply, Fault> {
    Ok(Reply::plain(GetVersionResponse {
        product: "sealmill".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        interface: INTERFACE,
        time: now.into(),
    }))
}

/// Goes up by one whenever an operation or a field is added.
const INTERFACE: i64 = 1;
