//! Who may administer what, what waits for a second person, and log-in sessions.
#![allow(clippy::unwrap_used)]

use actors::access::{Access, AccessSettings};
use actors::administration::{
    Administration, AdministrationError, AdministrationSettings, Done, NewUser, Role, UserUpdate,
};
use model::access::Authentication;
use model::{Caller, Function, GroupName, Right, SystemClock, TenantId, UserName};
use secrecy::SecretString;
use std::sync::Arc;
use std::time::Duration;
use store::access::{AccessChange, CertificateState, SessionState, UserState};
use store::{Store, StoreConfig};
use testkit::pki::{KeyKind, Pki};

struct World {
    administration: Administration,
    store: Store,
    _folder: tempfile::TempDir,
}

fn tenant() -> TenantId {
    TenantId::new("acme").unwrap()
}

fn user(name: &str) -> UserName {
    UserName::new(name).unwrap()
}

fn group(name: &str) -> GroupName {
    GroupName::new(name).unwrap()
}

fn right(text: &str) -> Right {
    text.parse().unwrap()
}

/// A caller with these rights.
fn with(name: &str, rights: &[&str]) -> Caller {
    let rights: Vec<Right> = rights.iter().map(|text| right(text)).collect();
    Caller { tenant: tenant(), user: user(name), authentication: Authentication::Password, rights: rights.into() }
}

/// Ada administers.
fn ada() -> Caller {
    with("ada", &["users", "users-view", "verify"])
}

/// Bob approves.
fn bob() -> Caller {
    with("bob", &["approve"])
}

fn operator(name: &str) -> Caller {
    Access::local(&tenant(), user(name))
}

fn new(name: &str, groups: &[&str]) -> NewUser {
    let groups = groups.iter().map(|name| group(name)).collect();
    NewUser { name: user(name), title: String::new(), password: None, groups }
}

fn forbidden<T: std::fmt::Debug>(answer: Result<T, AdministrationError>) -> bool {
    matches!(answer, Err(AdministrationError::Forbidden(_)))
}

impl World {
    /// Users ada, bob and erp; groups all (verify) and signers (sign-hash).
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = StoreConfig::Sqlite { path: folder.path().join("store.db") };
        let store = Store::open(&config, "a").await.unwrap();
        store.create_tenant(&tenant(), "", "cli:root", model::Clock::now(&SystemClock)).await.unwrap();
        let access = Access::new(store.clone(), Arc::new(SystemClock), AccessSettings::of(tenant())).unwrap();
        let roles = vec![Role { name: "auditor".into(), title: "reads".into(), rights: vec![right("audit")] }];
        let settings = AdministrationSettings { roles, ..AdministrationSettings::default() };
        let administration = Administration::new(access, settings);
        let world = Self { administration, store, _folder: folder };
        let root = operator("root");
        for (name, granted) in [("all", "verify"), ("signers", "sign-hash")] {
            world.administration.create_group(&root, &group(name), None).await.unwrap();
            world.administration.grant(&root, &group(name), right(granted)).await.unwrap();
        }
        for name in ["ada", "bob", "erp"] {
            world.administration.create_user(&root, new(name, &[])).await.unwrap();
        }
        world
    }

    async fn demand(&self, function: Function) {
        let done = self.administration.set_four_eyes(&operator("root"), function, true).await.unwrap();
        assert_eq!(done, Done::Made);
    }

    async fn words(&self) -> Vec<String> {
        assert!(self.store.verify_audit(&tenant(), &[]).await.unwrap().is_intact());
        let rows = self.store.audit(&tenant(), None, 1_000).await.unwrap();
        rows.into_iter().map(|row| format!("{} {} {}", row.who, row.what, row.object)).collect()
    }

    async fn rights(&self, name: &str) -> Vec<Right> {
        self.store.rights_of_user(&tenant(), &user(name)).await.unwrap()
    }
}

fn waits(done: Result<Done, AdministrationError>) -> String {
    match done.unwrap() {
        Done::Waits(id) => id,
        Done::Made => panic!("it was made at once"),
    }
}

fn made(done: Result<Done, AdministrationError>) {
    assert_eq!(done.unwrap(), Done::Made);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_right_nothing_can_be_changed_or_seen() {
    let world = World::new().await;
    let desk = &world.administration;
    let before = world.words().await;
    // Everything but what administers, and each of it for somebody else.
    let others: Vec<Right> = Function::ALL
        .into_iter()
        .filter(|function| ![Function::Users, Function::UsersView, Function::Approve].contains(function))
        .filter(|function| ![Function::OpenSessions, Function::ConfirmSessions].contains(function))
        .map(|function| Right { function, object: None })
        .collect();
    let eve = Caller { rights: others.into(), ..with("eve", &[]) };
    let (erp, all) = (user("erp"), group("all"));
    let der = Pki::shared().issue(KeyKind::P256, "erp").unwrap().certificate_der();
    let answers = [
        desk.create_user(&eve, new("x", &[])).await.err(),
        desk.change_user(&eve, &erp, UserUpdate::default()).await.err(),
        desk.delete_user(&eve, &erp).await.err(),
        desk.unlock_user(&eve, &erp).await.err(),
        desk.create_group(&eve, &group("x"), None).await.err(),
        desk.delete_group(&eve, &all).await.err(),
        desk.add_member(&eve, &all, &erp).await.err(),
        desk.remove_member(&eve, &all, &erp).await.err(),
        desk.grant(&eve, &all, right("sign")).await.err(),
        desk.revoke(&eve, &all, right("verify")).await.err(),
        desk.register_certificate(&eve, Some(&erp), &der).await.err(),
        desk.activate_certificate(&eve, "ab").await.err(),
        desk.revoke_certificate(&eve, "ab").await.err(),
        desk.users(&eve, None, 0, 10).await.err(),
        desk.groups(&eve, None).await.err(),
        desk.certificates(&eve, None).await.err(),
        desk.four_eyes(&eve).await.err(),
        desk.pending(&eve).await.err(),
        desk.confirm(&eve, "x").await.err(),
        desk.open_session(&eve, &erp, "", "", "").await.err(),
        desk.session_state(&eve, "x").await.err(),
        desk.cancel_session(&eve, "x").await.err(),
        desk.release_session(&eve, "x").await.err(),
        desk.prolong_session(&eve, "x").await.err(),
        desk.decide_session(&eve, "x", true).await.err(),
    ];
    for (place, answer) in answers.iter().enumerate() {
        assert!(matches!(answer, Some(AdministrationError::Denied(_))), "{place}: {answer:?}");
        assert_eq!(answer.as_ref().unwrap().reason().code, "access-denied");
    }
    assert!(forbidden(desk.set_four_eyes(&ada(), Function::Users, true).await), "not at the machine");
    assert_eq!(world.words().await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_and_groups_are_made_changed_and_removed() {
    let world = World::new().await;
    let desk = &world.administration;
    let ada = ada();
    let password = SecretString::from("a password for web".to_owned());
    let web = NewUser { title: "The web shop".into(), password: Some(password), ..new("web", &["all", "signers"]) };
    made(desk.create_user(&ada, web.clone()).await);
    assert!(matches!(desk.create_user(&ada, web).await, Err(AdministrationError::Nothing(_))));
    assert!(matches!(desk.create_user(&ada, new("y", &["gone"])).await, Err(AdministrationError::NotFound(_))));
    assert!(world.store.user(&tenant(), &user("y")).await.unwrap().is_none());
    assert_eq!(world.rights("web").await, [right("sign-hash"), right("verify")]);

    let (total, page) = desk.users(&ada, None, 1, 2).await.unwrap();
    assert_eq!((total, page.iter().map(|row| row.name.as_str()).collect::<Vec<_>>()), (4, vec!["bob", "erp"]));
    let (_, one) = desk.users(&ada, Some(&user("web")), 0, 1).await.unwrap();
    assert_eq!((one[0].title.as_str(), one[0].has_password, one[0].groups.len()), ("The web shop", true, 2));

    let update = UserUpdate { title: Some("Shop".into()), password: Some(None), state: Some(UserState::Disabled) };
    made(desk.change_user(&ada, &user("web"), update.clone()).await);
    made(desk.change_user(&ada, &user("web"), update).await);
    let (_, one) = desk.users(&ada, Some(&user("web")), 0, 1).await.unwrap();
    assert_eq!((one[0].title.as_str(), one[0].has_password, one[0].state), ("Shop", false, UserState::Disabled));

    for (password, expected) in [("short", "12 characters"), ("Administrator", "the name of the user")] {
        let update = UserUpdate { password: Some(Some(password.to_owned().into())), ..UserUpdate::default() };
        desk.create_user(&ada, new("administrator", &[])).await.ok();
        let refused = desk.change_user(&ada, &user("administrator"), update).await.unwrap_err();
        assert!(refused.to_string().contains(expected), "{refused}");
        assert!(!format!("{refused:?}").contains(password));
    }
    let long = UserUpdate { password: Some(Some("x".repeat(2_000).into())), ..UserUpdate::default() };
    assert!(desk.change_user(&ada, &user("web"), long).await.is_err());
    let odd = UserUpdate { title: Some("a\tb".into()), ..UserUpdate::default() };
    assert!(matches!(desk.change_user(&ada, &user("web"), odd).await, Err(AdministrationError::Bad(_))));

    made(desk.create_group(&ada, &group("readers"), Some("auditor")).await);
    assert!(matches!(desk.create_group(&ada, &group("r"), Some("king")).await, Err(AdministrationError::NotFound(_))));
    let seen = desk.groups(&ada, Some(&group("readers"))).await.unwrap();
    assert_eq!((seen.len(), seen[0].rights.clone()), (1, vec![right("audit")]));
    made(desk.grant(&ada, &group("readers"), right("sign:invoices")).await);
    assert!(desk.revoke(&ada, &group("readers"), right("sign")).await.is_err(), "it was granted for one profile");
    made(desk.revoke(&ada, &group("readers"), right("sign:invoices")).await);
    let nonsense = Right { function: Function::Users, object: Some("erp".into()) };
    assert!(matches!(desk.grant(&ada, &group("readers"), nonsense).await, Err(AdministrationError::Bad(_))));
    made(desk.remove_member(&ada, &group("all"), &user("web")).await);
    made(desk.delete_group(&ada, &group("readers")).await);
    made(desk.delete_user(&ada, &user("web")).await);
    assert!(matches!(desk.delete_user(&ada, &user("web")).await, Err(AdministrationError::NotFound(_))));
    assert!(world.words().await.contains(&"user:ada user.deleted web".to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_widens_her_own_rights_or_shuts_herself_out() {
    let world = World::new().await;
    let desk = &world.administration;
    let ada = ada();
    assert!(forbidden(desk.add_member(&ada, &group("signers"), &user("ada")).await));
    made(desk.add_member(&ada, &group("all"), &user("ada")).await);
    assert!(forbidden(desk.grant(&ada, &group("all"), right("sign-hash")).await), "she is in it");
    assert!(forbidden(desk.grant(&ada, &group("all"), right("sign:invoices")).await));
    made(desk.grant(&ada, &group("all"), right("users-view")).await);
    made(desk.grant(&ada, &group("signers"), right("sign")).await);
    assert!(forbidden(desk.delete_user(&ada, &user("ada")).await));
    let out = UserUpdate { state: Some(UserState::Disabled), ..UserUpdate::default() };
    assert!(forbidden(desk.change_user(&ada, &user("ada"), out.clone()).await));
    made(desk.change_user(&ada, &user("bob"), out).await);
    // The operator at the machine can do it.
    made(desk.add_member(&operator("root"), &group("signers"), &user("ada")).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_of_ones_own_waits_for_somebody_else() {
    let world = World::new().await;
    let desk = &world.administration;
    let erp = with("erp", &["register-certificate"]);
    let ada = with("ada", &["users", "users-view", "register-certificate"]);
    let identity = Pki::shared().issue(KeyKind::P256, "The ERP").unwrap();
    let (der, pem) = (identity.certificate_der(), identity.certificate_pem().unwrap());
    let (fingerprint, state, done) = desk.register_certificate(&erp, None, &pem).await.unwrap();
    assert_eq!((state, done, fingerprint.len()), (CertificateState::Pending, Done::Made, 64));
    assert!(matches!(desk.register_certificate(&erp, None, &der).await, Err(AdministrationError::Nothing(_))));
    assert!(matches!(desk.activate_certificate(&erp, &fingerprint).await, Err(AdministrationError::Denied(_))));
    made(desk.activate_certificate(&ada, &fingerprint.to_uppercase()).await);
    let own = desk.certificates(&erp, Some(&user("erp"))).await.unwrap();
    assert_eq!((own[0].state, own[0].subject.as_deref()), (CertificateState::Active, Some("The ERP")));
    assert!(own[0].not_after.is_some());

    let other = Pki::shared().issue(KeyKind::P256, "Ada").unwrap().certificate_der();
    let (hers, state, _) = desk.register_certificate(&ada, None, &other).await.unwrap();
    assert_eq!(state, CertificateState::Pending);
    assert!(forbidden(desk.activate_certificate(&ada, &hers).await));
    assert!(matches!(desk.revoke_certificate(&erp, &hers).await, Err(AdministrationError::Denied(_))));
    made(desk.revoke_certificate(&erp, &fingerprint).await);
    assert!(desk.activate_certificate(&ada, &fingerprint).await.is_err(), "revoked is for ever");

    let third = Pki::shared().issue(KeyKind::P256, "Bob").unwrap().certificate_der();
    let (_, state, done) = desk.register_certificate(&ada, Some(&user("bob")), &third).await.unwrap();
    assert_eq!((state, done), (CertificateState::Active, Done::Made));
    for bad in [&b"nonsense"[..], b"", b"-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----", &[0x30; 100_000]]
    {
        let refused = desk.register_certificate(&ada, Some(&user("bob")), bad).await;
        assert!(matches!(refused, Err(AdministrationError::Bad(_))), "{refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_two_persons_are_demanded_giving_waits_and_taking_does_not() {
    let world = World::new().await;
    let desk = &world.administration;
    let (ada, bob) = (ada(), bob());
    made(desk.add_member(&ada, &group("all"), &user("erp")).await);
    world.demand(Function::Users).await;
    assert_eq!(desk.four_eyes(&ada).await.unwrap(), [Function::Users]);
    let der = Pki::shared().issue(KeyKind::P256, "erp").unwrap().certificate_der();
    let password =
        || UserUpdate { password: Some(Some("another password".to_owned().into())), ..UserUpdate::default() };

    let id = waits(desk.create_user(&ada, new("web", &["all"])).await);
    assert!(world.store.user(&tenant(), &user("web")).await.unwrap().is_none());
    let waiting = desk.pending(&bob).await.unwrap();
    assert_eq!((waiting.len(), waiting[0].asked_by.as_str()), (1, "user:ada"));
    assert_eq!(waiting[0].about, "user.created web: without a password; group.member.added all: web");
    let both = with("ada", &["users", "approve"]);
    assert!(forbidden(desk.confirm(&both, &id).await), "who asked");
    assert!(forbidden(desk.confirm(&operator("ada"), &id).await), "who asked, at the machine");
    assert!(forbidden(desk.confirm(&with("web", &["approve"]), &id).await), "whom it is about");
    desk.confirm(&bob, &id).await.unwrap();
    assert_eq!(world.rights("web").await, [right("verify")]);
    assert!(matches!(desk.confirm(&bob, &id).await, Err(AdministrationError::NotFound(_))));

    for id in [
        waits(desk.change_user(&ada, &user("erp"), password()).await),
        waits(desk.grant(&ada, &group("signers"), right("sign")).await),
        waits(desk.add_member(&ada, &group("signers"), &user("erp")).await),
        waits(desk.create_group(&ada, &group("x"), Some("auditor")).await),
        waits(desk.register_certificate(&ada, Some(&user("erp")), &der).await.map(|(.., done)| done)),
        waits(desk.add_member(&operator("root"), &group("signers"), &user("bob")).await),
    ] {
        desk.confirm(&with("eve", &["approve"]), &id).await.unwrap();
    }
    assert!(world.store.user(&tenant(), &user("erp")).await.unwrap().unwrap().has_password);
    assert!(world.rights("bob").await.contains(&right("sign-hash")));
    // What was kept of the password is gone.
    let id = waits(desk.change_user(&ada, &user("erp"), password()).await);
    let kept = async || world.store.pending_change(&tenant(), &id).await.unwrap().unwrap().pending.change;
    assert!(kept().await.contains("argon2id"));
    assert!(!desk.pending(&bob).await.unwrap().iter().any(|row| row.about.contains("argon2id")));
    desk.refuse(&bob, &id).await.unwrap();
    assert_eq!(kept().await, "");

    let out = UserUpdate { state: Some(UserState::Disabled), ..UserUpdate::default() };
    made(desk.change_user(&ada, &user("erp"), out).await);
    made(desk.remove_member(&ada, &group("signers"), &user("bob")).await);
    made(desk.revoke(&ada, &group("signers"), right("sign")).await);
    made(desk.delete_group(&ada, &group("x")).await);
    made(desk.delete_user(&ada, &user("web")).await);
    // To demand one person less takes two.
    let id = waits(desk.set_four_eyes(&operator("root"), Function::Users, false).await);
    desk.confirm(&bob, &id).await.unwrap();
    assert!(desk.four_eyes(&ada).await.unwrap().is_empty());
    made(desk.create_user(&ada, new("alone", &[])).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_persons_for_one_function_are_two_for_every_way_to_it() {
    let world = World::new().await;
    let desk = &world.administration;
    let ada = ada();
    world.demand(Function::SignHash).await;
    made(desk.create_user(&ada, new("web", &["all"])).await);
    made(desk.grant(&ada, &group("all"), right("look")).await);
    waits(desk.add_member(&ada, &group("signers"), &user("erp")).await);
    waits(desk.grant(&ada, &group("all"), right("sign-hash:invoices")).await);
    waits(desk.create_user(&ada, new("other", &["signers"])).await);
    let password =
        || UserUpdate { password: Some(Some("another password".to_owned().into())), ..UserUpdate::default() };
    made(desk.change_user(&ada, &user("erp"), password()).await);
    // Whoever has the right is not taken over by a new password or certificate.
    let now = model::Clock::now(&SystemClock);
    let add = AccessChange::AddMember { user: user("erp"), group: group("signers") };
    assert!(world.store.change_access(&tenant(), &add, "cli:root", now).await.unwrap());
    waits(desk.change_user(&ada, &user("erp"), password()).await);
    let der = Pki::shared().issue(KeyKind::P256, "erp").unwrap().certificate_der();
    waits(desk.register_certificate(&ada, Some(&user("erp")), &der).await.map(|(.., done)| done));
    let own = with("erp", &["register-certificate"]);
    let (fingerprint, _, done) = desk.register_certificate(&own, None, &der).await.unwrap();
    assert_eq!(done, Done::Made);
    waits(desk.activate_certificate(&ada, &fingerprint).await);
    // Who asked may take it back.
    let id = waits(desk.add_member(&ada, &group("signers"), &user("web")).await);
    desk.refuse(&ada, &id).await.unwrap();
    assert!(matches!(desk.refuse(&ada, &id).await, Err(AdministrationError::NotFound(_))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_in_session_is_confirmed_by_its_user_or_by_who_may() {
    let world = World::new().await;
    let desk = &world.administration;
    let router = with("router", &["open-sessions"]);
    let open = async || {
        let opened = desk.open_session(&router, &user("erp"), "portal", "https://portal.example", "192.0.2.1").await;
        let (id, state) = opened.unwrap();
        assert_eq!(state, SessionState::Pending);
        id
    };
    let state = async |id: &str| desk.session_state(&router, id).await.unwrap();
    let id = open().await;
    assert_eq!(state(&id).await, SessionState::Pending);
    let password = with("erp", &[]);
    assert!(desk.decide_session(&password, &id, true).await.is_err(), "her own, with a password");
    let certificate = Caller { authentication: Authentication::Certificate, ..with("erp", &[]) };
    assert_eq!(desk.sessions_waiting(&certificate).await.unwrap().len(), 1);
    let other = Caller { authentication: Authentication::Certificate, ..with("web", &[]) };
    assert!(desk.decide_session(&other, &id, true).await.is_err());
    assert!(desk.sessions_waiting(&other).await.unwrap().is_empty());
    assert_eq!(desk.decide_session(&certificate, &id, true).await.unwrap(), SessionState::Authenticated);
    // Another portal is not told, and does not end it.
    let stranger = with("stranger", &["open-sessions"]);
    assert_eq!(desk.session_state(&stranger, &id).await.unwrap(), SessionState::Invalid);
    assert_eq!(desk.cancel_session(&stranger, &id).await.unwrap(), SessionState::Invalid);
    assert_eq!(desk.release_session(&stranger, &id).await.unwrap(), SessionState::Invalid);
    assert_eq!(state(&id).await, SessionState::Authenticated);
    assert_eq!(state(&id).await, SessionState::Fetched);
    assert!(desk.prolong_session(&router, &id).await.unwrap());
    let kept = world.store.session(&tenant(), &id).await.unwrap().unwrap().session;
    assert!(kept.expires_at.since(kept.opened_at) >= Duration::from_secs(3_600));
    assert_eq!(desk.release_session(&router, &id).await.unwrap(), SessionState::None);
    assert_eq!(state(&id).await, SessionState::Invalid);

    let id = open().await;
    let judge = with("judge", &["confirm-sessions"]);
    assert_eq!(desk.decide_session(&judge, &id, false).await.unwrap(), SessionState::Denied);
    assert_eq!(desk.decide_session(&judge, &id, true).await.unwrap(), SessionState::Denied);
    assert_eq!(state(&id).await, SessionState::Denied);
    let id = open().await;
    assert_eq!(desk.cancel_session(&router, &id).await.unwrap(), SessionState::Cancelled);
    assert_eq!(desk.decide_session(&judge, &id, true).await.unwrap(), SessionState::Cancelled);
    let id = open().await;
    let both = with("router", &["open-sessions", "confirm-sessions"]);
    assert!(forbidden(desk.decide_session(&both, &id, true).await));
    assert_eq!(desk.decide_session(&judge, "no such", true).await.unwrap(), SessionState::Invalid);
}
