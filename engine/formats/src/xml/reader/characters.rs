//! Which characters XML 1.0 (fifth edition) allows where.

/// White space of XML.
pub(super) const BLANK: [u8; 4] = [b' ', b'\t', b'\n', b'\r'];

/// Bytes that end a run of plain characters in text, and odd ones.
pub(super) const IN_TEXT: [bool; 256] = with_odd(table(b"<&]\r"));

/// Bytes that end a run of plain characters in the value of an attribute, besides its quotation mark, and odd ones.
pub(super) const IN_VALUE: [bool; 256] = with_odd(table(b"<&\t\n\r"));

/// Whether the character that begins with this byte may be one that XML does not allow.
pub(super) const fn is_odd(byte: u8) -> bool {
    byte == 0xEF || byte < b' ' && byte != b'\t' && byte != b'\n' && byte != b'\r'
}

const fn with_odd(mut table: [bool; 256]) -> [bool; 256] {
    let mut byte = 0;
    while byte < 256 {
        table[byte] |= is_odd(byte as u8);
        byte += 1;
    }
    table
}

const NAME: [bool; 256] = table(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:");

const fn table(bytes: &[u8]) -> [bool; 256] {
    let mut table = [false; 256];
    let mut at = 0;
    while at < bytes.len() {
        table[bytes[at] as usize] = true;
        at += 1;
    }
    table
}

/// Whether a byte is a character of names by itself.
pub(super) fn name_byte(byte: u8) -> bool {
    NAME[usize::from(byte)]
}

/// Production `Char`.
pub(super) fn is_character(character: char) -> bool {
    !matches!(character, '\0'..='\u{8}' | '\u{B}' | '\u{C}' | '\u{E}'..='\u{1F}' | '\u{FFFE}' | '\u{FFFF}')
}

/// Production `NameStartChar`, without the colon.
pub(in crate::xml) fn is_name_start(character: char) -> bool {
    matches!(character,
        'a'..='z' | 'A'..='Z' | '_' | '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}' | '\u{F8}'..='\u{2FF}'
        | '\u{370}'..='\u{37D}' | '\u{37F}'..='\u{1FFF}' | '\u{200C}'..='\u{200D}' | '\u{2070}'..='\u{218F}'
        | '\u{2C00}'..='\u{2FEF}' | '\u{3001}'..='\u{D7FF}' | '\u{F900}'..='\u{FDCF}' | '\u{FDF0}'..='\u{FFFD}'
        | '\u{10000}'..='\u{EFFFF}')
}

/// Production `NameChar`, with the colon.
pub(in crate::xml) fn is_name(character: char) -> bool {
    is_name_start(character)
        || matches!(character,
            ':' | '-' | '.' | '0'..='9' | '\u{B7}' | '\u{300}'..='\u{36F}' | '\u{203F}'..='\u{2040}')
}
