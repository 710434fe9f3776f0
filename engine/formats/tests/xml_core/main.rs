//! Reading XML, canonical XML and XPath, judged by libxml2 (xmllint, lxml), by xmlsec1 and by published octets.
#![allow(clippy::unwrap_used)]

mod canonical;
mod documents;
mod expressions;
mod judges;
mod limits;
mod mutated;
mod octets;
mod references;
