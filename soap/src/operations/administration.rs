//! Operations about users, groups, rights and certificates, with four eyes where they are demanded.

use super::Operations;
use super::mapping::{small, store};
use crate::fault::{Fault, status};
use crate::read::Call;
use crate::types::*;
use crate::write::Reply;
use ::store::access::{CertificateState, UserState};
use actors::administration::{
    AdministrationError, CertificateEntry as Certificate, Done, GroupEntry as Group, NewUser, PendingEntry,
    UserEntry as User, UserUpdate,
};
use model::{Caller, Function, GroupName, Right, UserName};

const CERTIFICATE_BYTES_MAX: usize = 64 * 1024;
const PAGE_USUAL: i64 = 100;

impl Operations {
    /// An operation of this name about users, groups, rights, certificates or sessions.
    pub(super) async fn administer(&self, name: &str, caller: &Caller, mut call: Call) -> Result<Reply, Fault> {
        let people = &self.administration;
        let done = match name {
            "createUser" => {
                let request: CreateUserRequest = call.request()?;
                let groups = request.groups.iter().map(|name| group(name)).collect::<Result<_, _>>()?;
                let new = NewUser {
                    name: user(&request.user_name)?,
                    title: request.display_name.unwrap_or_default(),
                    password: request.password.map(|password| password.get().clone()),
                    groups,
                };
                people.create_user(caller, new).await
            }
            "changeUser" => {
                let request: ChangeUserRequest = call.request()?;
                let update = UserUpdate {
                    title: request.display_name,
                    password: request.password.map(|password| Some(password.get().clone())),
                    state: request.locked.map(|locked| if locked { UserState::Disabled } else { UserState::Active }),
                };
                people.change_user(caller, &user(&request.user_name)?, update).await
            }
            "deleteUser" => {
                let request: DeleteUserRequest = call.request()?;
                people.delete_user(caller, &user(&request.user_name)?).await
            }
            "createGroup" => {
                let request: CreateGroupRequest = call.request()?;
                people.create_group(caller, &group(&request.group_name)?, request.role.as_deref()).await
            }
            "deleteGroup" => {
                let request: DeleteGroupRequest = call.request()?;
                people.delete_group(caller, &group(&request.group_name)?).await
            }
            "addMember" => {
                let request: AddMemberRequest = call.request()?;
                people.add_member(caller, &group(&request.group_name)?, &user(&request.user_name)?).await
            }
            "removeMember" => {
                let request: RemoveMemberRequest = call.request()?;
                people.remove_member(caller, &group(&request.group_name)?, &user(&request.user_name)?).await
            }
            "grantRight" => {
                let request: GrantRightRequest = call.request()?;
                let right = right(&request.function, request.object_name.as_deref())?;
                people.grant(caller, &group(&request.group_name)?, right).await
            }
            "revokeRight" => {
                let request: RevokeRightRequest = call.request()?;
                let right = right(&request.function, request.object_name.as_deref())?;
                people.revoke(caller, &group(&request.group_name)?, right).await
            }
            "getUsers" => return self.users(caller, &call).await,
            "getGroups" => return self.groups(caller, &call).await,
            "registerCertificate" => {
                let request: RegisterCertificateRequest = call.request()?;
                let bytes = small(&mut call.contents, request.certificate, "certificate", CERTIFICATE_BYTES_MAX)?;
                let whose = request.user_name.as_deref().map(user).transpose()?;
                let registered = people.register_certificate(caller, whose.as_ref(), &bytes).await;
                let (fingerprint, state, done) = registered.map_err(fault)?;
                return Ok(certificate_reply(fingerprint, state, done));
            }
            "activateCertificate" => {
                let request: ActivateCertificateRequest = call.request()?;
                let done = people.activate_certificate(caller, &request.fingerprint).await.map_err(fault)?;
                return Ok(certificate_reply(request.fingerprint, CertificateState::Active, done));
            }
            "revokeCertificate" => {
                let request: RevokeCertificateRequest = call.request()?;
                let done = people.revoke_certificate(caller, &request.fingerprint).await.map_err(fault)?;
                return Ok(certificate_reply(request.fingerprint, CertificateState::Revoked, done));
            }
            "getPendingChanges" => return self.pending_changes(caller).await,
            "confirmChange" => {
                let request: ConfirmChangeRequest = call.request()?;
                let refuse = request.refuse.unwrap_or(false);
                let decided = match refuse {
                    true => people.refuse(caller, &request.change_id).await,
                    false => people.confirm(caller, &request.change_id).await,
                };
                decided.map_err(fault)?;
                let state = if refuse { "refused" } else { "done" }.to_owned();
                return Ok(Reply::plain(ConfirmChangeResponse { change_id: request.change_id, state }));
            }
            name => return self.session(name, caller, &call).await,
        };
        let (state, change_id) = done_words(done.map_err(fault)?);
        Ok(Reply::plain(AdministrationResponse { state, change_id }))
    }

    async fn users(&self, caller: &Caller, call: &Call) -> Result<Reply, Fault> {
        let request: GetUsersRequest = call.request()?;
        let one = request.user_name.as_deref().map(user).transpose()?;
        let number = |number: i64| u32::try_from(number).unwrap_or(0);
        let (first, count) = (number(request.first_index.unwrap_or(0)), number(request.count.unwrap_or(PAGE_USUAL)));
        let found = self.administration.users(caller, one.as_ref(), first, count).await.map_err(fault)?;
        let total = i64::try_from(found.0).unwrap_or(i64::MAX);
        Ok(Reply::plain(GetUsersResponse { total, users: found.1.into_iter().map(user_entry).collect() }))
    }

    async fn groups(&self, caller: &Caller, call: &Call) -> Result<Reply, Fault> {
        let request: GetGroupsRequest = call.request()?;
        let one = request.group_name.as_deref().map(group).transpose()?;
        let groups = self.administration.groups(caller, one.as_ref()).await.map_err(fault)?;
        Ok(Reply::plain(GetGroupsResponse { groups: groups.into_iter().map(group_entry).collect() }))
    }

    async fn pending_changes(&self, caller: &Caller) -> Result<Reply, Fault> {
        let changes = self.administration.pending(caller).await.map_err(fault)?;
        let change = |entry: PendingEntry| ChangeEntry {
            change_id: entry.id,
            summary: entry.about.chars().take(SUMMARY_CHARS_MAX).collect(),
            asked_by: entry.asked_by.chars().take(NAME_CHARS_MAX).collect(),
            asked_at: entry.asked_at.into(),
        };
        Ok(Reply::plain(GetPendingChangesResponse { changes: changes.into_iter().map(change).collect() }))
    }
}

/// As the fields of the answer say.
const SUMMARY_CHARS_MAX: usize = 2_000;
const NAME_CHARS_MAX: usize = 128;

pub(super) fn user(name: &str) -> Result<UserName, Fault> {
    UserName::new(name).map_err(|bad| Fault::client("bad-name", bad.to_string()))
}

fn group(name: &str) -> Result<GroupName, Fault> {
    GroupName::new(name).map_err(|bad| Fault::client("bad-name", bad.to_string()))
}

fn right(function: &str, object: Option<&str>) -> Result<Right, Fault> {
    let unknown = || Fault::client("function-unknown", format!("there is no function \"{function}\""));
    Ok(Right { function: Function::from_word(function).ok_or_else(unknown)?, object: object.map(Into::into) })
}

fn done_words(done: Done) -> (String, Option<String>) {
    match done {
        Done::Made => ("done".to_owned(), None),
        Done::Waits(id) => ("pending".to_owned(), Some(id)),
    }
}

fn certificate_reply(fingerprint: String, state: CertificateState, done: Done) -> Reply {
    let certificate_state = certificate_word(state).to_owned();
    let (state, change_id) = done_words(done);
    Reply::plain(CertificateResponse {
        fingerprint: fingerprint.to_ascii_lowercase(),
        certificate_state,
        state,
        change_id,
    })
}

fn certificate_word(state: CertificateState) -> &'static str {
    match state {
        CertificateState::Pending => "registered",
        CertificateState::Active => "active",
        CertificateState::Revoked => "revoked",
    }
}

fn user_entry(user: User) -> UserEntry {
    let certificate = |one: Certificate| CertificateEntry {
        fingerprint: one.fingerprint,
        subject: one.subject,
        not_after: one.not_after.map(Into::into),
        state: certificate_word(one.state).to_owned(),
    };
    let active = user.state == UserState::Active && user.locked_until.is_none();
    UserEntry {
        user_name: user.name.to_string(),
        display_name: Some(user.title).filter(|title| !title.is_empty()),
        state: if active { "active" } else { "locked" }.to_owned(),
        has_password: user.has_password,
        groups: user.groups.iter().map(ToString::to_string).collect(),
        certificates: user.certificates.into_iter().map(certificate).collect(),
    }
}

fn group_entry(group: Group) -> GroupEntry {
    let right = |right: &Right| RightEntry {
        function: right.function.word().to_owned(),
        object_name: right.object.as_ref().map(ToString::to_string),
    };
    GroupEntry {
        group_name: group.name.to_string(),
        members: group.members.iter().map(ToString::to_string).collect(),
        rights: group.rights.iter().map(right).collect(),
    }
}

/// Why nothing was changed.
pub(super) fn fault(error: AdministrationError) -> Fault {
    let reason = error.reason();
    match error {
        AdministrationError::Denied(denied) => Fault::denied(&denied),
        AdministrationError::Forbidden(_) => {
            Fault::client(reason.code, reason.sentence).with_status(status::NO_PERMISSION).with_http(403)
        }
        AdministrationError::NotFound(_) => Fault::not_found(reason.code, reason.sentence),
        AdministrationError::Nothing(_) => Fault::conflict(reason.code, reason.sentence),
        AdministrationError::Store(error) => store(&error),
        AdministrationError::Bad(_) => Fault::client(reason.code, reason.sentence),
        AdministrationError::Password(_) if reason.code == "password-bad" => {
            Fault::client(reason.code, reason.sentence)
        }
        AdministrationError::Password(_) => Fault::busy(1),
    }
}
