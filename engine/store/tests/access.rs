//! Tenants, users, rights, guesses, pending changes and sessions, on both databases; and the wall between tenants.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

#[macro_use]
mod support;

use futures_util::future::join_all;
use model::{Function, GroupName, Right, TenantId, UserName};
use secrecy::{ExposeSecret, SecretString};
use std::time::Duration;
use store::access::{
    AccessChange, Attempt, CertificateState, Decision, GuessLimits, NewPending, NewSession, SessionState, Standing,
    TenantState, UserState,
};
use store::{Store, StoreError};
use support::{Place, at, tenant};

on_both!(
    tenants_are_made_once_and_can_be_disabled,
    a_user_has_the_rights_of_her_groups_and_of_no_others,
    what_is_deleted_takes_what_hangs_on_it_along,
    a_change_that_changes_nothing_is_not_audited,
    what_a_log_in_is_checked_against,
    certificates_wait_become_active_and_stay_revoked,
    a_certificate_tells_its_tenant_if_only_one_has_it,
    too_many_wrong_passwords_lock_for_longer_each_time,
    a_lock_is_not_prolonged_by_trying_on,
    those_who_are_known_at_an_address_are_not_locked_by_strangers,
    an_address_that_guesses_many_names_is_locked,
    guesses_at_two_servers_count_together,
    an_operator_unlocks,
    a_change_waits_for_a_second_person,
    of_many_who_confirm_one_does,
    a_pending_change_that_fails_stays_pending,
    several_changes_are_made_together_or_not_at_all,
    a_session_is_confirmed_once_and_in_time,
    text_with_sql_in_it_is_text,
    a_statement_without_its_tenant_sees_nothing,
);

fn user(name: &str) -> UserName {
    UserName::new(name).unwrap()
}

fn group(name: &str) -> GroupName {
    GroupName::new(name).unwrap()
}

fn right(function: Function, object: Option<&str>) -> Right {
    Right { function, object: object.map(Into::into) }
}

fn create(name: &str) -> AccessChange {
    AccessChange::CreateUser { user: user(name), title: String::new(), password: Some("hash-of-it".to_owned().into()) }
}

fn limits() -> GuessLimits {
    GuessLimits {
        per_pair: 3,
        per_user: 5,
        per_address: 8,
        lock: Duration::from_secs(60),
        lock_max: Duration::from_secs(200),
        forget: Duration::from_secs(86_400),
        known: Duration::from_secs(30 * 86_400),
    }
}

async fn change(store: &Store, change: AccessChange) -> bool {
    store.change_access(&tenant(), &change, "cli:ada", at(10)).await.unwrap()
}

/// A store with the tenant in it.
async fn ready(place: &Place) -> Store {
    let store = place.open("a").await;
    assert!(store.create_tenant(&tenant(), "Acme Ltd", "cli:ada", at(0)).await.unwrap());
    store
}

async fn log_of(store: &Store) -> Vec<(String, String, Option<String>)> {
    assert!(store.verify_audit(&tenant(), &[]).await.unwrap().is_intact());
    let rows = store.audit(&tenant(), None, 1_000).await.unwrap();
    rows.into_iter().map(|row| (row.what, row.object, row.detail)).collect()
}

async fn words_of(store: &Store) -> Vec<String> {
    log_of(store).await.into_iter().map(|(what, ..)| what).collect()
}

async fn tenants_are_made_once_and_can_be_disabled(place: &Place) {
    let store = ready(place).await;
    assert!(!store.create_tenant(&tenant(), "Another", "cli:ada", at(1)).await.unwrap());
    let other = TenantId::new("other").unwrap();
    assert!(store.tenant(&other).await.unwrap().is_none());
    assert!(!store.set_tenant_state(&other, TenantState::Disabled, "cli:ada", at(2)).await.unwrap());
    assert!(store.create_tenant(&other, "", "cli:ada", at(3)).await.unwrap());
    assert!(store.set_tenant_state(&other, TenantState::Disabled, "cli:ada", at(4)).await.unwrap());
    assert!(!store.set_tenant_state(&other, TenantState::Disabled, "cli:ada", at(5)).await.unwrap());
    let tenants = store.tenants().await.unwrap();
    let seen: Vec<_> = tenants.iter().map(|row| (row.tenant.as_str(), row.title.as_str(), row.state)).collect();
    assert_eq!(seen, [("acme", "Acme Ltd", TenantState::Active), ("other", "", TenantState::Disabled)]);
    assert_eq!(store.tenant(&tenant()).await.unwrap().unwrap(), tenants[0]);
    assert_eq!(words_of(&store).await, ["tenant.created"]);
    assert_eq!(store.audit(&other, None, 10).await.unwrap().len(), 2);
    // Nobody's tenant: a user of it cannot be.
    let nobody = TenantId::new("nobody").unwrap();
    let made = store.change_access(&nobody, &create("ada"), "cli:ada", at(6)).await;
    assert!(matches!(made, Err(StoreError::Invalid(_))), "{made:?}");
    assert!(store.audit(&nobody, None, 10).await.unwrap().is_empty());
}

async fn a_user_has_the_rights_of_her_groups_and_of_no_others(place: &Place) {
    let store = ready(place).await;
    let sign = right(Function::Sign, Some("invoices"));
    for name in ["erp", "web"] {
        assert!(change(&store, create(name)).await);
    }
    let rights = vec![sign.clone(), right(Function::Verify, None)];
    assert!(change(&store, AccessChange::CreateGroup { group: group("signers"), rights: rights.clone() }).await);
    assert!(change(&store, AccessChange::CreateGroup { group: group("all"), rights: vec![] }).await);
    assert!(change(&store, AccessChange::AddMember { user: user("erp"), group: group("signers") }).await);
    assert!(change(&store, AccessChange::AddMember { user: user("erp"), group: group("all") }).await);
    assert!(change(&store, AccessChange::AddMember { user: user("web"), group: group("all") }).await);
    assert_eq!(store.rights_of_user(&tenant(), &user("erp")).await.unwrap(), rights);
    assert!(store.rights_of_user(&tenant(), &user("web")).await.unwrap().is_empty());

    // A right that two groups have is one right.
    assert!(change(&store, AccessChange::Grant { group: group("all"), right: sign.clone() }).await);
    assert_eq!(store.rights_of_user(&tenant(), &user("erp")).await.unwrap(), rights);
    assert_eq!(store.rights_of_user(&tenant(), &user("web")).await.unwrap(), std::slice::from_ref(&sign));
    assert!(change(&store, AccessChange::Revoke { group: group("all"), right: sign.clone() }).await);
    assert!(store.rights_of_user(&tenant(), &user("web")).await.unwrap().is_empty());

    let other = TenantId::new("other").unwrap();
    store.create_tenant(&other, "", "cli:ada", at(1)).await.unwrap();
    store.change_access(&other, &create("erp"), "cli:ada", at(1)).await.unwrap();
    assert!(store.rights_of_user(&other, &user("erp")).await.unwrap().is_empty());
    assert!(store.groups(&other).await.unwrap().is_empty());

    let of_signers = store.members(&tenant(), None, Some(&group("signers")), 10).await.unwrap();
    assert_eq!(of_signers.iter().map(|row| row.user.as_str()).collect::<Vec<_>>(), ["erp"]);
    let of_erp = store.members(&tenant(), Some(&user("erp")), None, 10).await.unwrap();
    assert_eq!(of_erp.iter().map(|row| row.group.as_str()).collect::<Vec<_>>(), ["all", "signers"]);
    assert_eq!(store.members(&tenant(), None, None, 10).await.unwrap().len(), 3);
    assert_eq!(store.rights(&tenant(), None).await.unwrap().len(), 2);
    assert_eq!(store.users(&tenant(), 1, 10).await.unwrap()[0].name, user("web"));
    // A function that only a later version knows is no right here.
    place.tamper("UPDATE access_right SET function = 'fly' WHERE function = 'verify'").await;
    assert_eq!(store.rights_of_user(&tenant(), &user("erp")).await.unwrap(), std::slice::from_ref(&sign));
}

async fn what_is_deleted_takes_what_hangs_on_it_along(place: &Place) {
    let store = ready(place).await;
    assert!(change(&store, create("erp")).await);
    let rights = vec![right(Function::Verify, None)];
    for name in ["one", "two"] {
        assert!(change(&store, AccessChange::CreateGroup { group: group(name), rights: rights.clone() }).await);
        assert!(change(&store, AccessChange::AddMember { user: user("erp"), group: group(name) }).await);
    }
    assert!(change(&store, certificate("erp", "aa", CertificateState::Active)).await);
    assert!(change(&store, AccessChange::DeleteGroup { group: group("one") }).await);
    assert_eq!(store.rights_of_user(&tenant(), &user("erp")).await.unwrap(), rights);
    assert_eq!(store.rights(&tenant(), None).await.unwrap().len(), 1);
    assert!(change(&store, AccessChange::DeleteUser { user: user("erp") }).await);
    assert!(store.members(&tenant(), None, None, 10).await.unwrap().is_empty());
    assert!(store.certificates(&tenant(), None, 10).await.unwrap().is_empty());
    assert!(store.certificate_of_all("aa").await.unwrap().is_empty());
    // Whoever gets the name later gets nothing of it.
    assert!(change(&store, create("erp")).await);
    assert!(store.rights_of_user(&tenant(), &user("erp")).await.unwrap().is_empty());
}

async fn a_change_that_changes_nothing_is_not_audited(place: &Place) {
    let store = ready(place).await;
    assert!(change(&store, create("erp")).await);
    let (erp, nobody, g) = (user("erp"), user("nobody"), group("g"));
    for nothing in [
        create("erp"),
        AccessChange::SetUserState { user: erp.clone(), state: UserState::Active },
        AccessChange::SetUserState { user: nobody.clone(), state: UserState::Disabled },
        AccessChange::SetPassword { user: nobody.clone(), password: None },
        AccessChange::DeleteUser { user: nobody.clone() },
        AccessChange::Unlock { user: erp.clone() },
        AccessChange::AddMember { user: erp, group: g.clone() },
        AccessChange::Grant { group: g.clone(), right: right(Function::Sign, None) },
        AccessChange::DeleteGroup { group: g },
        certificate("nobody", "aa", CertificateState::Active),
        AccessChange::SetCertificateState { fingerprint: "aa".into(), state: CertificateState::Active },
        AccessChange::FourEyes { function: Function::Users, demanded: false },
    ] {
        assert!(!change(&store, nothing.clone()).await, "{nothing:?}");
    }
    assert_eq!(words_of(&store).await, ["tenant.created", "user.created"]);
    let empty = AccessChange::CreateGroup { group: group("g"), rights: vec![right(Function::Sign, Some(""))] };
    let refused = store.change_access(&tenant(), &empty, "cli:ada", at(1)).await;
    assert!(matches!(refused, Err(StoreError::Invalid(_))), "a right to \"\" would be one to everything");
    assert!(store.groups(&tenant()).await.unwrap().is_empty());
}

async fn what_a_log_in_is_checked_against(place: &Place) {
    let store = ready(place).await;
    let erp = user("erp");
    assert!(store.credentials(&TenantId::new("other").unwrap(), &erp).await.unwrap().is_none());
    assert!(store.credentials(&tenant(), &erp).await.unwrap().unwrap().user.is_none());
    assert!(change(&store, create("erp")).await);
    let known = store.credentials(&tenant(), &erp).await.unwrap().unwrap();
    assert!(!format!("{known:?}").contains("hash-of-it"));
    let (state, hash) = known.user.unwrap();
    assert_eq!((known.tenant, state), (TenantState::Active, UserState::Active));
    assert_eq!(hash.unwrap().expose_secret(), "hash-of-it");
    assert!(change(&store, AccessChange::SetPassword { user: erp.clone(), password: None }).await);
    assert!(change(&store, AccessChange::SetUserState { user: erp.clone(), state: UserState::Disabled }).await);
    store.set_tenant_state(&tenant(), TenantState::Disabled, "cli:ada", at(1)).await.unwrap();
    let known = store.credentials(&tenant(), &erp).await.unwrap().unwrap();
    let (state, hash) = known.user.unwrap();
    assert_eq!((known.tenant, state, hash.is_none()), (TenantState::Disabled, UserState::Disabled, true));
    let row = store.user(&tenant(), &erp).await.unwrap().unwrap();
    assert_eq!((row.state, row.has_password, row.changed_at), (UserState::Disabled, false, at(10)));
    let log = log_of(&store).await;
    assert!(log.iter().all(|entry| !format!("{entry:?}").contains("hash-of-it")), "{log:?}");
}

fn certificate(name: &str, fingerprint: &str, state: CertificateState) -> AccessChange {
    AccessChange::AddCertificate { user: user(name), fingerprint: fingerprint.into(), der: "MAo=".into(), state }
}

async fn certificates_wait_become_active_and_stay_revoked(place: &Place) {
    let store = ready(place).await;
    for name in ["erp", "web"] {
        assert!(change(&store, create(name)).await);
    }
    assert!(change(&store, certificate("erp", "aa", CertificateState::Pending)).await);
    assert!(!change(&store, certificate("web", "aa", CertificateState::Active)).await, "it has another owner");
    let set = |state| AccessChange::SetCertificateState { fingerprint: "aa".into(), state };
    let state = async || store.certificate(&tenant(), "aa").await.unwrap().unwrap().state;
    assert_eq!(state().await, CertificateState::Pending);
    assert!(store.certificate_of_all("aa").await.unwrap().is_empty());
    assert!(change(&store, set(CertificateState::Active)).await);
    assert!(!change(&store, set(CertificateState::Active)).await);
    assert_eq!(store.certificate_of_all("aa").await.unwrap()[0].user, user("erp"));
    assert!(change(&store, set(CertificateState::Revoked)).await);
    assert!(!change(&store, set(CertificateState::Active)).await);
    assert_eq!(state().await, CertificateState::Revoked);
    // Revoked ones do not count; of the others there is a number.
    for number in 0..model::limits::ACCESS_CERTIFICATES_PER_USER_MAX {
        assert!(change(&store, certificate("erp", &format!("{number:04x}"), CertificateState::Pending)).await);
    }
    assert!(!change(&store, certificate("erp", "ffff", CertificateState::Pending)).await, "too many");
    assert_eq!(store.certificates(&tenant(), Some(&user("erp")), 100).await.unwrap().len(), 17);
    assert!(store.certificates(&tenant(), Some(&user("web")), 100).await.unwrap().is_empty());
}

async fn a_certificate_tells_its_tenant_if_only_one_has_it(place: &Place) {
    let store = ready(place).await;
    let other = TenantId::new("other").unwrap();
    store.create_tenant(&other, "", "cli:ada", at(1)).await.unwrap();
    for tenant in [&tenant(), &other] {
        store.change_access(tenant, &create("erp"), "cli:ada", at(1)).await.unwrap();
    }
    assert!(change(&store, certificate("erp", "aa", CertificateState::Active)).await);
    let found = store.certificate_of_all("aa").await.unwrap();
    assert_eq!(found.iter().map(|row| row.tenant.as_str()).collect::<Vec<_>>(), ["acme"]);
    let same = certificate("erp", "aa", CertificateState::Active);
    assert!(store.change_access(&other, &same, "cli:ada", at(1)).await.unwrap());
    assert_eq!(store.certificate_of_all("aa").await.unwrap().len(), 2);
    assert!(store.certificate_of_all("bb").await.unwrap().is_empty());
}

async fn fail(store: &Store, name: &str, address: &str, second: i64) {
    let attempt = Attempt { user: &user(name), address, at: at(second) };
    store.attempt_failed(&tenant(), attempt, &limits(), "wrong password").await.unwrap();
}

async fn accept(store: &Store, name: &str, address: &str, second: i64) -> bool {
    let attempt = Attempt { user: &user(name), address, at: at(second) };
    store.attempt_accepted(&tenant(), attempt, &limits(), "password").await.unwrap()
}

/// For how many more seconds the name is locked at the address.
async fn locked(store: &Store, name: &str, address: &str, second: i64) -> Option<u64> {
    let standing: Standing = store.standing(&tenant(), &user(name), address).await.unwrap();
    standing.locked_until(&limits(), at(second)).map(|until| until.since(at(second)).as_secs())
}

async fn too_many_wrong_passwords_lock_for_longer_each_time(place: &Place) {
    let store = ready(place).await;
    let mut second = 100;
    for expected in [60, 120, 200, 200] {
        for _ in 0..2 {
            fail(&store, "erp", "192.0.2.1", second).await;
            assert_eq!(locked(&store, "erp", "192.0.2.1", second).await, None);
        }
        fail(&store, "erp", "192.0.2.1", second).await;
        assert_eq!(locked(&store, "erp", "192.0.2.1", second).await, Some(expected));
        assert!(!accept(&store, "erp", "192.0.2.1", second + 1).await, "locked, and let in");
        second += 201;
        assert_eq!(locked(&store, "erp", "192.0.2.1", second).await, None);
        // Neither the limit for the name nor that for the address is what locks here.
        place.tamper("UPDATE access_attempt SET failures = 0 WHERE address = '' OR user_name = ''").await;
    }
    // A right password begins anew, and so does a day without a wrong one.
    assert!(accept(&store, "erp", "192.0.2.1", second).await);
    for _ in 0..3 {
        fail(&store, "erp", "192.0.2.1", second).await;
    }
    assert_eq!(locked(&store, "erp", "192.0.2.1", second).await, Some(60));
    second += 86_401;
    for _ in 0..2 {
        fail(&store, "erp", "192.0.2.1", second).await;
    }
    assert_eq!(locked(&store, "erp", "192.0.2.1", second).await, None);
    fail(&store, "erp", "192.0.2.1", second).await;
    assert_eq!(locked(&store, "erp", "192.0.2.1", second).await, Some(60));
    assert!(words_of(&store).await.contains(&"access.locked".to_owned()));
}

async fn a_lock_is_not_prolonged_by_trying_on(place: &Place) {
    let store = ready(place).await;
    for second in 0..50 {
        fail(&store, "erp", "192.0.2.1", 100 + second).await;
    }
    // The third locked for a minute from then on; the forty-seven after it changed nothing.
    assert_eq!(locked(&store, "erp", "192.0.2.1", 150).await, Some(12));
    assert_eq!(locked(&store, "erp", "192.0.2.1", 162).await, None);
}

async fn those_who_are_known_at_an_address_are_not_locked_by_strangers(place: &Place) {
    let store = ready(place).await;
    assert!(accept(&store, "erp", "192.0.2.7", 1).await);
    for (number, second) in (0..20).zip(100..) {
        fail(&store, "erp", &format!("198.51.100.{number}"), second).await;
    }
    assert!(locked(&store, "erp", "203.0.113.1", 120).await.is_some(), "an address that is not known");
    assert_eq!(locked(&store, "erp", "192.0.2.7", 120).await, None);
    assert_eq!(locked(&store, "web", "203.0.113.1", 120).await, None, "another name");
    // Whoever is known there guesses no more often for it.
    for _ in 0..3 {
        fail(&store, "erp", "192.0.2.7", 121).await;
    }
    assert_eq!(locked(&store, "erp", "192.0.2.7", 121).await, Some(60));
    assert_eq!(store.standing(&tenant(), &user("erp"), "192.0.2.7").await.unwrap().accepted_at, Some(at(1)));
    // A month later it is an address like others.
    let month = 31 * 86_400;
    for number in 0..5 {
        fail(&store, "erp", &format!("198.51.100.{number}"), month).await;
    }
    assert_eq!(locked(&store, "erp", "192.0.2.7", month).await, Some(60));
}

async fn an_address_that_guesses_many_names_is_locked(place: &Place) {
    let store = ready(place).await;
    assert!(accept(&store, "web", "192.0.2.1", 1).await);
    for number in 0..8 {
        assert_eq!(locked(&store, "erp", "192.0.2.1", 100).await, None);
        fail(&store, &format!("name-{number}"), "192.0.2.1", 100).await;
    }
    assert_eq!(locked(&store, "erp", "192.0.2.1", 100).await, Some(60));
    assert_eq!(locked(&store, "erp", "192.0.2.2", 100).await, None);
    assert_eq!(locked(&store, "web", "192.0.2.1", 100).await, None, "she is known there");
}

async fn guesses_at_two_servers_count_together(place: &Place) {
    let first = ready(place).await;
    let second = place.open("b").await;
    let erp = user("erp");
    let attempts = (0..30).map(|number| {
        let (store, erp) = (if number % 2 == 0 { first.clone() } else { second.clone() }, erp.clone());
        tokio::spawn(async move {
            let attempt = Attempt { user: &erp, address: "192.0.2.1", at: at(100) };
            store.attempt_failed(&tenant(), attempt, &limits(), "wrong password").await.unwrap();
        })
    });
    join_all(attempts).await.into_iter().for_each(|attempt| attempt.unwrap());
    for store in [&first, &second] {
        assert_eq!(locked(store, "erp", "192.0.2.1", 100).await, Some(60), "locked once, not longer");
    }
    assert!(!accept(&second, "erp", "192.0.2.1", 101).await);
    drop((first, second));
    let again = place.open("a").await;
    assert_eq!(locked(&again, "erp", "192.0.2.1", 110).await, Some(50), "a restart forgets nothing");
    let words = words_of(&again).await;
    assert_eq!(words.iter().filter(|word| *word == "access.locked").count(), 1, "{words:?}");
    assert_eq!(words.iter().filter(|word| *word == "access.refused").count(), 30);
}

async fn an_operator_unlocks(place: &Place) {
    let store = ready(place).await;
    assert!(change(&store, create("erp")).await);
    assert!(accept(&store, "erp", "192.0.2.1", 1).await);
    for number in 0..9 {
        fail(&store, "erp", &format!("198.51.100.{}", number % 3), 100).await;
    }
    assert!(locked(&store, "erp", "203.0.113.1", 100).await.is_some());
    assert!(store.user(&tenant(), &user("erp")).await.unwrap().unwrap().locked_until > at(100));
    assert!(change(&store, AccessChange::Unlock { user: user("erp") }).await);
    for address in ["203.0.113.1", "198.51.100.0", "192.0.2.1"] {
        assert_eq!(locked(&store, "erp", address, 100).await, None, "{address}");
    }
    assert_eq!(store.standing(&tenant(), &user("erp"), "192.0.2.1").await.unwrap().accepted_at, Some(at(1)));
    assert_eq!(words_of(&store).await.last().map(String::as_str), Some("access.locked"), "by its time");
    assert!(words_of(&store).await.contains(&"user.unlocked".to_owned()));
}

fn pending(id: &str, by: &str) -> NewPending {
    NewPending {
        id: id.into(),
        change: "delete-user\nerp".into(),
        about: "user.deleted erp".into(),
        asked_by: by.into(),
        asked_at: at(20),
        expires_at: at(100),
    }
}

async fn a_change_waits_for_a_second_person(place: &Place) {
    let store = ready(place).await;
    assert!(change(&store, AccessChange::FourEyes { function: Function::Users, demanded: true }).await);
    assert_eq!(store.four_eyes(&tenant()).await.unwrap(), [Function::Users]);
    assert!(change(&store, create("erp")).await);
    let delete = AccessChange::DeleteUser { user: user("erp") };
    for id in ["p1", "p2", "p3"] {
        assert!(store.ask_for(&tenant(), &pending(id, "user:ada")).await.unwrap());
    }
    assert!(!store.ask_for(&tenant(), &pending("p1", "user:bob")).await.unwrap(), "the id is taken");
    let waiting = store.pending(&tenant(), at(30)).await.unwrap();
    assert_eq!((waiting.len(), waiting[0].pending.change.as_str()), (3, "delete-user\nerp"));

    assert!(!store.confirm(&tenant(), "p1", &delete, "user:ada", at(30)).await.unwrap(), "by who asked for it");
    assert!(!store.confirm(&tenant(), "p1", &delete, "user:bob", at(100)).await.unwrap(), "too late");
    assert!(!store.confirm(&tenant(), "px", &delete, "user:bob", at(30)).await.unwrap(), "not there");
    assert!(store.user(&tenant(), &user("erp")).await.unwrap().is_some());
    assert!(store.refuse(&tenant(), "p2", "user:bob", at(30)).await.unwrap());
    assert!(!store.confirm(&tenant(), "p2", &delete, "user:bob", at(30)).await.unwrap(), "refused before");
    assert!(store.confirm(&tenant(), "p1", &delete, "user:bob", at(30)).await.unwrap());
    assert!(store.user(&tenant(), &user("erp")).await.unwrap().is_none());
    let row = store.pending_change(&tenant(), "p1").await.unwrap().unwrap();
    assert_eq!((row.decision, row.decided_by.as_deref()), (Decision::Confirmed, Some("user:bob")));
    assert_eq!(store.pending(&tenant(), at(30)).await.unwrap().len(), 1);
    assert!(store.pending(&tenant(), at(100)).await.unwrap().is_empty(), "expired");
    let words = words_of(&store).await;
    assert_eq!(words.iter().filter(|word| *word == "user.deleted").count(), 1, "{words:?}");
    assert_eq!(words.iter().filter(|word| *word == "change.confirmed").count(), 1, "{words:?}");
}

async fn of_many_who_confirm_one_does(place: &Place) {
    let stores = [ready(place).await, place.open("b").await];
    assert!(change(&stores[0], create("erp")).await);
    assert!(stores[0].ask_for(&tenant(), &pending("p1", "user:ada")).await.unwrap());
    let confirmers = (0..20).map(|number: usize| {
        let store = stores[number % 2].clone();
        tokio::spawn(async move {
            let delete = AccessChange::DeleteUser { user: user("erp") };
            store.confirm(&tenant(), "p1", &delete, &format!("user:{number}"), at(30)).await.unwrap()
        })
    });
    let confirmed = join_all(confirmers).await.into_iter().filter(|done| *done.as_ref().unwrap()).count();
    assert_eq!(confirmed, 1);
    assert_eq!(words_of(&stores[0]).await.iter().filter(|word| *word == "user.deleted").count(), 1);
}

async fn a_pending_change_that_fails_stays_pending(place: &Place) {
    let store = ready(place).await;
    assert!(store.ask_for(&tenant(), &pending("p1", "user:ada")).await.unwrap());
    let delete = AccessChange::DeleteUser { user: user("erp") };
    assert!(!store.confirm(&tenant(), "p1", &delete, "user:bob", at(30)).await.unwrap(), "there is no such user");
    assert_eq!(store.pending_change(&tenant(), "p1").await.unwrap().unwrap().decision, Decision::Waiting);
    assert_eq!(words_of(&store).await, ["tenant.created", "change.asked"]);
}

async fn several_changes_are_made_together_or_not_at_all(place: &Place) {
    let store = ready(place).await;
    assert!(change(&store, AccessChange::CreateGroup { group: group("g"), rights: vec![] }).await);
    let join = |name: &str| AccessChange::AddMember { user: user("erp"), group: group(name) };
    assert!(!change(&store, AccessChange::Several(vec![create("erp"), join("g"), join("not there")])).await);
    assert!(store.user(&tenant(), &user("erp")).await.unwrap().is_none());
    let title = AccessChange::SetTitle { user: user("erp"), title: "The ERP".into() };
    let all = AccessChange::Several(vec![create("erp"), title, join("g")]);
    assert_eq!(
        all.summary(),
        "user.created erp: with a password; user.renamed erp: The ERP; group.member.added g: erp"
    );
    assert!(change(&store, all).await);
    let row = store.user(&tenant(), &user("erp")).await.unwrap().unwrap();
    assert_eq!((row.title.as_str(), store.count_users(&tenant()).await.unwrap()), ("The ERP", 1));
    assert_eq!(store.members(&tenant(), None, None, 9).await.unwrap().len(), 1);
    let words = ["tenant.created", "group.created", "user.created", "user.renamed", "group.member.added"];
    assert_eq!(words_of(&store).await, words);
    let nested = AccessChange::Several(vec![AccessChange::Several(vec![create("x")])]);
    assert!(store.change_access(&tenant(), &nested, "cli:ada", at(1)).await.is_err());
}

async fn a_session_is_confirmed_once_and_in_time(place: &Place) {
    let store = ready(place).await;
    let new = |id: &str| NewSession {
        id: id.into(),
        user: user("ilse"),
        service_name: "portal".into(),
        service_address: "https://portal.example".into(),
        browser_address: "192.0.2.1".into(),
        opened_by: user("router"),
        opened_at: at(10),
        expires_at: at(100),
    };
    for id in ["s1", "s2", "s3"] {
        assert!(store.open_session(&tenant(), &new(id)).await.unwrap());
    }
    assert!(!store.open_session(&tenant(), &new("s1")).await.unwrap(), "the id is taken");
    let row = store.session(&tenant(), "s1").await.unwrap().unwrap();
    assert_eq!((row.session.clone(), row.state), (new("s1"), SessionState::Pending));
    assert_eq!(row.state_at(at(100)), SessionState::Expired);
    assert_eq!(store.sessions_waiting(&tenant(), Some(&user("ilse")), at(20)).await.unwrap().len(), 3);
    assert!(store.sessions_waiting(&tenant(), Some(&user("bob")), at(20)).await.unwrap().is_empty());

    assert!(!store.decide_session(&tenant(), "s1", true, "user:ada", at(100)).await.unwrap(), "too late");
    assert!(store.decide_session(&tenant(), "s1", true, "user:ada", at(20)).await.unwrap());
    assert!(!store.decide_session(&tenant(), "s1", false, "user:bob", at(20)).await.unwrap(), "decided before");
    assert!(store.decide_session(&tenant(), "s2", false, "user:ada", at(20)).await.unwrap());
    let state = async |id: &str| store.session(&tenant(), id).await.unwrap().unwrap().state_at(at(30));
    assert_eq!((state("s1").await, state("s2").await), (SessionState::Authenticated, SessionState::Denied));
    assert!(store.session(&TenantId::new("other").unwrap(), "s1").await.unwrap().is_none());

    let fetch = (SessionState::Authenticated, SessionState::Fetched);
    assert!(store.move_session(&tenant(), "s1", fetch, "user:router", at(30)).await.unwrap());
    assert!(!store.move_session(&tenant(), "s1", fetch, "user:router", at(30)).await.unwrap());
    let cancel = (SessionState::Pending, SessionState::Cancelled);
    assert!(!store.move_session(&tenant(), "s1", cancel, "user:router", at(30)).await.unwrap());
    assert!(store.move_session(&tenant(), "s3", cancel, "user:router", at(30)).await.unwrap());
    assert!(store.prolong_session(&tenant(), "s1", at(500), at(30)).await.unwrap());
    assert!(!store.prolong_session(&tenant(), "s3", at(500), at(30)).await.unwrap());
    assert_eq!(store.session(&tenant(), "s1").await.unwrap().unwrap().state_at(at(200)), SessionState::Fetched);
    assert!(store.forget_session(&tenant(), "s3", "user:router", at(30)).await.unwrap());
    assert!(!store.forget_session(&tenant(), "s3", "user:router", at(30)).await.unwrap());
    // Two days later the old ones are forgotten.
    let late = NewSession { opened_at: at(2 * 86_400), expires_at: at(2 * 86_400 + 60), ..new("s9") };
    assert!(store.open_session(&tenant(), &late).await.unwrap());
    assert!(store.session(&tenant(), "s2").await.unwrap().is_none());
    assert!(store.verify_audit(&tenant(), &[]).await.unwrap().is_intact());
}

async fn text_with_sql_in_it_is_text(place: &Place) {
    let store = ready(place).await;
    let odd = "x'); DROP TABLE access_user; --\"\\ $1 %s";
    assert!(change(&store, create(odd)).await);
    let rights = vec![right(Function::Sign, Some(odd))];
    assert!(change(&store, AccessChange::CreateGroup { group: group(odd), rights: rights.clone() }).await);
    assert!(change(&store, AccessChange::AddMember { user: user(odd), group: group(odd) }).await);
    assert_eq!(store.rights_of_user(&tenant(), &user(odd)).await.unwrap(), rights);
    assert_eq!(store.users(&tenant(), 0, 10).await.unwrap()[0].name, user(odd));
    assert!(store.certificate_of_all(odd).await.unwrap().is_empty());
    fail(&store, odd, odd, 5).await;
    let secret: SecretString = odd.to_owned().into();
    assert!(change(&store, AccessChange::SetPassword { user: user(odd), password: Some(secret) }).await);
    let known = store.credentials(&tenant(), &user(odd)).await.unwrap().unwrap();
    assert_eq!(known.user.unwrap().1.unwrap().expose_secret(), odd);
}

/// The second wall: the database itself, asked by the server's own role in ways that no statement of ours asks.
async fn a_statement_without_its_tenant_sees_nothing(place: &Place) {
    let store = ready(place).await;
    let Place::Postgres { url, superuser } = place else { return };
    let other = TenantId::new("other").unwrap();
    store.create_tenant(&other, "", "cli:ada", at(1)).await.unwrap();
    store.open_job(&tenant(), &support::job(1), &support::documents(2)).await.unwrap();
    assert!(change(&store, create("erp")).await);
    assert!(change(&store, certificate("erp", "aa", CertificateState::Active)).await);

    let (mut client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    let tables = "SELECT table_name FROM information_schema.columns WHERE column_name = 'tenant' \
                  AND table_schema = 'public' ORDER BY 1";
    let tables: Vec<String> = client.query(tables, &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
    assert!(tables.len() >= 16, "{tables:?}");
    for (told, table) in [None, Some(""), Some("other"), Some("*"), Some("acme")]
        .iter()
        .flat_map(|told| tables.iter().map(move |table| (*told, table)))
    {
        let transaction = client.transaction().await.unwrap();
        if let Some(told) = told {
            transaction.execute("SELECT set_config('sealmill.tenant', $1, true)", &[&told]).await.unwrap();
        }
        let seen = transaction.query(&format!("SELECT tenant FROM {table}"), &[]).await.unwrap();
        let seen: Vec<&str> = seen.iter().map(|row| row.get(0)).collect();
        let opened = ["tenant", "access_certificate"].contains(&table.as_str());
        match told {
            Some("*") if opened => assert!(seen.contains(&"acme"), "{table}"),
            None | Some("" | "*") => assert!(seen.is_empty(), "{table} shows {seen:?} to {told:?}"),
            Some(told) => assert!(seen.iter().all(|tenant| tenant == &told), "{table} shows {seen:?} to {told}"),
        }
        // Nor does it change what it does not show, not even where all tenants are looked over.
        if told != Some("acme") {
            let update = format!("UPDATE {table} SET tenant = tenant WHERE tenant = 'acme'");
            assert_eq!(transaction.execute(&update, &[]).await.unwrap(), 0, "{table} is changed by {told:?}");
            let removed = transaction.execute(&format!("DELETE FROM {table} WHERE tenant = 'acme'"), &[]).await;
            assert_eq!(removed.unwrap(), 0, "{table} loses rows to {told:?}");
        }
        transaction.rollback().await.unwrap();
    }
    // Nothing can be put under another tenant's name.
    let transaction = client.transaction().await.unwrap();
    transaction.execute("SELECT set_config('sealmill.tenant', 'other', true)", &[]).await.unwrap();
    let forged = "INSERT INTO access_group (tenant, name, created_at) VALUES ('acme', 'forged', 0)";
    let refused = transaction.execute(forged, &[]).await.unwrap_err();
    assert!(refused.as_db_error().unwrap().message().contains("row-level security"), "{refused}");
    drop(transaction);
    drop(client);
    connection.await.unwrap().unwrap();

    // After its transactions a connection of the store tells no tenant any more: that was for one transaction only.
    let (client, connection) = tokio_postgres::connect(superuser, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    let forced = "SELECT count(*) FROM pg_class WHERE relrowsecurity AND relforcerowsecurity";
    let forced: i64 = client.query_one(forced, &[]).await.unwrap().get(0);
    assert_eq!(usize::try_from(forced).unwrap(), tables.len());
    // A store that is opened later, and one whose wall was torn down, finds or builds it.
    place.tamper("ALTER TABLE job DISABLE ROW LEVEL SECURITY").await;
    drop(place.open("c").await);
    let open = "SELECT count(*) FROM pg_class WHERE relname = 'job' AND relrowsecurity AND relforcerowsecurity";
    assert_eq!(client.query_one(open, &[]).await.unwrap().get::<_, i64>(0), 1);
    assert_eq!(store.job(&tenant(), support::job(1).id).await.unwrap().unwrap().counts.open, 2);
    assert!(store.job(&other, support::job(1).id).await.unwrap().is_none());
}
