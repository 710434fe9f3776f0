//! What each operation does: a typed request in, a typed answer out. Who calls is known by then, and that she may.
//!
//! Carries no bytes of its own and knows no envelope; the work itself is done by `actors`.

mod basic;

use crate::fault::Fault;
use crate::read::Call;
use crate::table::Service;
use crate::write::Reply;
use model::{Caller, Clock};
use std::sync::Arc;

/// All operations. Cheap to clone.
#[derive(Clone)]
pub struct Operations {
    clock: Arc<dyn Clock>,
}

impl Operations {
    /// What operations work with.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock }
    }

    /// Does what a call asks for.
    pub async fn run(&self, _caller: &Caller, call: Call) -> Result<Reply, Fault> {
        match (call.operation.service, call.operation.name) {
            (Service::SecPki, "echo") => basic::echo(&call),
            (Service::SecPki, "getVersion") => basic::version(self.clock.now()),
            (_, name) => Err(Fault::not_available(name)),
        }
    }
}
