//! The one table of operations. Dispatch, authorisation, the strict check, WSDL, schema, samples and the description of
//! the REST door come from it; an operation that is not in it does not exist.

use crate::dialect::secsigner::{SignReq, SignRes, VerifyReq, VerifyRes};
use crate::message::{Field, Message, Record};
use crate::types::*;
use model::Function;

/// Namespace of the SecPKI service.
pub const SECPKI: &str = "http://seccommerce.de/ws/SecPKI/";

/// Namespace of the signing component's service.
pub const SECSIGNER: &str = "http://seccommerce.de/ws/SecSigner/";

/// One of the services, each with a WSDL of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Service {
    /// The server's own.
    SecPki,
    /// That of the signing component.
    SecSigner,
}

impl Service {
    /// The namespace of its elements.
    pub fn namespace(self) -> &'static str {
        match self {
            Service::SecPki => SECPKI,
            Service::SecSigner => SECSIGNER,
        }
    }
}

/// Which objects a right has to be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// None: the tenant as a whole.
    Whole,
    /// What this field of the request names, each if there are several. An optional field that is absent asks for nothing.
    Field(&'static str),
    /// At least one, whichever: the operation asks again when it knows which.
    Some,
}

/// A right that an operation needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    /// To what.
    pub function: Function,
    /// About what.
    pub about: About,
}

/// How strictly requests are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Manner {
    /// Elements in order, none unknown.
    Strict,
    /// As existing clients send them: unknown elements are passed over, the order is free.
    Tolerant,
}

/// One operation.
#[derive(Debug)]
pub struct Operation {
    /// Its name: that of the element that asks for it; the answer's is longer by `Response`.
    pub name: &'static str,
    /// Whose it is.
    pub service: Service,
    /// What it is asked with.
    pub request: Record,
    /// What it answers.
    pub response: Record,
    /// The rights it needs, all of them. None: every caller who has shown who she is.
    pub needs: &'static [Need],
    /// A caller without these rights may ask for it all the same; the operation then does it only with what is her own.
    pub own: bool,
    /// How strictly requests are checked.
    pub manner: Manner,
    /// Whether it only looks: safe to be asked again.
    pub reads: bool,
    /// What it does, for people.
    pub summary: &'static str,
}

impl Operation {
    /// Name of the element that answers.
    pub fn response_name(&self) -> String {
        format!("{}Response", self.name)
    }

    /// The field of the request with this name.
    pub fn request_field(&self, name: &str) -> Option<&'static Field> {
        self.request.fields.iter().find(|field| field.name == name)
    }
}

/// All operations, those of the SecPKI service first.
pub static OPERATIONS: &[Operation] = &[
    ask::<EchoRequest, EchoResponse>("echo", &[], "Sends back what it is sent.").reading(),
    ask::<GetVersionRequest, GetVersionResponse>("getVersion", &[], "Says which version answers.").reading(),
    ask::<SignRequest, SignResponse>("sign", SIGN, "Signs one document with a profile."),
    ask::<SignBatchRequest, SignBatchResponse>(
        "signBatch",
        SIGN,
        "Signs many documents in one call; one that fails does not spoil the others.",
    ),
    ask::<SubmitBatchRequest, SubmitBatchResponse>(
        "submitBatch",
        SIGN,
        "Takes many documents to be signed later; survives restarts.",
    ),
    ask::<GetBatchStateRequest, GetBatchStateResponse>("getBatchState", SOME_SIGN, "Says how far a batch is.")
        .reading(),
    ask::<GetBatchResultRequest, GetBatchResultResponse>("getBatchResult", SOME_SIGN, "Gives results of a batch.")
        .reading(),
    ask::<CancelBatchRequest, CancelBatchResponse>("cancelBatch", SOME_SIGN, "Signs no further document of a batch."),
    ask::<SignHashRequest, SignHashResponse>(
        "signHash",
        &[profile(Function::SignHash), SIGNERS],
        "Signs a digest whose document stays with the caller.",
    ),
    ask::<VerifyRequest, VerifyResponse>("verify", &[whole(Function::Verify)], "Judges signatures.").reading(),
    ask::<ExtendRequest, ExtendResponse>("extend", &[profile(Function::Extend)], "Lifts signatures to a higher level."),
    ask::<TimestampRequest, TimestampResponse>("timestamp", &[profile(Function::Timestamp)], "Has a time stamp made."),
    ask::<EncryptRequest, EncryptResponse>("encrypt", &[profile(Function::Encrypt)], "Encrypts a document."),
    ask::<DecryptRequest, DecryptResponse>("decrypt", &[profile(Function::Decrypt)], "Opens an encrypted document."),
    ask::<GetProfilesRequest, GetProfilesResponse>("getProfiles", &[whole(Function::Look)], "Lists profiles.")
        .reading(),
    ask::<GetSignersRequest, GetSignersResponse>("getSigners", &[whole(Function::Look)], "Lists signers.").reading(),
    ask::<GetTokenPoolRequest, GetTokenPoolResponse>(
        "getTokenPool",
        &[whole(Function::PoolView)],
        "Shows tokens, their queues and rates.",
    )
    .reading(),
    ask::<ResizeTokenPoolRequest, ResizeTokenPoolResponse>(
        "resizeTokenPool",
        &[whole(Function::PoolTune)],
        "Changes sessions, weights and shares while the server runs.",
    ),
    ask::<ArchiveSubmitRequest, ArchiveSubmitResponse>(
        "archiveSubmit",
        &[archive(Function::ArchiveSubmit)],
        "Puts a document into an archive.",
    ),
    ask::<ArchiveRetrieveRequest, ArchiveRetrieveResponse>(
        "archiveRetrieve",
        &[archive(Function::ArchiveRetrieve)],
        "Gets a document out of an archive.",
    )
    .reading(),
    ask::<ArchiveEvidenceRequest, ArchiveEvidenceResponse>(
        "archiveEvidence",
        &[archive(Function::ArchiveRetrieve)],
        "Gets the evidence record of a document in an archive.",
    )
    .reading(),
    ask::<ArchiveSearchRequest, ArchiveSearchResponse>(
        "archiveSearch",
        &[archive(Function::ArchiveSearch)],
        "Searches an archive.",
    )
    .reading(),
    ask::<CreateUserRequest, AdministrationResponse>("createUser", USERS, "Makes a user."),
    ask::<ChangeUserRequest, AdministrationResponse>("changeUser", USERS, "Changes a user."),
    ask::<DeleteUserRequest, AdministrationResponse>("deleteUser", USERS, "Removes a user."),
    ask::<GetUsersRequest, GetUsersResponse>("getUsers", USERS_VIEW, "Lists users.").reading(),
    ask::<CreateGroupRequest, AdministrationResponse>("createGroup", USERS, "Makes a group."),
    ask::<DeleteGroupRequest, AdministrationResponse>("deleteGroup", USERS, "Removes a group."),
    ask::<GetGroupsRequest, GetGroupsResponse>("getGroups", USERS_VIEW, "Lists groups and their rights.").reading(),
    ask::<AddMemberRequest, AdministrationResponse>("addMember", USERS, "Makes a user a member of a group."),
    ask::<RemoveMemberRequest, AdministrationResponse>("removeMember", USERS, "Ends a membership."),
    ask::<GrantRightRequest, AdministrationResponse>("grantRight", USERS, "Gives a right to a group."),
    ask::<RevokeRightRequest, AdministrationResponse>("revokeRight", USERS, "Takes a right from a group."),
    ask::<RegisterCertificateRequest, CertificateResponse>(
        "registerCertificate",
        &[whole(Function::RegisterCertificate)],
        "Registers a certificate that is to let a user in.",
    ),
    ask::<ActivateCertificateRequest, CertificateResponse>("activateCertificate", USERS, "Believes a certificate."),
    ask::<RevokeCertificateRequest, CertificateResponse>("revokeCertificate", USERS, "Believes a certificate no more."),
    ask::<GetPendingChangesRequest, GetPendingChangesResponse>(
        "getPendingChanges",
        &[whole(Function::Approve)],
        "Lists changes that wait for a second pair of eyes.",
    )
    .reading(),
    ask::<ConfirmChangeRequest, ConfirmChangeResponse>(
        "confirmChange",
        &[whole(Function::Approve)],
        "Confirms or refuses a change that another user has asked for.",
    ),
    ask::<RequestAuthSessionRequest, RequestAuthSessionResponse>(
        "requestAuthSession",
        SESSIONS,
        "Opens a log-in session that a user is to confirm.",
    )
    .tolerant(),
    ask::<GetAuthSessionStateRequest, AuthSessionStateResponse>(
        "getAuthSessionState",
        SESSIONS,
        "Says how a log-in session stands.",
    )
    .tolerant()
    .reading(),
    ask::<CancelAuthSessionRequest, AuthSessionStateResponse>(
        "cancelAuthSession",
        SESSIONS,
        "Cancels a log-in session.",
    )
    .tolerant(),
    ask::<ReleaseAuthSessionRequest, AuthSessionStateResponse>(
        "releaseAuthSession",
        SESSIONS,
        "Forgets a log-in session.",
    )
    .tolerant(),
    ask::<ConfirmAuthSessionRequest, AuthSessionStateResponse>(
        "confirmAuthSession",
        &[whole(Function::ConfirmSessions)],
        "Confirms or denies a log-in session, one's own with a certificate or that of another user.",
    )
    .of_oneself(),
    ask::<RefreshTlsSessionInCacheRequest, RefreshTlsSessionInCacheResponse>(
        "refreshTLSSessionInCache",
        SESSIONS,
        "Keeps a TLS session for a router.",
    )
    .tolerant(),
    ask::<SignReq, SignRes>("sign", SOME_SIGN, "Signs the documents of signature records.").of_the_component(),
    ask::<VerifyReq, VerifyRes>("verify", &[whole(Function::Verify)], "Judges the signatures of signature records.")
        .of_the_component()
        .reading(),
];

/// The operation of this name.
pub fn operation(service: Service, name: &str) -> Option<&'static Operation> {
    OPERATIONS.iter().find(|operation| operation.service == service && operation.name == name)
}

const SIGNERS: Need = Need { function: Function::UseSigner, about: About::Field("signers") };
const SIGN: &[Need] = &[profile(Function::Sign), SIGNERS];
const SOME_SIGN: &[Need] = &[Need { function: Function::Sign, about: About::Some }];
const USERS: &[Need] = &[whole(Function::Users)];
const USERS_VIEW: &[Need] = &[whole(Function::UsersView)];
const SESSIONS: &[Need] = &[whole(Function::OpenSessions)];

const fn whole(function: Function) -> Need {
    Need { function, about: About::Whole }
}

const fn profile(function: Function) -> Need {
    Need { function, about: About::Field("profile") }
}

const fn archive(function: Function) -> Need {
    Need { function, about: About::Field("archive") }
}

const fn ask<Q: Message, A: Message>(name: &'static str, needs: &'static [Need], summary: &'static str) -> Operation {
    Operation {
        name,
        service: Service::SecPki,
        request: Q::RECORD,
        response: A::RECORD,
        needs,
        own: false,
        manner: Manner::Strict,
        reads: false,
        summary,
    }
}

impl Operation {
    const fn reading(self) -> Self {
        Self { reads: true, ..self }
    }

    const fn tolerant(self) -> Self {
        Self { manner: Manner::Tolerant, ..self }
    }

    const fn of_oneself(self) -> Self {
        Self { own: true, ..self }
    }

    const fn of_the_component(self) -> Self {
        Self { service: Service::SecSigner, manner: Manner::Tolerant, ..self }
    }
}
