//! The arguments of the commands about tenants, users, groups and rights.
//!
//! Their exit codes: 0 done; 1 not done, the reason is said; 2 it waits for a second person; 3 nothing could be started.

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// Where, and who.
#[derive(Debug, Args)]
pub struct Desk {
    /// The configuration; its store is used.
    #[arg(long)]
    pub config: PathBuf,
    /// The tenant, if it is not that of the configuration.
    #[arg(long)]
    pub tenant: Option<String>,
    /// Who does it, for the audit log and for four eyes.
    #[arg(long, env = "USER", default_value = "operator")]
    pub operator: String,
}

/// `tenant`.
#[derive(Debug, Args)]
pub struct TenantArguments {
    /// What to do.
    #[command(subcommand)]
    pub command: TenantCommand,
}

/// The commands of `tenant`.
#[derive(Debug, Subcommand)]
pub enum TenantCommand {
    /// Make a tenant.
    Create {
        /// Its short name: a-z, 0-9, '-' and '_'. Clients call it by that.
        name: String,
        /// Its name for people.
        #[arg(long, default_value = "")]
        title: String,
        /// Where, and who.
        #[command(flatten)]
        desk: Desk,
    },
    /// All tenants.
    List {
        /// Where, and who.
        #[command(flatten)]
        desk: Desk,
    },
    /// Let none of its users in any more; all that it has stays.
    Disable {
        /// Its short name.
        name: String,
        /// Where, and who.
        #[command(flatten)]
        desk: Desk,
    },
    /// Let its users in again.
    Enable {
        /// Its short name.
        name: String,
        /// Where, and who.
        #[command(flatten)]
        desk: Desk,
    },
}

/// Where a password comes from.
#[derive(Debug, Args)]
pub struct PasswordArguments {
    /// File whose first line is the password; `-` reads it from standard input.
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
}

/// `user`.
#[derive(Debug, Args)]
pub struct UserArguments {
    /// What to do.
    #[command(subcommand)]
    pub command: UserCommand,
}

/// The commands of `user`.
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Make a user. Without a password only a certificate lets her in.
    Create {
        /// Her name.
        name: String,
        /// Her name for people.
        #[arg(long, default_value = "")]
        title: String,
        /// Her password.
        #[command(flatten)]
        password: PasswordArguments,
        /// A group that she is put into. May be given several times.
        #[arg(long = "group", value_name = "GROUP")]
        groups: Vec<String>,
        /// Where, and who.
        #[command(flatten)]
        desk: Desk,
    },
    /// All users, with their groups and certificates.
    List {
        /// Where, and who.
        #[command(flatten)]
        desk: Desk,
    },
    /// Let a user in no more.
    Disable {
        /// Her name.
        name: String,
        /// Where, and who.
        #[command(flatten)]
        desk: Desk,
    },
    /// Let a user in again.
    Enable {
        /// Her name.
        name: String,
        /// Where, and who.
        #[command(flatten)]
        desk: Desk,
    },
    /// End her lock after too many wrong passwords.
    Unlock {
        /// Her name.
        name: String,
        /// Where, and who.
        #[command(flatten)]
        desk: Desk,
    },
    /// Give a user a password, or take it from her.
    Password {
        /// Her name.
        name: String,
        /// The password.
        #[command(flatten)]
        password: PasswordArguments,
        /// Take it: only a certificate lets her in.
        #[arg(long, conflicts_with = "password_file", required_unless_present = "password_file")]
        none: bool,
        /// Where, and who.
        #[command(flatten)]
        desk: Desk,
    },
    /// Remove a user with her memberships and certificates.
    Delete {
        /// Her name.
        name: String,
        /// Where, and who.
        #[command(flatten)]
        desk: Desk,
    },
    /// Certificates that let users in.
    Certificate {
        /// What to do.
        #[command(subcommand)]
        command: CertificateCommand,
    },
}

/// The commands of `user certificate`.
#[derive(Debug, Subcommand)]
pub enum CertificateCommand {
    /// Register a certificate of a user; it counts at once.
    Add {
        /// Her name.
        name: String,
        /// The certificate (PEM or DER).
        file: PathBuf,
        /// Where, and who.
        #[command(flatten)]
        desk: Desk,
    },
    /// Let a certificate count that its user has registered herself.
    Activate {
        /// Its SHA-256, in hexadecimal, as `list` shows it.
        fingerprint: String,
        /// Where, and who.
        #[command(flatten)]
        desk: Desk,
    },
    /// Let a certificate count no more, for ever.
    Revoke {
        /// Its SHA-256, in hexadecimal.
        fingerprint: String,
        /// Where, and who.
        #[command(flatten)]
        desk: Desk,
    },
    /// Certificates of a user, or of all.
    List {
        /// Her name.
        name: Option<String>,
        /// Where, and who.
        #[command(flatten)]
        desk: Desk,
    },
}

/// `group`.
#[derive(Debug, Args)]
pub struct GroupArguments {
    /// What to do.
    #[command(subcommand)]
    pub command: GroupCommand,
}

/// The commands of `group`.
#[derive(Debug, Subcommand)]
pub enum GroupCommand {
    /// Make a group, without rights or with those of a role.
    Create {
        /// Its name; without it that of the role.
        #[arg(required_unless_present = "role")]
        name: Option<String>,
        /// A ready-made role; `sealmill group roles` shows them.
        #[arg(long)]
        role: Option<String>,
        /// Where, and who.
        #[command(flatten)]
        desk: Desk,
    },
    /// All groups with their members.
    List {
        /// Where, and who.
        #[command(flatten)]
        desk: Desk,
    },
    /// Put users into a group.
    Add {
        /// The group.
        group: String,
        /// The users.
        #[arg(required = true)]
        users: Vec<String>,
        /// Where, and who.
        #[command(flatten)]
        desk: Desk,
    },
    /// Take users out of a group.
    Remove {
        /// The group.
        group: String,
        /// The users.
        #[arg(required = true)]
        users: Vec<String>,
        /// Where, and who.
        #[command(flatten)]
        desk: Desk,
    },
    /// Remove a group.
    Delete {
        /// Its name.
        name: String,
        /// Where, and who.
        #[command(flatten)]
        desk: Desk,
    },
    /// The ready-made roles and their rights.
    Roles,
}

/// `grant`.
#[derive(Debug, Args)]
pub struct GrantArguments {
    /// What to do.
    #[command(subcommand)]
    pub command: GrantCommand,
}

/// The commands of `grant`.
#[derive(Debug, Subcommand)]
pub enum GrantCommand {
    /// Give a group rights.
    Add {
        /// The group.
        group: String,
        /// The rights: a function like `sign`, or a function and one object like `sign:invoices`.
        #[arg(required = true)]
        rights: Vec<String>,
        /// Where, and who.
        #[command(flatten)]
        desk: Desk,
    },
    /// Take rights from a group, as they were given.
    Remove {
        /// The group.
        group: String,
        /// The rights.
        #[arg(required = true)]
        rights: Vec<String>,
        /// Where, and who.
        #[command(flatten)]
        desk: Desk,
    },
    /// The rights of a group, or of all.
    List {
        /// The group.
        group: Option<String>,
        /// Where, and who.
        #[command(flatten)]
        desk: Desk,
    },
    /// Functions for which two persons are demanded: show them, demand more, or end the demand (which takes two persons).
    FourEyes {
        /// Demand two persons for this function. May be given several times.
        #[arg(long, value_name = "FUNCTION")]
        demand: Vec<String>,
        /// Demand them no more.
        #[arg(long, value_name = "FUNCTION")]
        end: Vec<String>,
        /// Where, and who.
        #[command(flatten)]
        desk: Desk,
    },
}

/// `pending`.
#[derive(Debug, Args)]
pub struct PendingArguments {
    /// What to do.
    #[command(subcommand)]
    pub command: PendingCommand,
}

/// The commands of `pending`.
#[derive(Debug, Subcommand)]
pub enum PendingCommand {
    /// Changes that wait for a second person.
    List {
        /// Where, and who.
        #[command(flatten)]
        desk: Desk,
    },
    /// Confirm changes; they are made at once. Who asked for a change does not confirm it.
    Confirm {
        /// Their ids.
        #[arg(required = true)]
        ids: Vec<String>,
        /// Where, and who.
        #[command(flatten)]
        desk: Desk,
    },
    /// Refuse changes.
    Refuse {
        /// Their ids.
        #[arg(required = true)]
        ids: Vec<String>,
        /// Where, and who.
        #[command(flatten)]
        desk: Desk,
    },
}
