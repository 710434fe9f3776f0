//! Messages of the log-in sessions that portals open for their visitors, as existing clients know them.

use crate::message::messages;
use crate::value::BinaryRef;

messages! {
    /// Asks for a session that a user is to confirm.
    RequestAuthSessionRequest {
        /// The user.
        user_id "userID": one text[128];
        /// What the user is to log in to.
        service_name "serviceName": maybe text[1000];
        /// Where that is.
        service_address "serviceAddress": maybe text[2000];
        /// Address of the user's browser.
        browser_address "browserIpAddr": maybe text[200];
    }

    /// The session.
    RequestAuthSessionResponse {
        /// Names it.
        auth_session_id "AuthSessionID": one text[200];
        /// A picture that the user compares.
        pass_icon_data "PassIconData": maybe binary;
        /// 0 none, 1 pending, 2 expired, 3 authenticated, 4 denied, 5 suspended, 6 cancelled, 7 fetched, 8 invalid.
        auth_session_state "AuthSessionState": one int[0, 8];
    }

    /// Asks for the state of a session.
    GetAuthSessionStateRequest {
        /// Names it.
        auth_session_id "authSessionID": one text[200];
    }

    /// Asks for a session to be cancelled.
    CancelAuthSessionRequest {
        /// Names it.
        auth_session_id "authSessionID": one text[200];
    }

    /// Asks for a session to be forgotten.
    ReleaseAuthSessionRequest {
        /// Names it.
        auth_session_id "authSessionID": one text[200];
    }

    /// Confirms or denies a session of a user.
    ConfirmAuthSessionRequest {
        /// Names it.
        auth_session_id "authSessionID": one text[200];
        /// True: the user does not want it.
        deny "deny": maybe flag;
    }

    /// The state of a session.
    AuthSessionStateResponse {
        /// 0 none, 1 pending, 2 expired, 3 authenticated, 4 denied, 5 suspended, 6 cancelled, 7 fetched, 8 invalid.
        auth_session_state "AuthSessionState": one int[0, 8];
    }

    /// Asks for a TLS session to be kept for a router.
    RefreshTlsSessionInCacheRequest {
        /// Names the TLS session.
        session_id "sessionID": maybe text[1000];
    }

    /// The TLS session is kept.
    RefreshTlsSessionInCacheResponse {
        /// 0.
        status "Status": one int[-1_000_000, 1_000_000];
    }
}
