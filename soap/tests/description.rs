//! What is committed for others is what the table says, and programs that we did not write can read it.
#![allow(clippy::unwrap_used)]

use soap::read::{Head, Version, read_all};
use soap::sample::{self, Extent};
use soap::table::{OPERATIONS, Service};
use soap::{content::Spool, wsdl, xsd};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Stands in the committed descriptions where a server puts its own.
const ADDRESS: &str = "https://localhost:25100/soap";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

fn committed() -> Vec<(PathBuf, String)> {
    let describe = |service, version| wsdl::description(service, version, ADDRESS);
    let mut files = vec![
        (PathBuf::from("wsdl/secpki.wsdl"), describe(Service::SecPki, Version::Soap11)),
        (PathBuf::from("wsdl/secpki-soap12.wsdl"), describe(Service::SecPki, Version::Soap12)),
        (PathBuf::from("wsdl/secpki.xsd"), xsd::schema(Service::SecPki)),
        (PathBuf::from("wsdl/secsigner.wsdl"), describe(Service::SecSigner, Version::Soap11)),
        (PathBuf::from("wsdl/secsigner.xsd"), xsd::schema(Service::SecSigner)),
    ];
    files.extend(OPERATIONS.iter().map(|operation| {
        let name = sample::file_name(operation);
        let text = sample::request(operation, Version::Soap11, Extent::Usual);
        (Path::new("clients/soap/samples").join(name), text)
    }));
    files
}

#[test]
fn the_committed_files_are_what_the_table_says() {
    let writes = std::env::var_os("SEALMILL_WRITE_WSDL").is_some();
    let mut stale = Vec::new();
    for (name, text) in committed() {
        let path = root().join(&name);
        if writes {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &text).unwrap();
        }
        if std::fs::read_to_string(&path).ok().as_ref() != Some(&text) {
            stale.push(name.display().to_string());
        }
    }
    let expected: BTreeSet<String> = OPERATIONS.iter().map(sample::file_name).collect();
    for entry in std::fs::read_dir(root().join("clients/soap/samples")).into_iter().flatten() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if !expected.contains(&name) {
            stale.push(format!("clients/soap/samples/{name} (no operation has it)"));
        }
    }
    assert!(
        stale.is_empty(),
        "these differ from the table; SEALMILL_WRITE_WSDL=1 cargo test -p soap --test description writes them:\n{}",
        stale.join("\n")
    );
}

fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}:\n{text}{}", String::from_utf8_lossy(&output.stdout));
    output
}

#[test]
fn descriptions_and_schemas_are_well_formed_and_the_schemas_compile() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in committed().into_iter().filter(|(name, _)| name.starts_with("wsdl")) {
        let path = folder.path().join(name.file_name().unwrap());
        std::fs::write(&path, text).unwrap();
        run(Command::new("xmllint").arg("--noout").arg(&path));
    }
}

/// The body of a request, as a document of its own.
fn body(request: &str) -> &str {
    let start = request.find("<soap:Body>").unwrap() + "<soap:Body>".len();
    request[start..request.find("</soap:Body>").unwrap()].trim()
}

#[test]
fn samples_are_valid_by_the_schema_and_one_wrong_name_is_not() {
    let folder = tempfile::tempdir().unwrap();
    for service in [Service::SecPki, Service::SecSigner] {
        let schema = folder.path().join("schema.xsd");
        std::fs::write(&schema, xsd::schema(service)).unwrap();
        let mut files = Vec::new();
        for operation in OPERATIONS.iter().filter(|operation| operation.service == service) {
            for extent in [Extent::Usual, Extent::Everything] {
                let path = folder.path().join(format!("{extent:?}-{}", sample::file_name(operation)));
                std::fs::write(&path, body(&sample::request(operation, Version::Soap11, extent))).unwrap();
                files.push(path);
            }
        }
        run(Command::new("xmllint").arg("--noout").arg("--schema").arg(&schema).args(&files));
        let text = std::fs::read_to_string(&files[1]).unwrap();
        std::fs::write(&files[1], text.replacen("</", "<extra/></", 1)).unwrap();
        let refused =
            Command::new("xmllint").arg("--noout").arg("--schema").arg(&schema).arg(&files[1]).output().unwrap();
        assert!(!refused.status.success());
    }
}

#[test]
fn samples_are_read_by_our_reader_too() {
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::open(folder.path(), 1 << 20, 1 << 20, 1 << 20).unwrap();
    for operation in OPERATIONS {
        for version in [Version::Soap11, Version::Soap12] {
            for extent in [Extent::Usual, Extent::Everything] {
                let text = sample::request(operation, version, extent);
                let head = Head { content_type: Some("text/xml"), ..Head::default() };
                let call = read_all(&head, &spool, &mut text.as_bytes());
                let call = call.unwrap_or_else(|fault| panic!("{}: {fault}", operation.name));
                assert!(std::ptr::eq(call.operation, operation), "{}", operation.name);
            }
        }
    }
}

#[test]
fn names_cannot_collide_in_any_language() {
    for service in [Service::SecPki, Service::SecSigner] {
        let schema = xsd::schema(service);
        let names: Vec<String> =
            schema.split("name=\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect();
        let declared: Vec<&String> = schema
            .lines()
            .filter(|line| line.starts_with("  <xs:"))
            .filter_map(|line| names.iter().find(|name| line.contains(&format!("name=\"{name}\""))))
            .collect();
        // Toolkits make a class of each, with a capital letter.
        let classes: BTreeSet<String> = declared.iter().map(|name| name.to_lowercase()).collect();
        assert_eq!(classes.len(), declared.len(), "{declared:?}");
        const RESERVED: [&str; 24] = [
            "class",
            "default",
            "namespace",
            "operator",
            "event",
            "new",
            "object",
            "out",
            "ref",
            "from",
            "in",
            "is",
            "not",
            "or",
            "and",
            "import",
            "package",
            "private",
            "public",
            "return",
            "static",
            "this",
            "void",
            "register",
        ];
        for name in &names {
            assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{name}");
            assert!(!RESERVED.contains(&name.as_str()), "{name}");
        }
    }
}

/// The rules of the WS-I Basic Profile 1.1 for descriptions, by their numbers, as far as they can be seen in one document.
const PROFILE: &str = r#"
import sys
from lxml import etree
W, X = '{http://schemas.xmlsoap.org/wsdl/}', '{http://www.w3.org/2001/XMLSchema}'
S = '{%s}' % sys.argv[2]
root = etree.parse(sys.argv[1]).getroot()
target = root.get('targetNamespace')
order = ['types', 'message', 'portType', 'binding', 'service']
places = [order.index(child.tag.removeprefix(W)) for child in root if child.tag.startswith(W)]
assert places == sorted(places), 'R2022'
schemas = root.findall(f'{W}types/{X}schema')
assert len(schemas) == 1 and schemas[0].get('targetNamespace') == target, 'R2105'
for name in ['import', 'include', 'attribute', 'any', 'choice', 'all', 'extension', 'redefine']:
    assert not list(root.iter(X + name)), name
assert not [e for e in root.iter() if e.get(W + 'required')], 'R2026'
elements = {e.get('name') for e in schemas[0].findall(X + 'element')}
messages = {}
for message in root.findall(W + 'message'):
    [part] = list(message)
    assert set(part.attrib) == {'name', 'element'}, 'R2204'
    assert part.get('element').removeprefix('t:') in elements, 'R2206'
    assert message.get('name') not in messages
    messages[message.get('name')] = part.get('element')
[port] = root.findall(W + 'portType')
names = [o.get('name') for o in port.findall(W + 'operation')]
assert len(set(names)) == len(names), 'R2304'
asked = [messages[o.find(W + 'input').get('message').removeprefix('t:')] for o in port.findall(W + 'operation')]
assert len(set(asked)) == len(asked), 'R2710'
[binding] = root.findall(W + 'binding')
soap = binding.find(S + 'binding')
assert soap.get('style') == 'document', 'R2705'
assert soap.get('transport') == 'http://schemas.xmlsoap.org/soap/http', 'R2702'
assert [o.get('name') for o in binding.findall(W + 'operation')] == names, 'R2718'
actions = [o.get('soapAction') for o in binding.iter(S + 'operation')]
assert len(set(actions)) == len(actions) == len(names)
for body in binding.iter(S + 'body'):
    assert dict(body.attrib) == {'use': 'literal'}, 'R2706, R2716'
for fault in binding.iter(W + 'fault'):
    [inner] = list(fault)
    assert inner.tag == S + 'fault' and inner.get('name') == fault.get('name'), 'R2721, R2754'
declared = [f.get('name') for f in port.iter(W + 'fault')]
assert [f.get('name') for f in binding.iter(W + 'fault')] == declared
[address] = root.iter(S + 'address')
print(address.get('location'))
"#;

fn python() -> Command {
    let python =
        std::env::var_os("SEALMILL_PYTHON").map_or_else(|| root().join("target/python/bin/python"), PathBuf::from);
    Command::new(python)
}

#[test]
fn descriptions_keep_the_basic_profile() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("service.wsdl");
    for (service, version, soap) in [
        (Service::SecPki, Version::Soap11, "http://schemas.xmlsoap.org/wsdl/soap/"),
        (Service::SecSigner, Version::Soap11, "http://schemas.xmlsoap.org/wsdl/soap/"),
        (Service::SecPki, Version::Soap12, "http://schemas.xmlsoap.org/wsdl/soap12/"),
    ] {
        std::fs::write(&path, wsdl::description(service, version, "https://a.example/soap?a=1&b=2")).unwrap();
        let output = run(python().arg("-c").arg(PROFILE).arg(&path).arg(soap));
        assert_eq!(String::from_utf8(output.stdout).unwrap(), "https://a.example/soap?a=1&b=2\n");
    }
}

/// Prints what zeep makes of a description: every operation it knows, and for one a request.
const ZEEP: &str = r#"
import sys, zeep
from lxml import etree
client = zeep.Client(sys.argv[1])
for service in client.wsdl.services.values():
    for port in service.ports.values():
        for operation in sorted(port.binding._operations):
            print(operation)
print('--')
values = dict(document=b'Hello', documentName='a & b.pdf', profile='p', signers=['s1', 's2'],
              settings=[dict(name='reason', value='ok')])
if 'SecSigner' in sys.argv[2]:
    message = client.create_message(client.service, 'sign', SignatureRecord=[dict(Document=b'Hello')])
else:
    message = client.create_message(client.service, 'sign', **values)
sys.stdout.write(etree.tostring(message, encoding='unicode'))
"#;

#[test]
fn zeep_makes_requests_from_the_descriptions() {
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::open(&folder.path().join("spool"), 1 << 20, 1 << 20, 1 << 20).unwrap();
    for (service, version) in
        [(Service::SecPki, Version::Soap11), (Service::SecPki, Version::Soap12), (Service::SecSigner, Version::Soap11)]
    {
        let path = folder.path().join("service.wsdl");
        std::fs::write(&path, wsdl::description(service, version, ADDRESS)).unwrap();
        let output = run(python().arg("-c").arg(ZEEP).arg(&path).arg(format!("{service:?}")));
        let text = String::from_utf8(output.stdout).unwrap();
        let (operations, message) = text.split_once("--\n").unwrap();
        let known: BTreeSet<&str> = operations.lines().collect();
        let ours: BTreeSet<&str> = OPERATIONS
            .iter()
            .filter(|operation| operation.service == service)
            .map(|operation| operation.name)
            .collect();
        assert_eq!(known, ours);
        let head = Head { content_type: Some("text/xml"), ..Head::default() };
        let call = read_all(&head, &spool, &mut message.as_bytes()).unwrap();
        assert_eq!((call.operation.name, call.operation.service, call.version), ("sign", service, version));
        if service == Service::SecPki {
            let request: soap::types::SignRequest = call.request().unwrap();
            assert_eq!(request.document_name.as_deref(), Some("a & b.pdf"));
            assert_eq!((request.signers.len(), request.settings.len()), (2, 1));
        }
    }
}
