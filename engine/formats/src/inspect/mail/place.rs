//! Where in a mail something is, and what a reader sees beside it.

use super::address::Originators;
use model::Reason;
use std::rc::Rc;

/// The place of an entity.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// The numbers of the parts on the way, from 1.
    numbers: Vec<usize>,
    /// How many parts the last of them is among.
    among: usize,
    /// How many entities are around it.
    pub(super) depth: usize,
    /// What is shown beside it.
    pub(super) beside: Beside,
    /// Inside of something else that is signed.
    pub(super) protected: bool,
    /// Inside of a mail that is attached to another one.
    pub(super) attached: bool,
    /// Whom the mail around it is from.
    pub(super) originators: Rc<Originators>,
}

/// What a reader sees of a mail beside a part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Beside {
    /// Nothing: it is all.
    Nothing,
    /// Text behind it, as mailing lists add it.
    Footer,
    /// Anything else: it may be hidden, or be taken for something that it does not say.
    Content,
}

impl Place {
    /// The whole of a mail.
    pub(super) fn root() -> Self {
        Self {
            numbers: Vec::new(),
            among: 1,
            depth: 0,
            beside: Beside::Nothing,
            protected: false,
            attached: false,
            originators: Rc::default(),
        }
    }

    /// One of the parts of this.
    pub(super) fn part(&self, number: usize, among: usize, beside: Beside) -> Self {
        let mut part = self.clone();
        part.numbers.push(number);
        part.among = among;
        part.depth += 1;
        part.beside = self.beside.max(beside);
        part
    }

    /// What was signed in one piece with its signature, or encrypted: its parts are counted anew.
    pub(super) fn content(&self) -> Self {
        Self { numbers: Vec::new(), among: 1, depth: self.depth + 1, ..self.clone() }
    }

    /// The mail that is attached here.
    pub(super) fn mail(&self) -> Self {
        Self { attached: true, protected: false, beside: Beside::Nothing, ..self.content() }
    }

    /// The same, inside of something that is signed.
    pub(super) fn signed(self) -> Self {
        Self { protected: true, ..self }
    }

    /// The same, in a mail from these.
    pub(super) fn from(&self, originators: Originators) -> Self {
        Self { originators: Rc::new(originators), ..self.clone() }
    }

    /// Whether it is the body of a mail, or of what was decrypted.
    pub(super) fn is_root(&self) -> bool {
        self.numbers.is_empty()
    }

    /// Whether there is nothing else in the mail.
    pub(super) fn is_whole(&self) -> bool {
        self.beside == Beside::Nothing && !self.attached
    }

    /// The number of the part: `1.2`.
    pub(super) fn path(&self) -> String {
        self.numbers.iter().map(usize::to_string).collect::<Vec<_>>().join(".")
    }

    /// For people.
    pub(super) fn label(&self) -> String {
        match self.numbers[..] {
            [] => "the whole body".to_owned(),
            _ if self.beside == Beside::Nothing && !self.protected => format!("the whole body (part {})", self.path()),
            [number] => format!("part {number} of {}", self.among),
            _ => format!("part {}", self.path()),
        }
    }

    /// What a signature here does not say: (whether it is a fault, the reason).
    pub(super) fn partial(&self) -> Option<(bool, Reason)> {
        let label = self.label();
        match self.beside {
            _ if self.protected => None,
            Beside::Nothing => None,
            Beside::Footer => {
                let sentence = format!("the signature is over {label}; the text behind it was added by somebody else");
                Some((false, Reason::new("mail-partly-signed", sentence)))
            }
            Beside::Content => {
                let sentence = format!(
                    "the signature is over {label} only; the mail shows other content beside it that is not signed, which \
                     is how a signature is borrowed for words that its owner never signed"
                );
                Some((true, Reason::new("mail-unsigned-content", sentence)))
            }
        }
    }
}
