//! Table and structures say the same: what the table allows at most is decoded, encoded again, and is the same and valid.
#![allow(clippy::unwrap_used)]

use model::access::{Authentication, Caller, Right};
use model::{Function, TenantId, UserName};
use soap::content::{Content, Spool};
use soap::dialect::secsigner::{SignReq, SignRes, VerifyReq, VerifyRes};
use soap::message::{Field, Kind, Message};
use soap::read::{Call, Contents, Head, Version, json, read_all};
use soap::sample::{self, Extent};
use soap::table::{About, OPERATIONS, Operation, Service, operation};
use soap::types::*;
use soap::write::{self, Reply};
use soap::xsd;
use std::process::Command;

/// Every field, lists twice; contents are numbered from 0.
fn elements(fields: &[Field], contents: &mut Contents, for_answer: bool) -> String {
    let mut text = String::new();
    for field in fields {
        for _ in 0..field.max.min(2) {
            let value = match field.kind {
                Kind::Text(_) | Kind::Secret(_) => "a &lt;&amp;&gt; \u{e4}".to_owned(),
                Kind::Word(words) => words[0].to_owned(),
                Kind::Int(_, max) => max.to_string(),
                Kind::Flag => "true".to_owned(),
                Kind::Time => "2026-11-27T12:00:00.250000Z".to_owned(),
                Kind::Binary if for_answer => "SGVsbG8=".to_owned(),
                Kind::Binary => contents.add(Content::of_bytes(&b"Hello"[..])).0.to_string(),
                Kind::Record(record) => elements(record.fields, contents, for_answer),
            };
            text.push_str(&format!("<{}>{value}</{0}>", field.name));
        }
    }
    text
}

struct Check<'c> {
    folder: &'c tempfile::TempDir,
    spool: &'c Spool,
    answers: Vec<(Service, String)>,
}

impl Check<'_> {
    fn call(&self, operation: &Operation, extent: Extent) -> Call {
        let text = sample::request(operation, Version::Soap11, extent);
        let head = Head { content_type: Some("text/xml"), ..Head::default() };
        read_all(&head, self.spool, &mut text.as_bytes()).unwrap()
    }

    fn operation<Q: Message, A: Message>(&mut self, service: Service, name: &str) {
        let operation = operation(service, name).unwrap();
        assert_eq!((operation.request.name, operation.response.name), (Q::RECORD.name, A::RECORD.name), "{name}");
        for extent in [Extent::Usual, Extent::Everything] {
            let call = self.call(operation, extent);
            let request: Q = call.request().unwrap();
            let config = yaserde::ser::Config { write_document_declaration: false, ..Default::default() };
            let again = yaserde::ser::to_string_with_config(&request, &config).unwrap();
            // Bytes are a mark in what is written and a number in what is read.
            let again = again.replace("<?content ", "").replace("?>", "");
            let read: Q = yaserde::de::from_str(&again).unwrap();
            assert_eq!(read, request, "{name}");
            let json = serde_json::to_value(&request).unwrap();
            let names: Vec<&str> = operation.request.fields.iter().map(|field| field.name).collect();
            assert!(json.as_object().unwrap().keys().all(|key| names.contains(&key.as_str())), "{name}: {json}");
            if extent == Extent::Everything {
                assert_eq!(json.as_object().unwrap().len(), names.len(), "{name}: {json}");
            }
        }
        let call = self.call(operation, Extent::Usual);
        let mut contents = Contents::default();
        let text = elements(A::RECORD.fields, &mut contents, false);
        let response: A = yaserde::de::from_str(&format!("<x>{text}</x>")).unwrap();
        let answer = write::answer(&call.form(), &Reply::new(response, contents)).unwrap();
        let answer = String::from_utf8(answer.into_bytes().unwrap()).unwrap();
        let expected = elements(A::RECORD.fields, &mut Contents::default(), true);
        assert!(answer.replace("&gt;", ">").contains(&expected.replace("&gt;", ">")), "{name}: {answer}\n{expected}");
        self.answers.push((service, answer));
    }

    fn validate(&self, service: Service) {
        let schema = self.folder.path().join("schema.xsd");
        std::fs::write(&schema, xsd::schema(service)).unwrap();
        let mut files = Vec::new();
        for (index, (_, answer)) in self.answers.iter().filter(|(of, _)| *of == service).enumerate() {
            let path = self.folder.path().join(format!("{index}.xml"));
            let start = answer.find("<soap:Body>").unwrap() + "<soap:Body>".len();
            std::fs::write(&path, &answer[start..answer.find("</soap:Body>").unwrap()]).unwrap();
            files.push(path);
        }
        let output = Command::new("xmllint").args(["--noout", "--schema"]).arg(&schema).args(&files).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn table_and_structures_agree_for_every_operation() {
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::open(&folder.path().join("spool"), 1 << 20, 1 << 20, 1 << 20).unwrap();
    let mut check = Check { folder: &folder, spool: &spool, answers: Vec::new() };
    macro_rules! all {
        ($service:ident: $($name:literal $request:ident $response:ident,)+) => {
            $( check.operation::<$request, $response>(Service::$service, $name); )+
        };
    }
    all! { SecPki:
        "echo" EchoRequest EchoResponse,
        "getVersion" GetVersionRequest GetVersionResponse,
        "sign" SignRequest SignResponse,
        "signBatch" SignBatchRequest SignBatchResponse,
        "submitBatch" SubmitBatchRequest SubmitBatchResponse,
        "getBatchState" GetBatchStateRequest GetBatchStateResponse,
        "getBatchResult" GetBatchResultRequest GetBatchResultResponse,
        "cancelBatch" CancelBatchRequest CancelBatchResponse,
        "signHash" SignHashRequest SignHashResponse,
        "verify" VerifyRequest VerifyResponse,
        "extend" ExtendRequest ExtendResponse,
        "timestamp" TimestampRequest TimestampResponse,
        "encrypt" EncryptRequest EncryptResponse,
        "decrypt" DecryptRequest DecryptResponse,
        "getProfiles" GetProfilesRequest GetProfilesResponse,
        "getSigners" GetSignersRequest GetSignersResponse,
        "getTokenPool" GetTokenPoolRequest GetTokenPoolResponse,
        "resizeTokenPool" ResizeTokenPoolRequest ResizeTokenPoolResponse,
        "archiveSubmit" ArchiveSubmitRequest ArchiveSubmitResponse,
        "archiveRetrieve" ArchiveRetrieveRequest ArchiveRetrieveResponse,
        "archiveEvidence" ArchiveEvidenceRequest ArchiveEvidenceResponse,
        "archiveSearch" ArchiveSearchRequest ArchiveSearchResponse,
        "createUser" CreateUserRequest AdministrationResponse,
        "changeUser" ChangeUserRequest AdministrationResponse,
        "deleteUser" DeleteUserRequest AdministrationResponse,
        "getUsers" GetUsersRequest GetUsersResponse,
        "createGroup" CreateGroupRequest AdministrationResponse,
        "deleteGroup" DeleteGroupRequest AdministrationResponse,
        "getGroups" GetGroupsRequest GetGroupsResponse,
        "addMember" AddMemberRequest AdministrationResponse,
        "removeMember" RemoveMemberRequest AdministrationResponse,
        "grantRight" GrantRightRequest AdministrationResponse,
        "revokeRight" RevokeRightRequest AdministrationResponse,
        "registerCertificate" RegisterCertificateRequest CertificateResponse,
        "activateCertificate" ActivateCertificateRequest CertificateResponse,
        "revokeCertificate" RevokeCertificateRequest CertificateResponse,
        "getPendingChanges" GetPendingChangesRequest GetPendingChangesResponse,
        "confirmChange" ConfirmChangeRequest ConfirmChangeResponse,
        "requestAuthSession" RequestAuthSessionRequest RequestAuthSessionResponse,
        "getAuthSessionState" GetAuthSessionStateRequest AuthSessionStateResponse,
        "cancelAuthSession" CancelAuthSessionRequest AuthSessionStateResponse,
        "releaseAuthSession" ReleaseAuthSessionRequest AuthSessionStateResponse,
        "confirmAuthSession" ConfirmAuthSessionRequest AuthSessionStateResponse,
        "refreshTLSSessionInCache" RefreshTlsSessionInCacheRequest RefreshTlsSessionInCacheResponse,
    }
    all! { SecSigner: "sign" SignReq SignRes, "verify" VerifyReq VerifyRes, }
    assert_eq!(check.answers.len(), OPERATIONS.len(), "an operation is not checked");
    check.validate(Service::SecPki);
    check.validate(Service::SecSigner);
}

#[test]
fn the_rights_of_the_table_are_about_fields_that_are_there() {
    for operation in OPERATIONS {
        for need in operation.needs {
            if let About::Field(name) = need.about {
                let field = operation.request_field(name).unwrap();
                assert!(matches!(field.kind, Kind::Text(_)), "{} {name}", operation.name);
                assert!(need.function.object().is_some(), "{} {name}", operation.name);
            }
        }
    }
    let open: Vec<&str> = OPERATIONS.iter().filter(|o| o.needs.is_empty()).map(|operation| operation.name).collect();
    assert_eq!(open, ["echo", "getVersion"], "only these need no right");
    let own: Vec<&str> = OPERATIONS.iter().filter(|o| o.own).map(|operation| operation.name).collect();
    assert_eq!(own, ["confirmAuthSession"]);
}

fn caller(rights: &[(Function, Option<&str>)]) -> Caller {
    let right =
        |(function, object): &(Function, Option<&str>)| Right { function: *function, object: object.map(Into::into) };
    Caller {
        tenant: TenantId::new("acme").unwrap(),
        user: UserName::new("erp").unwrap(),
        authentication: Authentication::Password,
        rights: rights.iter().map(right).collect(),
    }
}

#[test]
fn a_call_is_permitted_by_the_rights_that_it_needs() {
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::open(folder.path(), 1 << 20, 1 << 20, 1 << 20).unwrap();
    let check = |body: &str, rights: &[(Function, Option<&str>)], expected: bool| {
        let call = json::read(operation(Service::SecPki, "sign").unwrap(), &[], body.as_bytes(), &spool).unwrap();
        assert_eq!(call.permitted(&caller(rights)).is_ok(), expected, "{body} {rights:?}");
    };
    let plain = r#"{"document":"SGVsbG8=","profile":"invoices"}"#;
    let chosen = r#"{"document":"SGVsbG8=","profile":"invoices","signers":["a","b"]}"#;
    check(plain, &[], false);
    check(plain, &[(Function::Sign, None)], true);
    check(plain, &[(Function::Sign, Some("invoices"))], true);
    check(plain, &[(Function::Sign, Some("letters"))], false);
    check(plain, &[(Function::SignHash, None)], false);
    check(chosen, &[(Function::Sign, None)], false);
    check(chosen, &[(Function::Sign, None), (Function::UseSigner, Some("a"))], false);
    check(chosen, &[(Function::Sign, None), (Function::UseSigner, None)], true);

    let state = operation(Service::SecPki, "getBatchState").unwrap();
    let call = json::read(state, &[("batchId", "1")], b"", &spool).unwrap();
    assert!(call.permitted(&caller(&[(Function::Sign, Some("letters"))])).is_ok(), "the operation asks again");
    assert!(call.permitted(&caller(&[(Function::Verify, None)])).is_err());
}

#[test]
fn json_is_checked_by_the_same_table() {
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::open(folder.path(), 1 << 20, 1 << 20, 1 << 20).unwrap();
    let check = |name: &str, body: &str, expected: &str| {
        let read = json::read(operation(Service::SecPki, name).unwrap(), &[], body.as_bytes(), &spool);
        assert_eq!(read.err().map_or("", |fault| fault.code), expected, "{name} {}", &body[..body.len().min(100)]);
    };
    check("sign", r#"{"profile":"p","document":"SGVsbG8=","signers":["a"],"mimeType":null}"#, "");
    check("getBatchResult", r#"{"batchId":"1","count":10,"withSignatures":false}"#, "");
    check("getVersion", "", "");
    check("getVersion", "{}", "");
    check("sign", r#"{"profile":"p"}"#, "missing");
    check("sign", r#"{"profile":"p","document":"SGVsbG8"}"#, "base64");
    check("sign", r#"{"profile":"p","document":5}"#, "attachment");
    check("sign", r#"{"profile":"p","document":"","signers":"a"}"#, "json");
    check("sign", r#"{"profile":"p","document":"","more":1}"#, "unknown-element");
    check("sign", r#"{"profile":["p"],"document":""}"#, "json");
    check("getBatchResult", r#"{"batchId":"1","count":1001}"#, "bad-value");
    check("getBatchResult", r#"{"batchId":"1","count":"10"}"#, "json");
    check("verify", r#"{"reportForm":"doc"}"#, "bad-value");
    check("sign", "[]", "json");
    check("sign", "{", "json");
    check("sign", &"[".repeat(1_000_000), "too-deep");

    let call = json::read(operation(Service::SecPki, "echo").unwrap(), &[("text", "a\u{1}\"<")], b"", &spool);
    assert!(call.is_ok());
    let mut contents = Contents::default();
    let signature = contents.add(Content::of_bytes(vec![0xFF; 100_000]));
    let response = SignResponse { signature, signature_name: "\u{1}\"<".into(), ..SignResponse::default() };
    let call =
        json::read(operation(Service::SecPki, "sign").unwrap(), &[("profile", "p")], br#"{"document":""}"#, &spool);
    let answer = write::answer(&call.unwrap().form(), &Reply::new(response, contents)).unwrap();
    let length = answer.length();
    let bytes = answer.into_bytes().unwrap();
    assert_eq!(bytes.len() as u64, length);
    let value: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(value["SignatureName"], "\u{1}\"<");
    assert_eq!(value["Signature"].as_str().unwrap().len(), 133_336);
}
