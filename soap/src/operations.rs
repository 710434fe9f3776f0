//! What each operation does: a typed request in, a typed answer out. Who calls is known by then; that she may is asked here
//! once more, from the table, whatever the door has asked before.
//!
//! Carries no bytes of its own and knows no envelope; the work itself is done by `actors`.

mod administration;
mod basic;
mod batches;
mod certificates;
mod component;
mod documents;
mod judge;
mod look;
mod mapping;
mod pool;
mod sessions;

use crate::fault::Fault;
use crate::read::Call;
use crate::table::Service;
use crate::write::Reply;
use actors::administration::Administration;
use actors::api::Api;
use model::{Caller, Clock};
use std::sync::Arc;

/// All operations. Cheap to clone.
#[derive(Clone)]
pub struct Operations {
    api: Api,
    administration: Administration,
    settings: Arc<OperationSettings>,
}

/// What operations are told by the configuration.
#[derive(Clone, Debug, Default)]
pub struct OperationSettings {
    /// The profile that the signing component's `sign` goes by; records may ask for another form. `None`: there is no such
    /// service here.
    pub component_profile: Option<String>,
}

impl Operations {
    /// What operations work with.
    pub fn new(api: Api, administration: Administration, settings: OperationSettings) -> Self {
        Self { api, administration, settings: Arc::new(settings) }
    }

    fn clock(&self) -> &Arc<dyn Clock> {
        &self.api.services().clock
    }

    /// Does what a call asks for.
    pub async fn run(&self, caller: &Caller, call: Call) -> Result<Reply, Fault> {
        call.permitted(caller).map_err(|denied| Fault::denied(&denied))?;
        // Each is large, and one of them is what happens.
        match (call.operation.service, call.operation.name) {
            (Service::SecSigner, "sign") => Box::pin(self.component_sign(caller, call)).await,
            (Service::SecSigner, "verify") => Box::pin(self.component_verify(caller, call)).await,
            (Service::SecPki, name) => match name {
                "echo" => basic::echo(&call),
                "getVersion" => basic::version(self.clock().now()),
                "sign" => Box::pin(self.sign(caller, call)).await,
                "signBatch" => Box::pin(self.sign_batch(caller, call)).await,
                "signHash" => Box::pin(self.sign_hash(caller, call)).await,
                "extend" => Box::pin(self.extend(caller, call)).await,
                "timestamp" => Box::pin(self.timestamp(caller, call)).await,
                "encrypt" => Box::pin(self.encrypt(caller, call)).await,
                "decrypt" => Box::pin(self.decrypt(caller, call)).await,
                "submitBatch" => Box::pin(self.submit_batch(caller, call)).await,
                "getBatchState" => Box::pin(self.batch_state(caller, call)).await,
                "getBatchResult" => Box::pin(self.batch_result(caller, call)).await,
                "cancelBatch" => Box::pin(self.cancel_batch(caller, call)).await,
                "verify" => Box::pin(self.verify(caller, call)).await,
                "getProfiles" => self.profiles(caller),
                "getSigners" => self.signers(caller, &call),
                "getTokenPool" => self.token_pool(caller),
                "resizeTokenPool" => self.resize_token_pool(caller, &call).await,
                "archiveSubmit" | "archiveRetrieve" | "archiveEvidence" | "archiveSearch" => {
                    Err(Fault::not_available("the archive"))
                }
                name => Box::pin(self.administer(name, caller, call)).await,
            },
            (Service::SecSigner, name) => Err(Fault::not_available(name)),
        }
    }
}
