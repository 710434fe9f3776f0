//! Changes as text, for the time that they wait: a line for each, its fields between tabulators. No field has a control
//! character: names, titles and objects are checked, the rest is Base64, hexadecimal or a word.

use model::{Function, GroupName, Right, UserName};
use secrecy::{ExposeSecret, SecretString};
use store::access::{AccessChange, CertificateState, UserState};

/// A text that is no change. Says nothing of its content, which may hold the hash of a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the change that was kept cannot be read: it was made by another version, or altered")]
pub(super) struct Unreadable;

/// The text of a change.
pub(super) fn encode(change: &AccessChange) -> String {
    change.parts().iter().map(|part| fields(part).join("\t")).collect::<Vec<_>>().join("\n")
}

fn fields(change: &AccessChange) -> Vec<String> {
    let secret = |password: &Option<SecretString>| {
        password.as_ref().map_or_else(String::new, |hash| hash.expose_secret().to_owned())
    };
    let list = |word: &str, rest: &[&str]| [word].iter().chain(rest).map(|field| (*field).to_owned()).collect();
    let right = |right: &Right| right.to_string();
    match change {
        AccessChange::CreateUser { user, title, password } => {
            list("create-user", &[user.as_str(), title, &secret(password)])
        }
        AccessChange::SetUserState { user, state } => list("user-state", &[user.as_str(), state.word()]),
        AccessChange::SetPassword { user, password } => list("password", &[user.as_str(), &secret(password)]),
        AccessChange::SetTitle { user, title } => list("title", &[user.as_str(), title]),
        AccessChange::DeleteUser { user } => list("delete-user", &[user.as_str()]),
        AccessChange::Unlock { user } => list("unlock", &[user.as_str()]),
        AccessChange::CreateGroup { group, rights } => {
            let mut all: Vec<String> = list("create-group", &[group.as_str()]);
            all.extend(rights.iter().map(right));
            all
        }
        AccessChange::DeleteGroup { group } => list("delete-group", &[group.as_str()]),
        AccessChange::AddMember { user, group } => list("add-member", &[user.as_str(), group.as_str()]),
        AccessChange::RemoveMember { user, group } => list("remove-member", &[user.as_str(), group.as_str()]),
        AccessChange::Grant { group, right: granted } => list("grant", &[group.as_str(), &right(granted)]),
        AccessChange::Revoke { group, right: revoked } => list("revoke", &[group.as_str(), &right(revoked)]),
        AccessChange::AddCertificate { user, fingerprint, der, state } => {
            list("add-certificate", &[user.as_str(), fingerprint, der, state.word()])
        }
        AccessChange::SetCertificateState { fingerprint, state } => {
            list("certificate-state", &[fingerprint, state.word()])
        }
        AccessChange::FourEyes { function, demanded } => {
            list("four-eyes", &[function.word(), if *demanded { "yes" } else { "no" }])
        }
        // `parts` goes one level deep, and no deeper one is made.
        AccessChange::Several(_) => Vec::new(),
    }
}

/// The change of a text.
pub(super) fn decode(text: &str) -> Result<AccessChange, Unreadable> {
    let mut changes: Vec<AccessChange> = text.split('\n').map(line).collect::<Result<_, _>>()?;
    match changes.len() {
        0 => Err(Unreadable),
        1 => Ok(changes.remove(0)),
        _ => Ok(AccessChange::Several(changes)),
    }
}

fn line(line: &str) -> Result<AccessChange, Unreadable> {
    let fields: Vec<&str> = line.split('\t').collect();
    let user = |name: &str| UserName::new(name).map_err(|_| Unreadable);
    let group = |name: &str| GroupName::new(name).map_err(|_| Unreadable);
    let right = |text: &str| text.parse::<Right>().map_err(|_| Unreadable);
    let secret = |text: &str| (!text.is_empty()).then(|| SecretString::from(text.to_owned()));
    let user_state = |word: &str| UserState::from_word(word).map_err(|_| Unreadable);
    let certificate_state = |word: &str| CertificateState::from_word(word).map_err(|_| Unreadable);
    Ok(match fields.as_slice() {
        ["create-user", name, title, password] => {
            AccessChange::CreateUser { user: user(name)?, title: (*title).to_owned(), password: secret(password) }
        }
        ["user-state", name, state] => AccessChange::SetUserState { user: user(name)?, state: user_state(state)? },
        ["password", name, password] => AccessChange::SetPassword { user: user(name)?, password: secret(password) },
        ["title", name, title] => AccessChange::SetTitle { user: user(name)?, title: (*title).to_owned() },
        ["delete-user", name] => AccessChange::DeleteUser { user: user(name)? },
        ["unlock", name] => AccessChange::Unlock { user: user(name)? },
        ["create-group", name, rights @ ..] => AccessChange::CreateGroup {
            group: group(name)?,
            rights: rights.iter().map(|text| right(text)).collect::<Result<_, _>>()?,
        },
        ["delete-group", name] => AccessChange::DeleteGroup { group: group(name)? },
        ["add-member", name, to] => AccessChange::AddMember { user: user(name)?, group: group(to)? },
        ["remove-member", name, from] => AccessChange::RemoveMember { user: user(name)?, group: group(from)? },
        ["grant", to, granted] => AccessChange::Grant { group: group(to)?, right: right(granted)? },
        ["revoke", from, revoked] => AccessChange::Revoke { group: group(from)?, right: right(revoked)? },
        ["add-certificate", name, fingerprint, der, state] => AccessChange::AddCertificate {
            user: user(name)?,
            fingerprint: (*fingerprint).to_owned(),
            der: (*der).to_owned(),
            state: certificate_state(state)?,
        },
        ["certificate-state", fingerprint, state] => AccessChange::SetCertificateState {
            fingerprint: (*fingerprint).to_owned(),
            state: certificate_state(state)?,
        },
        ["four-eyes", function, demanded @ ("yes" | "no")] => AccessChange::FourEyes {
            function: Function::from_word(function).ok_or(Unreadable)?,
            demanded: *demanded == "yes",
        },
        _ => return Err(Unreadable),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn all() -> Vec<AccessChange> {
        let (user, group) = (UserName::new("Müller, Ilse").unwrap(), GroupName::new("g").unwrap());
        let right: Right = "sign:a:b".parse().unwrap();
        let password = Some(SecretString::from("$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA".to_owned()));
        let fingerprint = "ab".repeat(32);
        vec![
            AccessChange::CreateUser { user: user.clone(), title: "Frau \"M\"".into(), password: password.clone() },
            AccessChange::CreateUser { user: user.clone(), title: String::new(), password: None },
            AccessChange::SetUserState { user: user.clone(), state: UserState::Disabled },
            AccessChange::SetPassword { user: user.clone(), password },
            AccessChange::SetPassword { user: user.clone(), password: None },
            AccessChange::SetTitle { user: user.clone(), title: String::new() },
            AccessChange::DeleteUser { user: user.clone() },
            AccessChange::Unlock { user: user.clone() },
            AccessChange::CreateGroup { group: group.clone(), rights: vec![right.clone(), "users".parse().unwrap()] },
            AccessChange::CreateGroup { group: group.clone(), rights: vec![] },
            AccessChange::DeleteGroup { group: group.clone() },
            AccessChange::AddMember { user: user.clone(), group: group.clone() },
            AccessChange::RemoveMember { user: user.clone(), group: group.clone() },
            AccessChange::Grant { group: group.clone(), right: right.clone() },
            AccessChange::Revoke { group, right },
            AccessChange::AddCertificate {
                user,
                fingerprint: fingerprint.clone(),
                der: "MAo=".into(),
                state: CertificateState::Pending,
            },
            AccessChange::SetCertificateState { fingerprint, state: CertificateState::Revoked },
            AccessChange::FourEyes { function: Function::SignHash, demanded: true },
            AccessChange::FourEyes { function: Function::SignHash, demanded: false },
        ]
    }

    /// With the secrets, which Debug does not show.
    fn shown(change: &AccessChange) -> String {
        let secrets = change.parts().iter().map(|part| match part {
            AccessChange::CreateUser { password, .. } | AccessChange::SetPassword { password, .. } => {
                password.as_ref().map(|hash| hash.expose_secret().to_owned())
            }
            _ => None,
        });
        format!("{change:?} {:?}", secrets.collect::<Vec<_>>())
    }

    #[test]
    fn every_change_comes_back_as_it_was() {
        for change in all().into_iter().chain([AccessChange::Several(all())]) {
            assert_eq!(shown(&decode(&encode(&change)).unwrap()), shown(&change));
        }
    }

    #[test]
    fn what_is_no_change_is_not_read() {
        for text in
            ["", "fly\tx", "delete-user", "delete-user\t", "delete-user\ta\tb", "delete-user\ta\n", "grant\tg\tfly"]
        {
            assert!(decode(text).is_err(), "{text:?}");
        }
        for text in ["four-eyes\tsign\tmaybe", "user-state\ta\tlocked", "certificate-state\tab\tnew", "unlock\ta:b"] {
            assert!(decode(text).is_err(), "{text:?}");
        }
    }
}
