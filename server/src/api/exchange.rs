//! What SOAP and REST have in common between reading a request and writing its answer: is there room, may she, do it.

use super::admission::{Full, Place};
use super::{Edge, measure};
use model::Caller;
use soap::fault::Fault;
use soap::read::Call;
use soap::write::Reply;
use std::time::{Duration, Instant};

/// A place that is kept for somebody whose body comes quickly.
#[derive(Default)]
pub(super) struct Reserved {
    place: Option<Place>,
    until: Option<Instant>,
}

impl Reserved {
    /// When it is given up, if there is one.
    pub(super) fn until(&self) -> Option<Instant> {
        self.place.as_ref().and(self.until)
    }

    /// Others may have it.
    pub(super) fn give_up(&mut self) {
        self.place = None;
    }
}

/// How long a place is kept while a body comes. Whoever is slower gets one when all of it is there, if there is one then:
/// sending slowly must not be a way to occupy the server.
const RESERVED_TIME: Duration = Duration::from_millis(250);

impl Edge {
    /// Whether there would be room now: before a long body is read.
    pub(super) fn has_room(&self, caller: Option<&Caller>) -> Result<(), Fault> {
        self.admission.check(caller).map_err(|full| self.busy(full))
    }

    /// A place for what she is about to ask for, held while her body comes: who has one is not told afterwards that the
    /// server is busy, and who gets none is told before she has sent anything.
    pub(super) fn reserve(&self, caller: &Caller) -> Result<Reserved, Fault> {
        let place = self.admission.request(caller).map_err(|full| self.busy(full))?;
        Ok(Reserved { place: Some(place), until: Some(Instant::now() + RESERVED_TIME) })
    }

    /// Does what a call asks for, if she may and there is room.
    pub(super) async fn exchange(&self, caller: Caller, call: Call, reserved: Reserved) -> Result<Reply, Fault> {
        if let Err(denied) = call.permitted(&caller) {
            let (access, fault) = (self.access.clone(), Fault::denied(&denied));
            // On the threads where the store's connections live.
            let noted = self.runtime.spawn(async move { access.denied(&caller, &denied).await });
            if let Err(error) = noted.await {
                tracing::error!(%error, "what was denied is not in the audit log");
            }
            return Err(fault);
        }
        let place = match reserved.place {
            Some(place) => place,
            None => self.admission.request(&caller).map_err(|full| self.busy(full))?,
        };
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
