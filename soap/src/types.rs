//! The messages of every operation, by family. Each structure is declared together with its row of the table.

pub mod archive;
pub mod basic;
pub mod judge;
pub mod look;
pub mod session;
pub mod sign;
pub mod user;

pub use archive::*;
pub use basic::*;
pub use judge::*;
pub use look::*;
pub use session::*;
pub use sign::*;
pub use user::*;
