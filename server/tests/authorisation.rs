//! The authorisation matrix: every operation of the table, asked for by every role, by nobody in particular, by somebody who may
//! do everything, and by somebody who may do everything in another tenant. Nothing is allowed that no right grants.
#![allow(clippy::unwrap_used, clippy::print_stderr, clippy::disallowed_methods)]

mod edge;
mod support;

use base64_simd::STANDARD;
use edge::{Answer, basic, post, user};
use model::access::Authentication;
use model::{Caller, Function, Right, TenantId, UserName};
use soap::content::Spool;
use soap::read::{Call, Head, Version, read_all};
use soap::sample::{Extent, request};
use soap::table::{About, OPERATIONS, Operation, Service};
use std::collections::BTreeSet;
use support::{Home, Server};
use testkit::pki::KeyKind;

fn sample(operation: &Operation) -> String {
    request(operation, Version::Soap11, Extent::Usual)
}

fn ask(server: &Server, operation: &Operation, who: &str, tenant: &str) -> Answer {
    let path = if operation.service == Service::SecSigner { "/secsigner" } else { "/" };
    let (user, organisation) = (basic(who), format!("X-AuthorizeOrg: {}", STANDARD.encode_to_string(tenant)));
    post(&format!("{}{path}", server.api("http")), &sample(operation), &["--user", &user, "--header", &organisation])
}

fn is_denied(answer: &Answer) -> bool {
    answer.body.contains(">no-permission<")
}

/// Whether the functions permit the operation, read from the table and not by the code that decides.
fn permitted(operation: &Operation, functions: &BTreeSet<Function>) -> bool {
    let asked_for = |about: About| match about {
        About::Field(field) => sample(operation).contains(&format!("{field}>")),
        About::Whole | About::Some => true,
    };
    operation.needs.iter().filter(|need| asked_for(need.about)).all(|need| functions.contains(&need.function))
}

fn home() -> Home {
    let mut home = Home::new();
    home.add("[api]\nplain = [\"127.0.0.1:0\"]").software("geheimsiegel", KeyKind::P256, 1);
    home.pool("geheimpool", &["geheimsiegel"]).profile("documents", "geheimpool", "format = \"cades\"");
    home.add("[component]\nprofile = \"documents\"");
    home
}

#[test]
fn every_role_may_do_what_its_rights_grant_and_nothing_else() {
    let home = home();
    let mut people: Vec<(String, BTreeSet<Function>)> = server::roles::all()
        .unwrap()
        .into_iter()
        .map(|role| (role.name, role.rights.iter().map(|right| right.function).collect()))
        .collect();
    people.push(("nobody".to_owned(), BTreeSet::new()));
    people.push(("everything".to_owned(), Function::ALL.into()));
    for (name, functions) in &people {
        user(&home, "main", &format!("main-{name}"), &functions.iter().copied().collect::<Vec<_>>());
    }
    user(&home, "other", "stranger", &Function::ALL);
    let server = home.start_ready();
    let (mut allowed, mut denied) = (0, 0);
    let mut missing = BTreeSet::new();
    for operation in OPERATIONS {
        for (name, functions) in &people {
            let answer = ask(&server, operation, &format!("main-{name}"), "main");
            assert_ne!(answer.status, 0, "{} {name}: {answer:?}", operation.name);
            assert_ne!(answer.status, 401, "{} {name}: {answer:?}", operation.name);
            let expected = permitted(operation, functions);
            assert_eq!(!is_denied(&answer), expected, "{} by {name}: {answer:?}", operation.name);
            if expected {
                allowed += 1;
            } else {
                denied += 1;
                let unmet = operation.needs.iter().find(|need| !functions.contains(&need.function));
                missing.extend(unmet.map(|need| (name.clone(), need.function)));
                assert!(answer.body.contains("<Status>-25</Status>"), "{answer:?}");
            }
        }
        // Whoever is of another tenant finds nothing of this one, and no hint that it is there.
        let stranger = ask(&server, operation, "stranger", "other");
        for secret in ["geheim", "main-", "soft:"] {
            assert!(!stranger.body.contains(secret), "{}: {stranger:?}", operation.name);
        }
        if operation.needs.iter().any(|need| need.about == About::Field("profile")) {
            assert!(stranger.body.contains("<Status>-1004</Status>"), "{}: {stranger:?}", operation.name);
        }
    }
    assert!(allowed > 80 && denied > 200, "{allowed} allowed, {denied} denied");
    // The same refusal is written once a minute.
    assert!(home.audit_is_unbroken() as usize > missing.len(), "every refusal is on record");
}

/// Without a network, over all subsets of one: the decision and the table agree for each function by itself, and for each by
/// its absence.
#[test]
fn each_right_opens_what_needs_it_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::open(folder.path(), 1 << 20, 1 << 20, 1 << 20).unwrap();
    let call = |operation: &'static Operation| -> Call {
        let head =
            Head { content_type: Some("text/xml; charset=utf-8"), soap_action: None, service: Some(operation.service) };
        read_all(&head, &spool, &mut sample(operation).as_bytes()).unwrap()
    };
    let caller = |functions: &BTreeSet<Function>, object: Option<&str>| Caller {
        tenant: TenantId::new("main").unwrap(),
        user: UserName::new("erp").unwrap(),
        authentication: Authentication::Password,
        rights: functions
            .iter()
            .map(|function| Right { function: *function, object: object.map(Into::into) })
            .collect(),
    };
    for operation in OPERATIONS.iter().filter(|operation| !operation.own) {
        let call = call(operation);
        for function in Function::ALL {
            let alone = BTreeSet::from([function]);
            let all_but: BTreeSet<_> = Function::ALL.into_iter().filter(|other| *other != function).collect();
            for functions in [alone, all_but] {
                let may = call.permitted(&caller(&functions, None)).is_ok();
                assert_eq!(may, permitted(operation, &functions), "{} with {functions:?}", operation.name);
            }
        }
        // Rights to other objects are rights to nothing here.
        let names_objects = operation.needs.iter().any(|need| need.about == About::Field("profile"));
        let elsewhere = caller(&Function::ALL.into(), Some("another"));
        if names_objects || operation.needs.iter().any(|need| need.about == About::Whole) {
            assert!(call.permitted(&elsewhere).is_err(), "{}", operation.name);
        }
    }
}
