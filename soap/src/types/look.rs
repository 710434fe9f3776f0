//! Messages about what is there to sign with: profiles, signers, tokens.

use crate::message::messages;
use crate::value::{BinaryRef, Moment};
use model::limits::{API_LISTED_MAX, SESSIONS_PER_TOKEN_MAX};

messages! {
    /// Asks for the profiles that the caller may use.
    GetProfilesRequest {}

    /// A profile.
    ProfileEntry {
        /// Its name.
        name "Name": one text[200];
        /// The form of its results.
        format "Format": one text[50];
        /// The level of its results.
        level "Level": maybe text[10];
        /// The pool whose signers sign.
        pool "Pool": maybe text[200];
        /// The digest that is signed.
        digest "Digest": maybe text[50];
        /// Whether results are encrypted.
        encrypts "Encrypts": one flag;
    }

    /// The profiles.
    GetProfilesResponse {
        /// Each that the caller may use.
        profiles "Profiles": many(0, API_LISTED_MAX) record[ProfileEntry];
    }

    /// Asks for signers and their state.
    GetSignersRequest {
        /// Only those of this profile's pool.
        profile "profile": maybe text[200];
    }

    /// A signer.
    SignerEntry {
        /// Its name.
        name "Name": one text[200];
        /// The pools it belongs to.
        pools "Pools": many(0, API_LISTED_MAX) text[200];
        /// `ready`, `busy`, `down`, `blocked` or `waiting`.
        state "State": one text[50];
        /// Why it is not ready.
        reason "Reason": maybe text[2000];
        /// Whom its certificate names.
        subject "Subject": maybe text[2000];
        /// Kind of its key.
        key_kind "KeyKind": maybe text[50];
        /// When its certificate ends.
        not_after "NotAfter": maybe time;
        /// Its certificate, DER.
        certificate "Certificate": maybe binary;
    }

    /// The signers.
    GetSignersResponse {
        /// Each that the caller may see.
        signers "Signers": many(0, API_LISTED_MAX) record[SignerEntry];
    }

    /// Asks for the tokens, their queues and rates.
    GetTokenPoolRequest {}

    /// A token.
    TokenEntry {
        /// Its name.
        name "Name": one text[200];
        /// `ready`, `down`, `blocked` or `waiting`.
        state "State": one text[50];
        /// Why it is not ready.
        reason "Reason": maybe text[2000];
        /// Sessions that work.
        sessions "Sessions": one int[0, 100_000];
        /// Sessions that it should have.
        sessions_wanted "SessionsWanted": one int[0, 100_000];
        /// Its weight among the tokens of a pool.
        weight "Weight": one int[0, 1_000_000];
        /// Documents that hold or wait for a place.
        waiting "Waiting": one int[0, 1_000_000];
        /// Signatures since the start.
        signed "Signed": one int[0, 1_000_000_000_000];
        /// Signatures in the last minute.
        per_minute "PerMinute": one int[0, 1_000_000_000];
        /// Failed attempts since the start.
        failed "Failed": one int[0, 1_000_000_000_000];
        /// Half of the signatures of the last minute took at most so many microseconds.
        median_micros "MedianMicros": maybe int[0, 1_000_000_000_000];
    }

    /// What one tenant may hold at once.
    TenantCap {
        /// The tenant.
        tenant "Tenant": one text[64];
        /// Documents under way at most.
        documents_max "DocumentsMax": one int[0, 1_000_000];
        /// Documents under way.
        documents "Documents": one int[0, 1_000_000];
        /// Its weight among tenants.
        weight "Weight": one int[0, 1_000_000];
    }

    /// The tokens.
    GetTokenPoolResponse {
        /// Each.
        tokens "Tokens": many(0, API_LISTED_MAX) record[TokenEntry];
        /// Of a hundred places, how many are kept for callers who wait.
        interactive_share "InteractiveShare": maybe int[0, 100];
        /// What the caller's tenant may hold.
        caps "Caps": many(0, API_LISTED_MAX) record[TenantCap];
    }

    /// Asks for another size or weight of a token, or other shares, while the server runs.
    ResizeTokenPoolRequest {
        /// The token; absent if only shares are changed.
        token "token": maybe text[200];
        /// Sessions that it should have.
        sessions "sessions": maybe int[1, SESSIONS_PER_TOKEN_MAX as i64];
        /// Its weight among the tokens of a pool.
        weight "weight": maybe int[0, 1_000];
        /// Of a hundred places, how many are kept for callers who wait.
        interactive_share "interactiveShare": maybe int[0, 90];
        /// Documents of the caller's tenant under way at most.
        tenant_documents_max "tenantDocumentsMax": maybe int[1, 1_000_000];
        /// Weight of the caller's tenant among tenants.
        tenant_weight "tenantWeight": maybe int[1, 1_000];
    }

    /// What holds from now on.
    ResizeTokenPoolResponse {
        /// The token that was changed.
        token "Token": maybe record[TokenEntry];
        /// Of a hundred places, how many are kept for callers who wait.
        interactive_share "InteractiveShare": maybe int[0, 100];
        /// What the caller's tenant may hold.
        caps "Caps": many(0, API_LISTED_MAX) record[TenantCap];
    }
}
