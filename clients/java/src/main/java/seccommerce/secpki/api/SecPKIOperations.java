// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.util.function.Supplier;

/** A method for each operation of the WSDL. */
public abstract class SecPKIOperations {
    SecPKIOperations() {}

    abstract <A extends Message> A call(String operation, boolean reads, Message request, Supplier<A> response)
            throws SecPKIApiException;

    /** Sends back what it is sent. */
    public ResEcho echo(ReqEcho request) throws SecPKIApiException {
        return call("echo", true, request, ResEcho::new);
    }

    /** Says which version answers. */
    public ResGetVersion getVersion(ReqGetVersion request) throws SecPKIApiException {
        return call("getVersion", true, request, ResGetVersion::new);
    }

    /** Signs one document with a profile. */
    public ResSign sign(ReqSign request) throws SecPKIApiException {
        return call("sign", false, request, ResSign::new);
    }

    /** Signs many documents in one call; one that fails does not spoil the others. */
    public ResSignBatch signBatch(ReqSignBatch request) throws SecPKIApiException {
        return call("signBatch", false, request, ResSignBatch::new);
    }

    /** Takes many documents to be signed later; survives restarts. */
    public ResSubmitBatch submitBatch(ReqSubmitBatch request) throws SecPKIApiException {
        return call("submitBatch", false, request, ResSubmitBatch::new);
    }

    /** Says how far a batch is. */
    public ResGetBatchState getBatchState(ReqGetBatchState request) throws SecPKIApiException {
        return call("getBatchState", true, request, ResGetBatchState::new);
    }

    /** Gives results of a batch. */
    public ResGetBatchResult getBatchResult(ReqGetBatchResult request) throws SecPKIApiException {
        return call("getBatchResult", true, request, ResGetBatchResult::new);
    }

    /** Signs no further document of a batch. */
    public ResCancelBatch cancelBatch(ReqCancelBatch request) throws SecPKIApiException {
        return call("cancelBatch", false, request, ResCancelBatch::new);
    }

    /** Signs a digest whose document stays with the caller. */
    public ResSignHash signHash(ReqSignHash request) throws SecPKIApiException {
        return call("signHash", false, request, ResSignHash::new);
    }

    /** Judges signatures. */
    public ResVerify verify(ReqVerify request) throws SecPKIApiException {
        return call("verify", true, request, ResVerify::new);
    }

    /** Lifts signatures to a higher level. */
    public ResExtend extend(ReqExtend request) throws SecPKIApiException {
        return call("extend", false, request, ResExtend::new);
    }

    /** Has a time stamp made. */
    public ResTimestamp timestamp(ReqTimestamp request) throws SecPKIApiException {
        return call("timestamp", false, request, ResTimestamp::new);
    }

    /** Encrypts a document. */
    public ResEncrypt encrypt(ReqEncrypt request) throws SecPKIApiException {
        return call("encrypt", false, request, ResEncrypt::new);
    }

    /** Opens an encrypted document. */
    public ResDecrypt decrypt(ReqDecrypt request) throws SecPKIApiException {
        return call("decrypt", false, request, ResDecrypt::new);
    }

    /** Lists profiles. */
    public ResGetProfiles getProfiles(ReqGetProfiles request) throws SecPKIApiException {
        return call("getProfiles", true, request, ResGetProfiles::new);
    }

    /** Lists signers. */
    public ResGetSigners getSigners(ReqGetSigners request) throws SecPKIApiException {
        return call("getSigners", true, request, ResGetSigners::new);
    }

    /** Shows tokens, their queues and rates. */
    public ResGetTokenPool getTokenPool(ReqGetTokenPool request) throws SecPKIApiException {
        return call("getTokenPool", true, request, ResGetTokenPool::new);
    }

    /** Changes sessions, weights and shares while the server runs. */
    public ResResizeTokenPool resizeTokenPool(ReqResizeTokenPool request) throws SecPKIApiException {
        return call("resizeTokenPool", false, request, ResResizeTokenPool::new);
    }

    /** Puts a document into an archive. */
    public ResArchiveSubmit archiveSubmit(ReqArchiveSubmit request) throws SecPKIApiException {
        return call("archiveSubmit", false, request, ResArchiveSubmit::new);
    }

    /** Gets a document out of an archive. */
    public ResArchiveRetrieve archiveRetrieve(ReqArchiveRetrieve request) throws SecPKIApiException {
        return call("archiveRetrieve", true, request, ResArchiveRetrieve::new);
    }

    /** Gets the evidence record of a document in an archive. */
    public ResArchiveEvidence archiveEvidence(ReqArchiveEvidence request) throws SecPKIApiException {
        return call("archiveEvidence", true, request, ResArchiveEvidence::new);
    }

    /** Searches an archive. */
    public ResArchiveSearch archiveSearch(ReqArchiveSearch request) throws SecPKIApiException {
        return call("archiveSearch", true, request, ResArchiveSearch::new);
    }

    /** Makes a user. */
    public ResCreateUser createUser(ReqCreateUser request) throws SecPKIApiException {
        return call("createUser", false, request, ResCreateUser::new);
    }

    /** Changes a user. */
    public ResChangeUser changeUser(ReqChangeUser request) throws SecPKIApiException {
        return call("changeUser", false, request, ResChangeUser::new);
    }

    /** Removes a user. */
    public ResDeleteUser deleteUser(ReqDeleteUser request) throws SecPKIApiException {
        return call("deleteUser", false, request, ResDeleteUser::new);
    }

    /** Lists users. */
    public ResGetUsers getUsers(ReqGetUsers request) throws SecPKIApiException {
        return call("getUsers", true, request, ResGetUsers::new);
    }

    /** Makes a group. */
    public ResCreateGroup createGroup(ReqCreateGroup request) throws SecPKIApiException {
        return call("createGroup", false, request, ResCreateGroup::new);
    }

    /** Removes a group. */
    public ResDeleteGroup deleteGroup(ReqDeleteGroup request) throws SecPKIApiException {
        return call("deleteGroup", false, request, ResDeleteGroup::new);
    }

    /** Lists groups and their rights. */
    public ResGetGroups getGroups(ReqGetGroups request) throws SecPKIApiException {
        return call("getGroups", true, request, ResGetGroups::new);
    }

    /** Makes a user a member of a group. */
    public ResAddMember addMember(ReqAddMember request) throws SecPKIApiException {
        return call("addMember", false, request, ResAddMember::new);
    }

    /** Ends a membership. */
    public ResRemoveMember removeMember(ReqRemoveMember request) throws SecPKIApiException {
        return call("removeMember", false, request, ResRemoveMember::new);
    }

    /** Gives a right to a group. */
    public ResGrantRight grantRight(ReqGrantRight request) throws SecPKIApiException {
        return call("grantRight", false, request, ResGrantRight::new);
    }

    /** Takes a right from a group. */
    public ResRevokeRight revokeRight(ReqRevokeRight request) throws SecPKIApiException {
        return call("revokeRight", false, request, ResRevokeRight::new);
    }

    /** Registers a certificate that is to let a user in. */
    public ResRegisterCertificate registerCertificate(ReqRegisterCertificate request) throws SecPKIApiException {
        return call("registerCertificate", false, request, ResRegisterCertificate::new);
    }

    /** Believes a certificate. */
    public ResActivateCertificate activateCertificate(ReqActivateCertificate request) throws SecPKIApiException {
        return call("activateCertificate", false, request, ResActivateCertificate::new);
    }

    /** Believes a certificate no more. */
    public ResRevokeCertificate revokeCertificate(ReqRevokeCertificate request) throws SecPKIApiException {
        return call("revokeCertificate", false, request, ResRevokeCertificate::new);
    }

    /** Lists changes that wait for a second pair of eyes. */
    public ResGetPendingChanges getPendingChanges(ReqGetPendingChanges request) throws SecPKIApiException {
        return call("getPendingChanges", true, request, ResGetPendingChanges::new);
    }

    /** Confirms or refuses a change that another user has asked for. */
    public ResConfirmChange confirmChange(ReqConfirmChange request) throws SecPKIApiException {
        return call("confirmChange", false, request, ResConfirmChange::new);
    }

    /** Opens a log-in session that a user is to confirm. */
    public ResRequestAuthSession requestAuthSession(ReqRequestAuthSession request) throws SecPKIApiException {
        return call("requestAuthSession", false, request, ResRequestAuthSession::new);
    }

    /** Says how a log-in session stands. */
    public ResGetAuthSessionState getAuthSessionState(ReqGetAuthSessionState request) throws SecPKIApiException {
        return call("getAuthSessionState", true, request, ResGetAuthSessionState::new);
    }

    /** Cancels a log-in session. */
    public ResCancelAuthSession cancelAuthSession(ReqCancelAuthSession request) throws SecPKIApiException {
        return call("cancelAuthSession", false, request, ResCancelAuthSession::new);
    }

    /** Forgets a log-in session. */
    public ResReleaseAuthSession releaseAuthSession(ReqReleaseAuthSession request) throws SecPKIApiException {
        return call("releaseAuthSession", false, request, ResReleaseAuthSession::new);
    }

    /** Confirms or denies a log-in session, one's own with a certificate or that of another user. */
    public ResConfirmAuthSession confirmAuthSession(ReqConfirmAuthSession request) throws SecPKIApiException {
        return call("confirmAuthSession", false, request, ResConfirmAuthSession::new);
    }

    /** Keeps a TLS session for a router. */
    public ResRefreshTLSSessionInCache refreshTLSSessionInCache(ReqRefreshTLSSessionInCache request) throws SecPKIApiException {
        return call("refreshTLSSessionInCache", false, request, ResRefreshTLSSessionInCache::new);
    }
}
