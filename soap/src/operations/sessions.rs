//! Operations about log-in sessions that portals open for their visitors. Their answers are numbers, as existing clients know
//! them; a session of somebody else is as one that never was.

use super::Operations;
use super::administration::{fault, user};
use crate::fault::Fault;
use crate::read::Call;
use crate::types::*;
use crate::write::Reply;
use model::Caller;

impl Operations {
    pub(super) async fn session(&self, name: &str, caller: &Caller, call: &Call) -> Result<Reply, Fault> {
        let people = &self.administration;
        let state = match name {
            "requestAuthSession" => {
                let request: RequestAuthSessionRequest = call.request()?;
                let text = |text: &Option<String>| text.clone().unwrap_or_default();
                let (service, address) = (text(&request.service_name), text(&request.service_address));
                let (visitor, browser) = (user(&request.user_id)?, text(&request.browser_address));
                let opened = people.open_session(caller, &visitor, &service, &address, &browser);
                let (id, state) = opened.await.map_err(fault)?;
                return Ok(Reply::plain(RequestAuthSessionResponse {
                    auth_session_id: id,
                    pass_icon_data: None,
                    auth_session_state: state.number(),
                }));
            }
            "getAuthSessionState" => {
                let request: GetAuthSessionStateRequest = call.request()?;
                people.session_state(caller, &request.auth_session_id).await
            }
            "cancelAuthSession" => {
                let request: CancelAuthSessionRequest = call.request()?;
                people.cancel_session(caller, &request.auth_session_id).await
            }
            "releaseAuthSession" => {
                let request: ReleaseAuthSessionRequest = call.request()?;
                people.release_session(caller, &request.auth_session_id).await
            }
            "confirmAuthSession" => {
                let request: ConfirmAuthSessionRequest = call.request()?;
                let authenticated = !request.deny.unwrap_or(false);
                people.decide_session(caller, &request.auth_session_id, authenticated).await
            }
            "refreshTLSSessionInCache" => {
                let request: RefreshTlsSessionInCacheRequest = call.request()?;
                // TLS sessions are kept by TLS; what a router can keep alive here is the log-in session of that name.
                if let Some(id) = &request.session_id {
                    people.prolong_session(caller, id).await.map_err(fault)?;
                }
                return Ok(Reply::plain(RefreshTlsSessionInCacheResponse { status: 0 }));
            }
            name => return Err(Fault::not_available(name)),
        };
        let auth_session_state = state.map_err(fault)?.number();
        Ok(Reply::plain(AuthSessionStateResponse { auth_session_state }))
    }
}
