//! Evidence that documents existed: hash trees over digests and the evidence records of RFC 4998. Pure functions over
//! digests and time-stamp tokens; never reads a document, a clock or a socket.

#![warn(missing_docs)]
