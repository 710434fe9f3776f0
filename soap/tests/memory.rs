//! A large document inline costs memory neither on its way in nor on its way out. Alone in its process, whose peak it reads.
#![allow(clippy::unwrap_used)]

use soap::content::Spool;
use soap::read::{Contents, Head, Reader};
use soap::types::{SignRequest, SignResponse};
use soap::write::{self, Reply};

fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn a_large_document_inline_is_never_in_memory() {
    const LINE: &[u8] = b"QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2\r\n";
    const LINES: usize = 800_000;
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::open(folder.path(), 1 << 30, 1 << 30, 64 << 20).unwrap();
    let head = Head { content_type: Some("text/xml"), ..Head::default() };
    let mut reader = Reader::new(&head, &spool).unwrap();
    reader
        .push(
            b"<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body>\
            <sign xmlns=\"http://seccommerce.de/ws/SecPKI/\"><document>",
        )
        .unwrap();
    let chunk = LINE.repeat(1_000);
    reader.push(&chunk).unwrap();
    let before = peak_kib();
    for _ in 1..LINES / 1_000 {
        reader.push(&chunk).unwrap();
    }
    reader.push(b"</document><profile>p</profile></sign></s:Body></s:Envelope>").unwrap();
    let mut call = reader.finish().unwrap();
    let request: SignRequest = call.request().unwrap();
    let document = call.contents.take(request.document).unwrap();
    assert_eq!(document.len(), (LINES * 48) as u64);
    assert_eq!(spool.disk_bytes(), document.len());

    let mut contents = Contents::default();
    let signature = contents.add(document);
    let response = SignResponse { signature, ..SignResponse::default() };
    let mut answer = write::answer(&call.form(), &Reply::new(response, contents)).unwrap();
    let mut sent = 0;
    let length = answer.length();
    while let Some(chunk) = answer.next_chunk().unwrap() {
        assert!(chunk.len() <= 64 << 10);
        sent += chunk.len() as u64;
    }
    assert_eq!(sent, length);
    let grown = peak_kib() - before;
    assert!(grown < 4 << 10, "the peak grew by {grown} KiB for a document of {} MiB", (LINES * 48) >> 20);
    drop(answer);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
