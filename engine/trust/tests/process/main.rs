//! What sealmill signs, judged by the whole process under the trust of a small world; and what is made of each kind of
//! damage to it.
#![allow(clippy::unwrap_used)]

mod damage;
mod levels;
mod past;
mod support;
