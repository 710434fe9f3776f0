//! Whole requests, as clients of every kind send them, and the answers in their shape.
#![allow(clippy::unwrap_used)]

use soap::content::{Content, Spool};
use soap::fault::Fault;
use soap::read::{Call, Contents, Head, Reader, Shape, Version};
use soap::table::Service;
use soap::types::*;
use soap::value::{BinaryRef, Moment};
use soap::write::{self, Reply};

const SOAP11: &str = "http://schemas.xmlsoap.org/soap/envelope/";
const SOAP12: &str = "http://www.w3.org/2003/05/soap-envelope";

fn spool() -> (tempfile::TempDir, Spool) {
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::open(folder.path(), 1 << 30, 1 << 30, 1 << 30).unwrap();
    (folder, spool)
}

fn read_as(content_type: &str, message: &[u8]) -> Result<Call, Fault> {
    let (_folder, spool) = spool();
    let head = Head { content_type: Some(content_type), ..Head::default() };
    let mut reader = Reader::new(&head, &spool)?;
    message.chunks(7).try_for_each(|chunk| reader.push(chunk))?;
    reader.finish()
}

fn envelope(version: &str, header: &str, body: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<s:Envelope xmlns:s=\"{version}\">{header}\n\
         <s:Body>{body}</s:Body></s:Envelope>\n"
    )
}

fn read(body: &str) -> Result<Call, Fault> {
    read_as("text/xml; charset=utf-8", envelope(SOAP11, "", body).as_bytes())
}

const SIGN: &str = "<sign xmlns=\"http://seccommerce.de/ws/SecPKI/\"><document>SGVsbG8=</document>\
    <documentName> a &lt;b&gt;&#13;\u{e4}.pdf </documentName><profile>invoices</profile></sign>";

#[test]
fn a_request_to_sign_is_read_as_it_was_meant() {
    for (version, name, media) in
        [(Version::Soap11, SOAP11, "text/xml"), (Version::Soap12, SOAP12, "application/soap+xml; charset=utf-8")]
    {
        let call = read_as(media, envelope(name, "", SIGN).as_bytes()).unwrap();
        assert_eq!((call.operation.name, call.version, &call.shape), ("sign", version, &Shape::Wrapped));
        let request: SignRequest = call.request().unwrap();
        assert_eq!(request.document_name.as_deref(), Some(" a <b>\r\u{e4}.pdf "));
        assert_eq!(request.profile, "invoices");
        assert_eq!(*call.contents.get(request.document).unwrap(), Content::of_bytes(&b"Hello"[..]));
        assert_eq!(call.objects("profile").collect::<Vec<_>>(), ["invoices"]);
    }
}

#[test]
fn an_optional_document_without_bytes_is_none_as_gsoap_writes_it() {
    let call = read(
        "<verify xmlns=\"http://seccommerce.de/ws/SecPKI/\"><document>SGVsbG8=</document><signature></signature>\
         <digest/></verify>",
    );
    let request: VerifyRequest = call.unwrap().request().unwrap();
    assert!(request.document.is_some() && request.signature.is_none() && request.digest.is_none(), "{request:?}");
    // One that has to be there may well be empty.
    let call = read(&SIGN.replace("SGVsbG8=", "")).unwrap();
    let request: SignRequest = call.request().unwrap();
    assert_eq!(*call.contents.get(request.document).unwrap(), Content::of_bytes(&b""[..]));
}

fn signed() -> Reply {
    let mut contents = Contents::default();
    let signature = contents.add(Content::of_bytes(&b"signature"[..]));
    let response = SignResponse {
        signature,
        signature_name: "a\u{1}<?content 0?>\r.pkcs7".into(),
        mime_type: "application/pkcs7-signature".into(),
        format: "cms".into(),
        signing_time: Some(Moment::parse("2026-11-27T00:00:00Z").unwrap()),
        document_id: "1-0".into(),
        ..SignResponse::default()
    };
    Reply::new(response, contents)
}

fn answered(call: &Call) -> (String, String) {
    let answer = write::answer(&call.form(), &signed()).unwrap();
    let (content_type, length) = (answer.content_type.clone(), answer.length());
    let bytes = answer.into_bytes().unwrap();
    assert_eq!(bytes.len() as u64, length);
    (content_type, String::from_utf8(bytes).unwrap())
}

#[test]
fn an_answer_has_the_shape_of_its_request() {
    let inner = "<Signature>c2lnbmF0dXJl</Signature><SignatureName>a\u{fffd}&lt;?content 0?&gt;&#13;.pkcs7</SignatureName>\
        <MimeType>application/pkcs7-signature</MimeType><Format>cms</Format>\
        <SigningTime>2026-11-27T00:00:00Z</SigningTime><DocumentId>1-0</DocumentId>";
    let (content_type, text) = answered(&read(SIGN).unwrap());
    assert_eq!(content_type, "text/xml; charset=utf-8");
    assert_eq!(
        text,
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><soap:Envelope xmlns:soap=\"{SOAP11}\"><soap:Body>\
             <signResponse xmlns=\"http://seccommerce.de/ws/SecPKI/\">{inner}</signResponse></soap:Body></soap:Envelope>"
        )
    );
    let php = "<ns1:sign xmlns:ns1=\"http://seccommerce.de/ws/SecPKI/\"><seccommerce.pki.ReqSign>\
        <document>SGVsbG8=</document><profile>p</profile></seccommerce.pki.ReqSign></ns1:sign>";
    let (_, text) = answered(&read(php).unwrap());
    let expected = format!("<seccommerce.pki.ResSign>{inner}</seccommerce.pki.ResSign></ns1:signResponse>");
    assert!(text.contains(&expected), "{text}");
}

#[test]
fn attachments_come_and_go() {
    let message = format!(
        "--B\r\nContent-Type: application/xop+xml; charset=UTF-8; type=\"text/xml\"\r\nContent-ID: <r@x>\r\n\r\n{}\r\n\
         --B\r\nContent-ID: <doc@x>\r\nContent-Transfer-Encoding: binary\r\n\r\nHello\r\n\r\n--B--\r\n",
        envelope(
            SOAP11,
            "",
            "<t:sign xmlns:t=\"http://seccommerce.de/ws/SecPKI/\"><t:document><xop:Include \
             xmlns:xop=\"http://www.w3.org/2004/08/xop/include\" href=\"cid:doc%40x\"/></t:document>\
             <t:profile>p</t:profile></t:sign>"
        )
    );
    let media = "multipart/related; type=\"application/xop+xml\"; boundary=B; start=\"<r@x>\"; start-info=\"text/xml\"";
    let call = read_as(media, message.as_bytes()).unwrap();
    let request: SignRequest = call.request().unwrap();
    assert!(call.mtom);
    assert_eq!(*call.contents.get(request.document).unwrap(), Content::of_bytes(&b"Hello\r\n"[..]));
    let (content_type, text) = answered(&call);
    assert!(content_type.starts_with("multipart/related; type=\"application/xop+xml\"; boundary="), "{content_type}");
    assert!(text.contains("href=\"cid:1@answer\"/></Signature>") && text.contains("\r\n\r\nsignature\r\n--"), "{text}");
}

#[test]
fn faults_are_written_in_both_versions() {
    let fault = Fault::busy(7).with_correlation("c1");
    let answer = write::fault(Version::Soap11, Service::SecPki, &fault);
    assert_eq!((answer.http_status, answer.headers.as_slice()), (503, &[("Retry-After", "7".to_owned())][..]));
    let text = String::from_utf8(answer.into_bytes().unwrap()).unwrap();
    assert!(text.contains("<faultcode>soap:Server</faultcode>"), "{text}");
    assert!(
        text.contains(
            "<detail><SecPKIFault xmlns=\"http://seccommerce.de/ws/SecPKI/\"><Status>-1001</Status><Code>busy</Code>"
        ),
        "{text}"
    );
    let text = write::fault(Version::Soap12, Service::SecPki, &Fault::unauthenticated()).into_bytes().unwrap();
    let text = String::from_utf8(text).unwrap();
    assert!(text.contains("<soap:Value>soap:Sender</soap:Value><soap:Subcode>"), "{text}");
}

#[test]
fn a_reference_to_nothing_is_never_sent() {
    let call = read(SIGN).unwrap();
    let reply = Reply::plain(SignResponse { signature: BinaryRef(0), ..SignResponse::default() });
    assert_eq!(write::answer(&call.form(), &reply).unwrap_err().code, "answer");
}
