//! Users, groups, memberships and rights, as they are read. How they are changed is in `change`.

use super::tenants::TenantState;
use super::unknown_word;
use crate::value::Row;
use crate::{Store, StoreError, sql::access as sql};
use model::{Function, GroupName, Right, TenantId, Time, UserName};
use secrecy::SecretString;

/// Whether a user is let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UserState {
    /// She is.
    Active,
    /// She is not, whatever she shows.
    Disabled,
}

impl UserState {
    /// The word in the database and in reports.
    pub fn word(self) -> &'static str {
        match self {
            UserState::Active => "active",
            UserState::Disabled => "disabled",
        }
    }

    /// The state of this word.
    pub fn from_word(word: &str) -> Result<Self, StoreError> {
        match word {
            "active" => Ok(UserState::Active),
            "disabled" => Ok(UserState::Disabled),
            other => Err(unknown_word("a user's state", other)),
        }
    }
}

/// A user, without secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserRow {
    /// Her name.
    pub name: UserName,
    /// Her name for people; may be empty.
    pub title: String,
    /// Whether she is let in.
    pub state: UserState,
    /// Whether she has a password.
    pub has_password: bool,
    /// Since when she is there.
    pub created_at: Time,
    /// When her state or password was changed.
    pub changed_at: Time,
    /// Until when her password is refused everywhere but at addresses that she is known at, because of too many wrong ones.
    pub locked_until: Time,
}

/// What a log-in is checked against.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// Of her tenant.
    pub tenant: TenantState,
    /// Her state and what argon2id made of her password (`None`: she has none). `None`: no such user.
    pub user: Option<(UserState, Option<SecretString>)>,
}

/// Somebody is in a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// Which.
    pub group: GroupName,
    /// Who.
    pub user: UserName,
}

/// A group has a right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RightRow {
    /// Which group.
    pub group: GroupName,
    /// Which right.
    pub right: Right,
}

impl Store {
    /// Users by name, at most `limit`, from the given place on.
    pub async fn users(&self, tenant: &TenantId, first: u32, limit: u32) -> Result<Vec<UserRow>, StoreError> {
        let values = vec![tenant.as_str().into(), i64::from(limit).into(), i64::from(first).into()];
        self.read(sql::USERS, values).await?.iter().map(user_row).collect()
    }

    /// How many users there are.
    pub async fn count_users(&self, tenant: &TenantId) -> Result<u64, StoreError> {
        let rows = self.read(sql::USERS_COUNT, vec![tenant.as_str().into()]).await?;
        Ok(rows.first().map_or(Ok(0), |row| row.int(0))?.unsigned_abs())
    }

    /// One user.
    pub async fn user(&self, tenant: &TenantId, user: &UserName) -> Result<Option<UserRow>, StoreError> {
        let values = vec![tenant.as_str().into(), user.as_str().into()];
        self.read(sql::USER, values).await?.first().map(user_row).transpose()
    }

    /// What a log-in of this user is checked against. `None`: no such tenant.
    pub async fn credentials(&self, tenant: &TenantId, user: &UserName) -> Result<Option<Credentials>, StoreError> {
        let values = vec![tenant.as_str().into(), user.as_str().into()];
        let rows = self.read(sql::CREDENTIALS, values).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let user = match row.optional_text(1)? {
            Some(state) => Some((UserState::from_word(&state)?, row.optional_text(2)?.map(SecretString::from))),
            None => None,
        };
        Ok(Some(Credentials { tenant: TenantState::from_word(row.text(0)?)?, user }))
    }

    /// All rights of a user, by her groups. A function that a later version has granted is left out.
    pub async fn rights_of_user(&self, tenant: &TenantId, user: &UserName) -> Result<Vec<Right>, StoreError> {
        let rows = self.read(sql::RIGHTS_OF_USER, vec![tenant.as_str().into(), user.as_str().into()]).await?;
        let rights = rows.iter().map(|row| Ok(right(row.text(0)?, row.text(1)?)));
        rights.filter_map(Result::transpose).collect()
    }

    /// All groups, by name.
    pub async fn groups(&self, tenant: &TenantId) -> Result<Vec<GroupName>, StoreError> {
        let rows = self.read(sql::GROUPS, vec![tenant.as_str().into()]).await?;
        rows.iter().map(|row| group_name(row.text(0)?)).collect()
    }

    /// Who is in which group: of one user, of one group, or all; at most `limit`.
    pub async fn members(
        &self,
        tenant: &TenantId,
        user: Option<&UserName>,
        group: Option<&GroupName>,
        limit: u32,
    ) -> Result<Vec<Membership>, StoreError> {
        let (user, group) = (user.map_or("", UserName::as_str), group.map_or("", GroupName::as_str));
        let values = vec![tenant.as_str().into(), user.into(), group.into(), i64::from(limit).into()];
        let rows = self.read(sql::MEMBERS, values).await?;
        let member = |row: &Row| Ok(Membership { group: group_name(row.text(0)?)?, user: user_name(row.text(1)?)? });
        rows.iter().map(member).collect()
    }

    /// The rights of one group, or of all. A function that a later version has granted is left out.
    pub async fn rights(&self, tenant: &TenantId, group: Option<&GroupName>) -> Result<Vec<RightRow>, StoreError> {
        let group = group.map_or("", GroupName::as_str);
        let rows = self.read(sql::RIGHTS, vec![tenant.as_str().into(), group.into()]).await?;
        let row = |row: &Row| {
            let group = group_name(row.text(0)?)?;
            Ok(right(row.text(1)?, row.text(2)?).map(|right| RightRow { group, right }))
        };
        rows.iter().map(row).filter_map(Result::transpose).collect()
    }
}

fn user_row(row: &Row) -> Result<UserRow, StoreError> {
    Ok(UserRow {
        name: user_name(row.text(0)?)?,
        title: row.text(1)?.to_owned(),
        state: UserState::from_word(row.text(2)?)?,
        has_password: row.int(3)? != 0,
        created_at: Time::from_micros(row.int(4)?),
        changed_at: Time::from_micros(row.int(5)?),
        locked_until: Time::from_micros(row.int(6)?),
    })
}

/// `None`: this version does not know the function.
fn right(function: &str, object: &str) -> Option<Right> {
    let Some(function) = Function::from_word(function) else {
        tracing::warn!(function, "a right to an unknown function is left out");
        return None;
    };
    Some(Right { function, object: (!object.is_empty()).then(|| object.into()) })
}

/// A user's name that comes from the database.
pub(super) fn user_name(name: &str) -> Result<UserName, StoreError> {
    UserName::new(name).map_err(|_| unknown_word("a user's name", name))
}

fn group_name(name: &str) -> Result<GroupName, StoreError> {
    GroupName::new(name).map_err(|_| unknown_word("a group's name", name))
}
