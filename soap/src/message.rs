//! What a message is made of: fields with names, kinds and bounds. One declaration makes the structure that operations
//! work with and the row of the table from which the strict check, the schema and the samples come, so that they cannot
//! disagree.
//!
//! Reads and writes no envelope; see [`crate::read`] and [`crate::write`].

use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;
use yaserde::{YaDeserialize, YaSerialize};

/// One element of a message or of a record in it.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its name on the wire.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// How often it has to be there.
    pub min: u32,
    /// How often it may be there.
    pub max: u32,
    /// What it means, for people.
    pub doc: &'static str,
}

impl Field {
    /// Whether it stands for a list.
    pub fn is_list(&self) -> bool {
        self.max > 1
    }

    /// The members, if it is a record.
    pub fn members(&self) -> Option<&'static [Field]> {
        match self.kind {
            Kind::Record(record) => Some(record.fields),
            _ => None,
        }
    }
}

/// What an element holds.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// Text of at most so many characters.
    Text(u32),
    /// Text that no log and no error shows, of at most so many characters.
    Secret(u32),
    /// One of these words.
    Word(&'static [&'static str]),
    /// A whole number from the first to the second.
    Int(i64, i64),
    /// True or false.
    Flag,
    /// An instant.
    Time,
    /// Bytes, as base64 or as an attachment.
    Binary,
    /// Further elements.
    Record(&'static Record),
}

/// A group of elements with a name of its own.
#[derive(Debug)]
pub struct Record {
    /// Name of its type in the schema.
    pub name: &'static str,
    /// Its elements, in order.
    pub fields: &'static [Field],
    /// What it means, for people.
    pub doc: &'static str,
}

/// A structure that was declared with its row of the table.
pub trait Message:
    YaSerialize + YaDeserialize + Serialize + DeserializeOwned + Clone + PartialEq + fmt::Debug + Send + 'static
{
    /// Name, fields and meaning.
    const RECORD: Record;
}

/// Declares messages: `rust_name "wireName": occurrence kind;` for each field.
///
/// Occurrences: `one`, `maybe`, `many(min, max)`. Kinds: `text[max]`, `secret[max]`, `word["a" "b"]`, `int[min, max]`,
/// `flag`, `time`, `binary`, `record[Structure]`.
macro_rules! messages {
    ($(
        $(#[doc = $about:literal])+
        $name:ident { $(
            $(#[doc = $doc:literal])+
            $field:ident $wire:tt : $occurs:ident $(($($bounds:tt)*))? $kind:ident $([$($argument:tt)*])? ;
        )* }
    )*) => { $(
        $crate::message::messages!(@structure {$(#[doc = $about])+ $name} {}
            $( {$(#[doc = $doc])+ $field $wire} $occurs $kind [$($($argument)*)?] ; )*);

        impl $crate::message::Message for $name {
            const RECORD: $crate::message::Record = $crate::message::Record {
                name: stringify!($name),
                fields: &[ $( $crate::message::Field {
                    name: $wire,
                    kind: $crate::message::messages!(@kind $kind [$($($argument)*)?]),
                    min: $crate::message::messages!(@min $occurs $($($bounds)*)?),
                    max: $crate::message::messages!(@max $occurs $($($bounds)*)?),
                    doc: concat!($($doc),+),
                } ),* ],
                doc: concat!($($about),+),
            };
        }
    )* };

    // All fields at once: what yaserde derives looks up names by the place where a field's first token stands.
    (@structure {$(#[$about:meta])+ $name:ident} {
        $( {$(#[$doc:meta])+ $field:ident $wire:tt [$($type:tt)+] [$($json:tt)*]} )*
    }) => {
        $(#[$about])+
        #[derive(Clone, Debug, Default, PartialEq)]
        #[derive(::yaserde::YaSerialize, ::yaserde::YaDeserialize, ::serde::Serialize, ::serde::Deserialize)]
        pub struct $name { $(
            $(#[$doc])+
            #[yaserde(rename = $wire)]
            #[serde(rename = $wire $($json)*)]
            pub $field: $($type)+,
        )* }
    };
    (@structure $head:tt $done:tt $field:tt $occurs:ident text $argument:tt ; $($rest:tt)*) => {
        $crate::message::messages!(@field $head $done $field $occurs String; $($rest)*);
    };
    (@structure $head:tt $done:tt $field:tt $occurs:ident secret $argument:tt ; $($rest:tt)*) => {
        $crate::message::messages!(@field $head $done $field $occurs Secret; $($rest)*);
    };
    (@structure $head:tt $done:tt $field:tt $occurs:ident word $argument:tt ; $($rest:tt)*) => {
        $crate::message::messages!(@field $head $done $field $occurs String; $($rest)*);
    };
    (@structure $head:tt $done:tt $field:tt $occurs:ident int $argument:tt ; $($rest:tt)*) => {
        $crate::message::messages!(@field $head $done $field $occurs i64; $($rest)*);
    };
    (@structure $head:tt $done:tt $field:tt $occurs:ident flag $argument:tt ; $($rest:tt)*) => {
        $crate::message::messages!(@field $head $done $field $occurs bool; $($rest)*);
    };
    (@structure $head:tt $done:tt $field:tt $occurs:ident time $argument:tt ; $($rest:tt)*) => {
        $crate::message::messages!(@field $head $done $field $occurs Moment; $($rest)*);
    };
    (@structure $head:tt $done:tt $field:tt $occurs:ident binary $argument:tt ; $($rest:tt)*) => {
        $crate::message::messages!(@field $head $done $field $occurs BinaryRef; $($rest)*);
    };
    (@structure $head:tt $done:tt $field:tt $occurs:ident record [$record:ident] ; $($rest:tt)*) => {
        $crate::message::messages!(@field $head $done $field $occurs $record; $($rest)*);
    };

    (@field $head:tt {$($done:tt)*} {$($field:tt)*} one $type:ident; $($rest:tt)*) => {
        $crate::message::messages!(@structure $head {$($done)* {$($field)* [$type] []}} $($rest)*);
    };
    (@field $head:tt {$($done:tt)*} {$($field:tt)*} maybe $type:ident; $($rest:tt)*) => {
        $crate::message::messages!(@structure $head {
            $($done)* {$($field)* [Option<$type>] [, default, skip_serializing_if = "Option::is_none"]}
        } $($rest)*);
    };
    (@field $head:tt {$($done:tt)*} {$($field:tt)*} many $type:ident; $($rest:tt)*) => {
        $crate::message::messages!(@structure $head {$($done)* {$($field)* [Vec<$type>] [, default]}} $($rest)*);
    };

    (@kind text [$max:expr]) => { $crate::message::Kind::Text($max) };
    (@kind secret [$max:expr]) => { $crate::message::Kind::Secret($max) };
    (@kind word [$($word:literal)+]) => { $crate::message::Kind::Word(&[$($word),+]) };
    (@kind int [$min:expr, $max:expr]) => { $crate::message::Kind::Int($min, $max) };
    (@kind flag []) => { $crate::message::Kind::Flag };
    (@kind time []) => { $crate::message::Kind::Time };
    (@kind binary []) => { $crate::message::Kind::Binary };
    (@kind record [$record:ident]) => { $crate::message::Kind::Record(&<$record as $crate::message::Message>::RECORD) };

    (@min one) => { 1 };
    (@min maybe) => { 0 };
    (@min many $min:expr, $max:expr) => { $min };
    (@max one) => { 1 };
    (@max maybe) => { 1 };
    (@max many $min:expr, $max:expr) => { $max };
}
pub(crate) use messages;
