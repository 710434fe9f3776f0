//! What SOAP and REST have in common between reading a request and writing its answer: is there room, may she, do it.

use super::admission::{Full, Place};
use super::{Edge, measure};
use model::Caller;
use soap::fault::Fault;
use soap::read::Call;
use soap::write::Reply;

impl Edge {
    /// Whether there would be room now: before a long body is read.
    pub(super) fn has_room(&self, caller: Option<&Caller>) -> Result<(), Fault> {
        self.admission.check(caller).map_err(|full| self.busy(full))
    }

    /// Does what a call asks for, if she may and there is room.
    pub(super) async fn exchange(&self, caller: Caller, call: Call) -> Result<Reply, Fault> {
        if let Err(denied) = call.permitted(&caller) {
            let (access, fault) = (self.access.clone(), Fault::denied(&denied));
            // On the threads where the store's connections live.
            let noted = self.runtime.spawn(async move { access.denied(&caller, &denied).await });
            if let Err(error) = noted.await {
                tracing::error!(%error, "what was denied is not in the audit log");
            }
            return Err(fault);
        }
        let place = self.admission.request(&caller).map_err(|full| self.busy(full))?;
        let (operations, name) = (self.operations.clone(), call.operation.name);
        // On the threads where documents are worked on. What was begun is finished even if the client goes away, and
        // has its place until then.
        let work = self.runtime.spawn(async move {
            let _place: Place = place;
            operations.run(&caller, call).await
        });
        work.await.unwrap_or_else(|error| {
            tracing::error!(operation = name, %error, "an operation has failed");
            Err(Fault::server("failed", "the operation has failed"))
        })
    }

    fn busy(&self, full: Full) -> Fault {
        metrics::counter!(measure::BUSY, "full" => full.word()).increment(1);
        Fault { sentence: format!("{full}; try again later"), ..Fault::busy(self.settings.retry_after_s) }
    }
}
