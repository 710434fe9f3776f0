//! Messages about users, groups, rights and certificates of users.

use crate::message::messages;
use crate::value::{BinaryRef, Moment, Secret};
use model::limits::{API_BATCH_PAGE_MAX, API_LISTED_MAX};

messages! {
    /// Asks for a new user.
    CreateUserRequest {
        /// The user's name.
        user_name "userName": one text[128];
        /// A password; without one only a certificate lets the user in.
        password "password": maybe secret[1024];
        /// The name that people read.
        display_name "displayName": maybe text[200];
        /// Groups that the user is to be a member of.
        groups "groups": many(0, API_LISTED_MAX) text[128];
    }

    /// Asks for a change of a user. What is absent stays as it is.
    ChangeUserRequest {
        /// The user's name.
        user_name "userName": one text[128];
        /// A new password.
        password "password": maybe secret[1024];
        /// The name that people read.
        display_name "displayName": maybe text[200];
        /// True: the user cannot log in any more. False: the user can again.
        locked "locked": maybe flag;
    }

    /// Asks for the end of a user.
    DeleteUserRequest {
        /// The user's name.
        user_name "userName": one text[128];
    }

    /// Asks for a new group.
    CreateGroupRequest {
        /// The group's name.
        group_name "groupName": one text[128];
        /// A ready-made role whose rights the group is to have.
        role "role": maybe text[128];
    }

    /// Asks for the end of a group.
    DeleteGroupRequest {
        /// The group's name.
        group_name "groupName": one text[128];
    }

    /// Asks for a user to be made a member of a group.
    AddMemberRequest {
        /// The group's name.
        group_name "groupName": one text[128];
        /// The user's name.
        user_name "userName": one text[128];
    }

    /// Asks for a user to be a member of a group no more.
    RemoveMemberRequest {
        /// The group's name.
        group_name "groupName": one text[128];
        /// The user's name.
        user_name "userName": one text[128];
    }

    /// Asks for a right of a group.
    GrantRightRequest {
        /// The group's name.
        group_name "groupName": one text[128];
        /// What may be done: `sign`, `verify`, `users`, and so on.
        function "function": one text[50];
        /// With which profile, signer, directory or archive only.
        object_name "objectName": maybe text[200];
    }

    /// Asks for a right of a group to be taken away.
    RevokeRightRequest {
        /// The group's name.
        group_name "groupName": one text[128];
        /// What was permitted.
        function "function": one text[50];
        /// With which profile, signer, directory or archive only.
        object_name "objectName": maybe text[200];
    }

    /// What became of a change of users, groups or rights.
    AdministrationResponse {
        /// `done`, or `pending` until another user confirms it.
        state "State": one text[50];
        /// Names the pending change.
        change_id "ChangeId": maybe text[100];
    }

    /// Asks for users.
    GetUsersRequest {
        /// Only this one.
        user_name "userName": maybe text[128];
        /// The first to be listed, counted from 0.
        first_index "firstIndex": maybe int[0, 10_000_000];
        /// How many are listed at most.
        count "count": maybe int[1, API_BATCH_PAGE_MAX];
    }

    /// A certificate of a user.
    CertificateEntry {
        /// SHA-256 of the certificate in hexadecimal digits.
        fingerprint "Fingerprint": one text[64];
        /// Whom it names.
        subject "Subject": maybe text[2000];
        /// When it ends.
        not_after "NotAfter": maybe time;
        /// `registered`, `active` or `revoked`.
        state "State": one text[50];
    }

    /// A user.
    UserEntry {
        /// The user's name.
        user_name "UserName": one text[128];
        /// The name that people read.
        display_name "DisplayName": maybe text[200];
        /// `active` or `locked`.
        state "State": one text[50];
        /// Whether there is a password.
        has_password "HasPassword": one flag;
        /// The user's groups.
        groups "Groups": many(0, API_LISTED_MAX) text[128];
        /// The user's certificates.
        certificates "Certificates": many(0, API_LISTED_MAX) record[CertificateEntry];
    }

    /// The users.
    GetUsersResponse {
        /// How many there are.
        total "Total": one int[0, 10_000_000];
        /// Those of this page.
        users "Users": many(0, API_BATCH_PAGE_MAX as u32) record[UserEntry];
    }

    /// Asks for groups.
    GetGroupsRequest {
        /// Only this one.
        group_name "groupName": maybe text[128];
    }

    /// A right of a group.
    RightEntry {
        /// What may be done.
        function "Function": one text[50];
        /// With which profile, signer, directory or archive only.
        object_name "ObjectName": maybe text[200];
    }

    /// A group.
    GroupEntry {
        /// The group's name.
        group_name "GroupName": one text[128];
        /// Its members.
        members "Members": many(0, API_LISTED_MAX) text[128];
        /// Its rights.
        rights "Rights": many(0, API_LISTED_MAX) record[RightEntry];
    }

    /// The groups.
    GetGroupsResponse {
        /// Each.
        groups "Groups": many(0, API_LISTED_MAX) record[GroupEntry];
    }

    /// A certificate that is to let a user in.
    RegisterCertificateRequest {
        /// The certificate, DER or PEM.
        certificate "certificate": one binary;
        /// The user; absent for the caller.
        user_name "userName": maybe text[128];
    }

    /// Asks for a registered certificate to be believed.
    ActivateCertificateRequest {
        /// SHA-256 of the certificate in hexadecimal digits.
        fingerprint "fingerprint": one text[64];
    }

    /// Asks for a certificate to be believed no more.
    RevokeCertificateRequest {
        /// SHA-256 of the certificate in hexadecimal digits.
        fingerprint "fingerprint": one text[64];
    }

    /// What became of a certificate of a user.
    CertificateResponse {
        /// SHA-256 of the certificate in hexadecimal digits.
        fingerprint "Fingerprint": one text[64];
        /// `registered`, `active` or `revoked`.
        certificate_state "CertificateState": one text[50];
        /// `done`, or `pending` until another user confirms it.
        state "State": one text[50];
        /// Names the pending change.
        change_id "ChangeId": maybe text[100];
    }

    /// Asks for the changes that wait for a second pair of eyes.
    GetPendingChangesRequest {}

    /// A change that waits.
    ChangeEntry {
        /// Names it.
        change_id "ChangeId": one text[100];
        /// What was asked for.
        summary "Summary": one text[2000];
        /// By whom.
        asked_by "AskedBy": one text[128];
        /// When.
        asked_at "AskedAt": one time;
    }

    /// The changes that wait.
    GetPendingChangesResponse {
        /// Each.
        changes "Changes": many(0, API_LISTED_MAX) record[ChangeEntry];
    }

    /// The second pair of eyes.
    ConfirmChangeRequest {
        /// Names the change.
        change_id "changeId": one text[100];
        /// True: it is not to be made.
        refuse "refuse": maybe flag;
    }

    /// What became of the change.
    ConfirmChangeResponse {
        /// Names the change.
        change_id "ChangeId": one text[100];
        /// `done` or `refused`.
        state "State": one text[50];
    }
}
