//! `sealmill tenant`, `user`, `group`, `grant` and `pending`: the operator's desk at the server's own machine.

use super::{EXIT_DEFERRED, EXIT_DONE, EXIT_REJECTED, complain, say};
use crate::cli::access::{
    CertificateCommand, Desk, GrantArguments, GrantCommand, GroupArguments, GroupCommand, PasswordArguments,
    PendingArguments, PendingCommand, TenantArguments, TenantCommand, UserArguments, UserCommand,
};
use crate::config::Config;
use crate::table::table;
use crate::{assemble, secret};
use actors::access::Access;
use actors::administration::{
    Administration, AdministrationError, CertificateEntry, Done, NewUser, UserEntry, UserUpdate,
};
use anyhow::{Context, bail};
use model::{Caller, Clock, Function, GroupName, Right, SystemClock, TenantId, Time, UserName};
use secrecy::SecretString;
use serde_json::{Value, json};
use std::io::BufRead;
use std::process::ExitCode;
use store::Store;
use store::access::{TenantState, UserState};

/// An open desk.
struct Open {
    store: Store,
    administration: Administration,
    caller: Caller,
    as_json: bool,
}

/// Opens the store of a desk and runs the work there.
fn at(
    desk: &Desk,
    as_json: bool,
    work: impl AsyncFnOnce(Open) -> anyhow::Result<ExitCode>,
) -> anyhow::Result<ExitCode> {
    let mut config = Config::load(&desk.config)?;
    config.server.name = super::one_off::node_name();
    super::system(&config)?.block_on(Box::pin(async {
        let store = assemble::open_store(&config).await?;
        let (_, administration) = assemble::access(&config, &store).await?;
        let tenant = match &desk.tenant {
            Some(name) => TenantId::new(name)?,
            None => assemble::tenant(&config)?,
        };
        if store.tenant(&tenant).await?.is_none() {
            bail!("there is no tenant \"{tenant}\"; `sealmill tenant list` shows all");
        }
        let operator = UserName::new(&desk.operator).context("--operator")?;
        work(Open { store, administration, caller: Access::local(&tenant, operator), as_json }).await
    }))
}

/// Runs `tenant`.
pub fn tenant(arguments: &TenantArguments, as_json: bool) -> anyhow::Result<ExitCode> {
    let desk = match &arguments.command {
        TenantCommand::Create { desk, .. }
        | TenantCommand::List { desk }
        | TenantCommand::Disable { desk, .. }
        | TenantCommand::Enable { desk, .. } => desk,
    };
    at(desk, as_json, async |open| {
        let (who, now) = (open.caller.who(), SystemClock.now());
        match &arguments.command {
            TenantCommand::List { .. } => {
                let rows = open.store.tenants().await?;
                let line = |row: &store::access::TenantRow| {
                    json!({
                        "tenant": row.tenant.as_str(), "title": row.title, "state": row.state.word(),
                        "created_at": moment(row.created_at),
                    })
                };
                let cells = |row: &store::access::TenantRow| {
                    vec![row.tenant.to_string(), row.state.word().to_owned(), row.title.clone()]
                };
                open.list(&["tenant", "state", "title"], &rows, line, cells);
                Ok(ExitCode::from(EXIT_DONE))
            }
            TenantCommand::Create { name, title, .. } => {
                let made = open.store.create_tenant(&TenantId::new(name)?, title, &who, now).await?;
                open.plain("tenant.created", name, made, "there is a tenant of that name already")
            }
            TenantCommand::Disable { name, .. } => {
                let state = TenantState::Disabled;
                let done = open.store.set_tenant_state(&TenantId::new(name)?, state, &who, now).await?;
                open.plain("tenant.disabled", name, done, "there is no such tenant, or it is disabled already")
            }
            TenantCommand::Enable { name, .. } => {
                let state = TenantState::Active;
                let done = open.store.set_tenant_state(&TenantId::new(name)?, state, &who, now).await?;
                open.plain("tenant.enabled", name, done, "there is no such tenant, or it is enabled already")
            }
        }
    })
}

/// Runs `user`.
pub fn user(arguments: &UserArguments, as_json: bool) -> anyhow::Result<ExitCode> {
    let desk = match &arguments.command {
        UserCommand::Create { desk, .. }
        | UserCommand::List { desk }
        | UserCommand::Disable { desk, .. }
        | UserCommand::Enable { desk, .. }
        | UserCommand::Unlock { desk, .. }
        | UserCommand::Password { desk, .. }
        | UserCommand::Delete { desk, .. } => desk,
        UserCommand::Certificate { command } => return certificate(command, as_json),
    };
    at(desk, as_json, async |open| {
        let (office, caller) = (&open.administration, &open.caller);
        let set = |state| UserUpdate { state: Some(state), ..UserUpdate::default() };
        let (name, done) = match &arguments.command {
            UserCommand::Create { name, title, password, groups, .. } => {
                let new = NewUser {
                    name: UserName::new(name)?,
                    title: title.clone(),
                    password: password.read()?,
                    groups: groups.iter().map(|group| GroupName::new(group)).collect::<Result<_, _>>()?,
                };
                (name, office.create_user(caller, new).await)
            }
            UserCommand::Disable { name, .. } => {
                (name, office.change_user(caller, &UserName::new(name)?, set(UserState::Disabled)).await)
            }
            UserCommand::Enable { name, .. } => {
                (name, office.change_user(caller, &UserName::new(name)?, set(UserState::Active)).await)
            }
            UserCommand::Unlock { name, .. } => (name, office.unlock_user(caller, &UserName::new(name)?).await),
            UserCommand::Password { name, password, .. } => {
                let update = UserUpdate { password: Some(password.read()?), ..UserUpdate::default() };
                (name, office.change_user(caller, &UserName::new(name)?, update).await)
            }
            UserCommand::Delete { name, .. } => (name, office.delete_user(caller, &UserName::new(name)?).await),
            UserCommand::List { .. } | UserCommand::Certificate { .. } => return open.users().await,
        };
        open.done([(name.as_str(), done)])
    })
}

fn certificate(command: &CertificateCommand, as_json: bool) -> anyhow::Result<ExitCode> {
    let desk = match command {
        CertificateCommand::Add { desk, .. }
        | CertificateCommand::Activate { desk, .. }
        | CertificateCommand::Revoke { desk, .. }
        | CertificateCommand::List { desk, .. } => desk,
    };
    at(desk, as_json, async |open| {
        let (office, caller) = (&open.administration, &open.caller);
        match command {
            CertificateCommand::Add { name, file, .. } => {
                let octets = std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
                let added = office.register_certificate(caller, Some(&UserName::new(name)?), &octets).await;
                let fingerprint = added.as_ref().map_or_else(|_| name.clone(), |(fingerprint, ..)| fingerprint.clone());
                open.done([(fingerprint.as_str(), added.map(|(.., done)| done))])
            }
            CertificateCommand::Activate { fingerprint, .. } => {
                open.done([(fingerprint.as_str(), office.activate_certificate(caller, fingerprint).await)])
            }
            CertificateCommand::Revoke { fingerprint, .. } => {
                open.done([(fingerprint.as_str(), office.revoke_certificate(caller, fingerprint).await)])
            }
            CertificateCommand::List { name, .. } => {
                let name = name.as_deref().map(UserName::new).transpose()?;
                let rows = office.certificates(caller, name.as_ref()).await?;
                let cells = |row: &CertificateEntry| {
                    vec![
                        row.user.to_string(),
                        row.state.word().to_owned(),
                        row.not_after.map_or_else(dash, moment),
                        row.subject.clone().unwrap_or_else(dash),
                        row.fingerprint.clone(),
                    ]
                };
                open.list(&["user", "state", "valid until", "name", "SHA-256"], &rows, certificate_json, cells);
                Ok(ExitCode::from(EXIT_DONE))
            }
        }
    })
}

/// Runs `group`.
pub fn group(arguments: &GroupArguments, as_json: bool) -> anyhow::Result<ExitCode> {
    let desk = match &arguments.command {
        GroupCommand::Create { desk, .. }
        | GroupCommand::List { desk }
        | GroupCommand::Add { desk, .. }
        | GroupCommand::Remove { desk, .. }
        | GroupCommand::Delete { desk, .. } => desk,
        GroupCommand::Roles => return roles(as_json),
    };
    at(desk, as_json, async |open| {
        let (office, caller) = (&open.administration, &open.caller);
        match &arguments.command {
            GroupCommand::Create { name, role, .. } => {
                let name = name.as_deref().or(role.as_deref()).unwrap_or_default();
                let done = office.create_group(caller, &GroupName::new(name)?, role.as_deref()).await;
                open.done([(name, done)])
            }
            GroupCommand::Add { group, users, .. } => {
                let mut done = Vec::new();
                for user in users {
                    let added = office.add_member(caller, &GroupName::new(group)?, &UserName::new(user)?).await;
                    done.push((user.as_str(), added));
                }
                open.done(done)
            }
            GroupCommand::Remove { group, users, .. } => {
                let mut done = Vec::new();
                for user in users {
                    let removed = office.remove_member(caller, &GroupName::new(group)?, &UserName::new(user)?).await;
                    done.push((user.as_str(), removed));
                }
                open.done(done)
            }
            GroupCommand::Delete { name, .. } => {
                open.done([(name.as_str(), office.delete_group(caller, &GroupName::new(name)?).await)])
            }
            GroupCommand::List { .. } | GroupCommand::Roles => open.groups(None, true).await,
        }
    })
}

fn roles(as_json: bool) -> anyhow::Result<ExitCode> {
    for role in crate::roles::all()? {
        let rights: Vec<String> = role.rights.iter().map(Right::to_string).collect();
        match as_json {
            true => say(&json!({ "role": role.name, "title": role.title, "rights": rights }).to_string()),
            false => say(&format!("{}: {}\n    {}", role.name, role.title, rights.join(" "))),
        }
    }
    Ok(ExitCode::from(EXIT_DONE))
}

/// Runs `grant`.
pub fn grant(arguments: &GrantArguments, as_json: bool) -> anyhow::Result<ExitCode> {
    let desk = match &arguments.command {
        GrantCommand::Add { desk, .. }
        | GrantCommand::Remove { desk, .. }
        | GrantCommand::List { desk, .. }
        | GrantCommand::FourEyes { desk, .. } => desk,
    };
    at(desk, as_json, async |open| {
        let (office, caller) = (&open.administration, &open.caller);
        match &arguments.command {
            GrantCommand::Add { group, rights, .. } => {
                let group = GroupName::new(group)?;
                let mut done = Vec::new();
                for (text, right) in parsed(rights)? {
                    done.push((text, office.grant(caller, &group, right).await));
                }
                open.done(done)
            }
            GrantCommand::Remove { group, rights, .. } => {
                let group = GroupName::new(group)?;
                let mut done = Vec::new();
                for (text, right) in parsed(rights)? {
                    done.push((text, office.revoke(caller, &group, right).await));
                }
                open.done(done)
            }
            GrantCommand::List { group, .. } => {
                let group = group.as_deref().map(GroupName::new).transpose()?;
                open.groups(group.as_ref(), false).await
            }
            GrantCommand::FourEyes { demand, end, .. } => {
                let mut done = Vec::new();
                for (word, demanded) in
                    demand.iter().map(|word| (word, true)).chain(end.iter().map(|word| (word, false)))
                {
                    let function =
                        Function::from_word(word).with_context(|| format!("there is no function \"{word}\""))?;
                    done.push((word.as_str(), office.set_four_eyes(caller, function, demanded).await));
                }
                if !done.is_empty() {
                    return open.done(done);
                }
                let functions = office.four_eyes(caller).await?;
                let line = |function: &Function| json!({ "function": function.word() });
                open.list(&["two persons are demanded for"], &functions, line, |function| vec![function.to_string()]);
                Ok(ExitCode::from(EXIT_DONE))
            }
        }
    })
}

/// Runs `pending`.
pub fn pending(arguments: &PendingArguments, as_json: bool) -> anyhow::Result<ExitCode> {
    let desk = match &arguments.command {
        PendingCommand::List { desk } | PendingCommand::Confirm { desk, .. } | PendingCommand::Refuse { desk, .. } => {
            desk
        }
    };
    at(desk, as_json, async |open| {
        let (office, caller) = (&open.administration, &open.caller);
        match &arguments.command {
            PendingCommand::List { .. } => {
                let rows = office.pending(caller).await?;
                let line = |row: &actors::administration::PendingEntry| {
                    json!({
                        "id": row.id, "about": row.about, "asked_by": row.asked_by,
                        "asked_at": moment(row.asked_at), "expires_at": moment(row.expires_at),
                    })
                };
                let cells = |row: &actors::administration::PendingEntry| {
                    vec![row.id.clone(), row.asked_by.clone(), moment(row.asked_at), row.about.clone()]
                };
                open.list(&["id", "asked by", "at", "change"], &rows, line, cells);
                Ok(ExitCode::from(EXIT_DONE))
            }
            PendingCommand::Confirm { ids, .. } => {
                let mut done = Vec::new();
                for id in ids {
                    done.push((id.as_str(), office.confirm(caller, id).await.map(|()| Done::Made)));
                }
                open.done(done)
            }
            PendingCommand::Refuse { ids, .. } => {
                let mut done = Vec::new();
                for id in ids {
                    done.push((id.as_str(), office.refuse(caller, id).await.map(|()| Done::Made)));
                }
                open.done(done)
            }
        }
    })
}

impl PasswordArguments {
    /// The first line of the file, or of standard input.
    fn read(&self) -> anyhow::Result<Option<SecretString>> {
        let Some(file) = &self.password_file else { return Ok(None) };
        if file.as_os_str() != "-" {
            return secret::from_file(file).map(Some).map_err(anyhow::Error::msg);
        }
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line).context("the password cannot be read from standard input")?;
        let password = line.trim_end_matches(['\r', '\n']);
        if password.is_empty() {
            bail!("there is no password on standard input");
        }
        Ok(Some(SecretString::from(password.to_owned())))
    }
}

impl Open {
    /// Says what became of each; the exit code is that of the worst.
    fn done<'n>(
        &self,
        all: impl IntoIterator<Item = (&'n str, Result<Done, AdministrationError>)>,
    ) -> anyhow::Result<ExitCode> {
        let mut code = EXIT_DONE;
        for (about, done) in all {
            let line = match done {
                Ok(Done::Made) => json!({ "about": about, "state": "done" }),
                Ok(Done::Waits(id)) => {
                    code = if code == EXIT_DONE { EXIT_DEFERRED } else { code };
                    json!({ "about": about, "state": "pending", "id": id })
                }
                Err(AdministrationError::Store(error)) => return Err(error.into()),
                Err(error) => {
                    code = EXIT_REJECTED;
                    let reason = error.reason();
                    json!({ "about": about, "state": "refused", "code": reason.code, "reason": reason.sentence })
                }
            };
            self.tell(&line);
        }
        Ok(ExitCode::from(code))
    }

    fn plain(&self, word: &str, about: &str, done: bool, otherwise: &str) -> anyhow::Result<ExitCode> {
        let line = match done {
            true => json!({ "about": about, "state": "done", "change": word }),
            false => json!({ "about": about, "state": "refused", "reason": otherwise }),
        };
        self.tell(&line);
        Ok(ExitCode::from(if done { EXIT_DONE } else { EXIT_REJECTED }))
    }

    fn tell(&self, line: &Value) {
        if self.as_json {
            return say(&line.to_string());
        }
        let text = |key: &str| line.get(key).and_then(Value::as_str).unwrap_or_default();
        match text("state") {
            "done" => say(&format!("{}: done", text("about"))),
            "pending" => say(&format!("{}: waits for a second person as {}", text("about"), text("id"))),
            _ => complain(&anyhow::anyhow!("{}: {}", text("about"), text("reason"))),
        }
    }

    fn list<T>(&self, head: &[&str], rows: &[T], line: impl Fn(&T) -> Value, cells: impl Fn(&T) -> Vec<String>) {
        match self.as_json {
            true => rows.iter().for_each(|row| say(&line(row).to_string())),
            false => say(table(head, &rows.iter().map(cells).collect::<Vec<_>>()).trim_end()),
        }
    }

    async fn users(&self) -> anyhow::Result<ExitCode> {
        let mut all = Vec::new();
        loop {
            let first = u32::try_from(all.len()).unwrap_or(u32::MAX);
            let (total, mut page) = self.administration.users(&self.caller, None, first, PAGE_USERS).await?;
            let last = page.is_empty();
            all.append(&mut page);
            if last || all.len() as u64 >= total {
                break;
            }
        }
        let groups = |row: &UserEntry| row.groups.iter().map(GroupName::to_string).collect::<Vec<_>>();
        let line = |row: &UserEntry| {
            json!({
                "user": row.name.as_str(), "title": row.title, "state": row.state.word(),
                "locked_until": row.locked_until.map(moment), "password": row.has_password, "groups": groups(row),
                "certificates": row.certificates.iter().map(certificate_json).collect::<Vec<_>>(),
            })
        };
        let cells = |row: &UserEntry| {
            let state = if row.locked_until.is_some() { "locked" } else { row.state.word() };
            vec![
                row.name.to_string(),
                state.to_owned(),
                if row.has_password { "yes" } else { "-" }.to_owned(),
                row.certificates.len().to_string(),
                groups(row).join(", "),
                row.title.clone(),
            ]
        };
        self.list(&["user", "state", "password", "certificates", "groups", "title"], &all, line, cells);
        Ok(ExitCode::from(EXIT_DONE))
    }

    async fn groups(&self, one: Option<&GroupName>, with_members: bool) -> anyhow::Result<ExitCode> {
        let groups = self.administration.groups(&self.caller, one).await?;
        if let (Some(one), []) = (one, groups.as_slice()) {
            complain(&anyhow::anyhow!("there is no group \"{one}\""));
            return Ok(ExitCode::from(EXIT_REJECTED));
        }
        let rights =
            |row: &actors::administration::GroupEntry| row.rights.iter().map(Right::to_string).collect::<Vec<_>>();
        let members =
            |row: &actors::administration::GroupEntry| row.members.iter().map(UserName::to_string).collect::<Vec<_>>();
        let line = |row: &actors::administration::GroupEntry| json!({ "group": row.name.as_str(), "members": members(row), "rights": rights(row) });
        let cells = |row: &actors::administration::GroupEntry| {
            let rest = if with_members { members(row).join(", ") } else { rights(row).join(" ") };
            vec![row.name.to_string(), rest]
        };
        self.list(&["group", if with_members { "members" } else { "rights" }], &groups, line, cells);
        Ok(ExitCode::from(EXIT_DONE))
    }
}

fn parsed(rights: &[String]) -> anyhow::Result<Vec<(&str, Right)>> {
    rights.iter().map(|text| Ok((text.as_str(), text.parse::<Right>()?))).collect()
}

fn certificate_json(row: &CertificateEntry) -> Value {
    json!({
        "fingerprint": row.fingerprint, "user": row.user.as_str(), "state": row.state.word(), "name": row.subject,
        "not_after": row.not_after.map(moment),
    })
}

fn moment(time: Time) -> String {
    let (year, month, day, hour, minute, second) = time.civil();
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

fn dash() -> String {
    "-".to_owned()
}

/// Users that one question brings into memory.
const PAGE_USERS: u32 = 500;
