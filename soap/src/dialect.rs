//! The dialects of existing clients, as far as they have messages of their own.

pub mod secsigner;
