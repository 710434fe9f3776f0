//! Transfer encodings (RFC 2045 section 6) and canonical line ends (RFC 8551 section 3.1.1).

use std::borrow::Cow;

/// The content of a body. `None`: an encoding that nobody knows, or a body that is not in it at all.
pub(super) fn decoded<'a>(body: &'a [u8], encoding: &str) -> Option<Cow<'a, [u8]>> {
    match encoding {
        "" | "7bit" | "8bit" | "binary" => Some(Cow::Borrowed(body)),
        "base64" => base64(body).map(Cow::Owned),
        "quoted-printable" => Some(Cow::Owned(quoted_printable(body))),
        _ => None,
    }
}

/// All characters outside of the alphabet are to be ignored (RFC 2045 section 6.8).
fn base64(body: &[u8]) -> Option<Vec<u8>> {
    let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    let mut digits: Vec<u8> = body.iter().copied().take_while(|&byte| byte != b'=').filter(is_digit).collect();
    if digits.len() % 4 == 1 {
        digits.pop();
    }
    base64_simd::forgiving_decode_to_vec(&digits).ok()
}

fn quoted_printable(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    for line in body.split_inclusive(|&byte| byte == b'\n') {
        let text = line.trim_ascii_end();
        let has_end = line.ends_with(b"\n");
        let (text, soft) = text.strip_suffix(b"=").map_or((text, false), |text| (text, true));
        let mut rest = text;
        while let Some((&first, behind)) = rest.split_first() {
            let digits = behind.get(..2).filter(|_| first == b'=').and_then(|digits| std::str::from_utf8(digits).ok());
            match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
                Some(byte) => {
                    out.push(byte);
                    rest = behind.get(2..).unwrap_or_default();
                }
                None => {
                    out.push(first);
                    rest = behind;
                }
            }
        }
        if has_end && !soft {
            out.extend_from_slice(b"\r\n");
        }
    }
    out
}

/// With CR LF at the end of every line.
pub(super) fn canonical(bytes: &[u8]) -> Cow<'_, [u8]> {
    let mut lone = 0_usize;
    let mut before = 0;
    for &byte in bytes {
        lone += usize::from(byte == b'\n' && before != b'\r');
        before = byte;
    }
    if lone == 0 {
        return Cow::Borrowed(bytes);
    }
    let mut out = Vec::with_capacity(bytes.len() + lone);
    let mut before = 0;
    for &byte in bytes {
        if byte == b'\n' && before != b'\r' {
            out.push(b'\r');
        }
        out.push(byte);
        before = byte;
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn transfer_encodings_of_real_programs() {
        let check = |body: &[u8], encoding: &str, expected: Option<&[u8]>| {
            assert_eq!(decoded(body, encoding).as_deref(), expected, "{encoding}: {}", body.escape_ascii());
        };
        check(b"aGFs\r\nbG8=\r\n", "base64", Some(b"hallo"));
        check(b"aGFsbG8", "base64", Some(b"hallo"));
        check(b" aGFs!bG8=\n-- \nfooter", "base64", Some(b"hallo"));
        check(b"a=3Db =\r\nc  \r\n=C3=A4=zz", "quoted-printable", Some("a=b c\r\nä=zz".as_bytes()));
        check(b"\0\xff", "binary", Some(b"\0\xff"));
        check(b"x", "x-uuencode", None);
    }

    #[test]
    fn only_line_feeds_alone_become_pairs() {
        assert_eq!(canonical(b"a\nb\r\nc\rd\n\n").as_ref(), b"a\r\nb\r\nc\rd\r\n\r\n");
        assert!(matches!(canonical(b"a\r\nb"), Cow::Borrowed(_)));
    }
}
