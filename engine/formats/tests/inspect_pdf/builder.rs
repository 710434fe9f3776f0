//! A small document with a form, and updates of it as somebody would append them by hand.

use std::fmt::Write as _;

/// The objects of the document, from number 1 on.
pub(crate) fn objects() -> Vec<String> {
    let stream =
        |entries: &str, data: &str| format!("<< {entries} /Length {} >>\nstream\n{data}\nendstream", data.len());
    vec![
        "<< /Type /Catalog /Pages 2 0 R /AcroForm 5 0 R >>".into(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".into(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 7 0 R >> >> /Annots [6 0 R 9 0 R] >>".into(),
        stream("", "BT /F1 12 Tf 50 700 Td (Pay 100 Euro) Tj ET"),
        "<< /Fields [6 0 R 9 0 R] /DR << /Font << /F1 7 0 R >> >> /DA (/F1 12 Tf 0 g) >>".into(),
        "<< /Type /Annot /Subtype /Widget /FT /Tx /T (Amount) /V (100) /Rect [50 600 200 620] /P 3 0 R /AP << /N 8 0 R >> >>".into(),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".into(),
        stream("/Type /XObject /Subtype /Form /BBox [0 0 150 20]", "BT (100) Tj ET"),
        "<< /Type /Annot /Subtype /Widget /FT /Tx /T (Note) /Rect [50 500 200 520] /P 3 0 R >>".into(),
        stream("", "BT /F1 12 Tf 50 700 Td (Pay 9000 Euro) Tj ET"),
    ]
}

/// A file of these objects.
pub(crate) fn file(objects: &[String]) -> Vec<u8> {
    let mut out = String::from("%PDF-1.7\n");
    let mut rows = String::from("0000000000 65535 f \n");
    for (index, body) in objects.iter().enumerate() {
        let _ = writeln!(rows, "{:010} 00000 n ", out.len());
        let _ = write!(out, "{} 0 obj\n{body}\nendobj\n", index + 1);
    }
    let (start, size) = (out.len(), objects.len() + 1);
    let _ = write!(out, "xref\n0 {size}\n{rows}trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n");
    out.into_bytes()
}

/// The document.
pub(crate) fn form() -> Vec<u8> {
    file(&objects())
}

pub(crate) fn find(bytes: &[u8], text: &str) -> Option<usize> {
    bytes.windows(text.len()).position(|window| window == text.as_bytes())
}

pub(crate) fn rfind(bytes: &[u8], text: &str) -> Option<usize> {
    bytes.windows(text.len()).rposition(|window| window == text.as_bytes())
}

/// The number after the last `startxref`.
pub(crate) fn start(bytes: &[u8]) -> usize {
    let at = rfind(bytes, "startxref").unwrap();
    String::from_utf8_lossy(&bytes[at + 9..]).split_whitespace().next().unwrap().parse().unwrap()
}

/// The newest text of an object.
pub(crate) fn object(bytes: &[u8], number: u32) -> String {
    let at = rfind(bytes, &format!("\n{number} 0 obj")).unwrap();
    let rest = &bytes[at + format!("\n{number} 0 obj").len()..];
    rest[..find(rest, "endobj").unwrap()].iter().map(|&byte| byte as char).collect::<String>().trim().to_owned()
}

/// The number of the newest object that has this text.
pub(crate) fn number_of(bytes: &[u8], text: &str) -> u32 {
    let at = rfind(bytes, text).unwrap();
    let head = rfind(&bytes[..at], " 0 obj").unwrap();
    let digits = bytes[..head].iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(&bytes[head - digits..head]).unwrap().parse().unwrap()
}

/// The document with an update behind it. An empty body frees the object.
pub(crate) fn update(bytes: &[u8], objects: &[(u32, String)]) -> Vec<u8> {
    update_with(bytes, objects, "1 0 R")
}

pub(crate) fn update_with(bytes: &[u8], objects: &[(u32, String)], root: &str) -> Vec<u8> {
    let mut out = bytes.to_vec();
    let mut rows = String::new();
    for (number, body) in objects {
        if body.is_empty() {
            let _ = write!(rows, "{number} 1\n0000000000 00001 f \n");
            continue;
        }
        let _ = write!(rows, "{number} 1\n{:010} 00000 n \n", out.len());
        out.extend(format!("{number} 0 obj\n{body}\nendobj\n").chars().map(|c| c as u8));
    }
    let (here, before) = (out.len(), start(bytes));
    out.extend_from_slice(
        format!("xref\n{rows}trailer\n<< /Size 200 /Root {root} /Prev {before} >>\nstartxref\n{here}\n%%EOF\n")
            .as_bytes(),
    );
    out
}

pub(crate) fn stream(entries: &str, data: &str) -> String {
    format!("<< {entries} /Length {} >>\nstream\n{data}\nendstream", data.len())
}
