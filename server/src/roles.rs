//! The ready-made groups of `config/roles`, which are part of the program.

use actors::administration::Role;
use model::Right;
use serde::Deserialize;

/// Each by its word.
const FILES: [(&str, &str); 7] = [
    ("administrator", include_str!("../../config/roles/administrator.toml")),
    ("operator", include_str!("../../config/roles/operator.toml")),
    ("auditor", include_str!("../../config/roles/auditor.toml")),
    ("signing-application", include_str!("../../config/roles/signing-application.toml")),
    ("scan-workplace", include_str!("../../config/roles/scan-workplace.toml")),
    ("mail", include_str!("../../config/roles/mail.toml")),
    ("portal", include_str!("../../config/roles/portal.toml")),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    title: String,
    rights: Vec<String>,
}

/// All of them. Errors: one of them is not as it should be, which a test rules out.
pub fn all() -> anyhow::Result<Vec<Role>> {
    FILES.iter().map(|(name, text)| read(name, text)).collect()
}

fn read(name: &str, text: &str) -> anyhow::Result<Role> {
    let file: File = toml::from_str(text)?;
    let rights = file.rights.iter().map(|text| text.parse::<Right>()).collect::<Result<_, _>>()?;
    Ok(Role { name: name.to_owned(), title: file.title, rights })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use model::Function;
    use std::collections::BTreeSet;
    use std::path::Path;

    #[test]
    fn every_file_of_the_folder_is_a_role() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/roles");
        let files: BTreeSet<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
            .collect();
        let roles = all().unwrap();
        assert_eq!(roles.iter().map(|role| role.name.clone()).collect::<BTreeSet<_>>(), files);
        for role in &roles {
            assert!(!role.title.is_empty() && !role.rights.is_empty(), "{role:?}");
            let distinct: BTreeSet<_> = role.rights.iter().collect();
            assert_eq!(distinct.len(), role.rights.len(), "{role:?}");
        }
    }

    #[test]
    fn duties_are_kept_apart() {
        let roles = all().unwrap();
        let who = |function: Function| -> Vec<&str> {
            let has = |role: &&Role| role.rights.iter().any(|right| right.function == function);
            roles.iter().filter(has).map(|role| role.name.as_str()).collect()
        };
        assert_eq!(who(Function::Users), ["administrator"]);
        assert_eq!(who(Function::Approve), ["administrator"]);
        assert_eq!(who(Function::Audit), ["auditor"]);
        assert_eq!(who(Function::PoolTune), ["operator"]);
        assert_eq!(who(Function::Decrypt), ["mail"]);
        assert_eq!(who(Function::OpenSessions), ["portal"]);
        assert_eq!(who(Function::Sign), ["signing-application", "scan-workplace", "mail"]);
        assert!(who(Function::SignHash).is_empty() && who(Function::UseSigner).is_empty());
    }
}
