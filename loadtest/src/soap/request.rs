//! The requests: `sign` for documents that all differ, inline or as an attachment (MTOM), made from one piece of bytes so
//! that making them costs a copy.

use bytes::Bytes;
use testkit::pdf::Numbers;

/// One request.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) content_type: &'static str,
    pub(super) body: Bytes,
}

/// All requests of a run.
#[derive(Debug)]
pub(super) struct Requests {
    count: usize,
    mtom: bool,
    document: Vec<u8>,
    base64: Vec<u8>,
}

impl Requests {
    /// For so many documents of this length.
    pub(super) fn new(count: usize, bytes: usize, mtom: bool) -> Self {
        let document = Numbers::new(1 << 20).bytes(bytes.max(NUMBER_BYTES));
        let base64 = base64_simd::STANDARD.encode_to_string(&document).into_bytes();
        Self { count, mtom, document, base64 }
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// The document of this number: it begins with it.
    pub(super) fn document(&self, number: usize) -> Vec<u8> {
        let mut document = self.document.clone();
        document[..NUMBER_BYTES].copy_from_slice(format!("{number:012}").as_bytes());
        document
    }

    /// The request of this number.
    pub(super) fn make(&self, number: usize) -> Request {
        let head = format!("{number:012}");
        if self.mtom {
            let mut body = Vec::with_capacity(self.document.len() + 2_048);
            let include =
                "<xop:Include xmlns:xop=\"http://www.w3.org/2004/08/xop/include\" href=\"cid:document@load\"/>";
            body.extend_from_slice(
                format!(
                    "--{BOUNDARY}\r\nContent-Type: application/xop+xml; charset=UTF-8; type=\"text/xml\"\r\n\
                     Content-Transfer-Encoding: binary\r\nContent-ID: <root@load>\r\n\r\n{FRONT}{include}{BACK}\r\n\
                     --{BOUNDARY}\r\nContent-Type: application/octet-stream\r\n\
                     Content-Transfer-Encoding: binary\r\nContent-ID: <document@load>\r\n\r\n"
                )
                .as_bytes(),
            );
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(&self.document[NUMBER_BYTES..]);
            body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
            return Request { content_type: MTOM_TYPE, body: body.into() };
        }
        let mut body = Vec::with_capacity(self.base64.len() + 1_024);
        body.extend_from_slice(FRONT.as_bytes());
        // Twelve bytes are sixteen characters without padding.
        body.extend_from_slice(base64_simd::STANDARD.encode_to_string(head).as_bytes());
        body.extend_from_slice(&self.base64[NUMBER_BYTES / 3 * 4..]);
        body.extend_from_slice(BACK.as_bytes());
        Request { content_type: "text/xml; charset=utf-8", body: body.into() }
    }
}

const NUMBER_BYTES: usize = 12;
const BOUNDARY: &str = "----load-7f3a91c2";
const MTOM_TYPE: &str = "multipart/related; type=\"application/xop+xml\"; boundary=\"----load-7f3a91c2\"; \
                         start=\"<root@load>\"; start-info=\"text/xml\"";
const FRONT: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><e:Envelope \
                     xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\"><e:Body>\
                     <s:sign xmlns:s=\"http://seccommerce.de/ws/SecPKI/\"><document>";
const BACK: &str =
    "</document><documentName>beleg.bin</documentName><profile>load</profile></s:sign></e:Body></e:Envelope>";

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_request_carries_the_document_of_its_number() {
        for bytes in [12, 13, 100, 10_001] {
            let requests = Requests::new(3, bytes, false);
            let body = requests.make(2).body;
            let text = std::str::from_utf8(&body).unwrap();
            let inside = text.split_once("<document>").unwrap().1.split_once("</document>").unwrap().0;
            assert_eq!(base64_simd::STANDARD.decode_to_vec(inside).unwrap(), requests.document(2));
            assert_eq!(requests.document(2).len(), bytes);
            assert_ne!(requests.document(2), requests.document(1));

            let body = Requests::new(3, bytes, true).make(2).body;
            let at = body.windows(4).rposition(|window| window == b"load").unwrap();
            assert!(at > 0);
            assert!(body.windows(bytes).any(|window| window == requests.document(2)));
        }
    }
}
