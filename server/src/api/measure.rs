//! Names of what the network edge counts.

/// Counter: requests answered. Labels `operation`, `outcome` (`ok`, `fault`, `busy`, `refused`).
pub const REQUESTS: &str = "sealmill_api_requests_total";
/// Histogram: seconds from a request's header to its answer's header. Label `operation`.
pub const REQUEST_SECONDS: &str = "sealmill_api_request_seconds";
/// Counter: requests that found no place at the edge. Label `full`: `server`, `tenant`, `user`. Who was told to come back for
/// another reason counts in [`REQUESTS`] with the outcome `busy` all the same.
pub const BUSY: &str = "sealmill_api_busy_total";
/// Gauge: open connections.
pub const CONNECTIONS: &str = "sealmill_api_connections";
/// Gauge: requests being worked on.
pub const IN_FLIGHT: &str = "sealmill_api_requests_in_flight";
/// Counter: connections taken. Label `door`.
pub const CONNECTIONS_TAKEN: &str = "sealmill_api_connections_total";
/// Counter: connections ended by the server's own decision. Label `why`.
pub const CONNECTIONS_ENDED: &str = "sealmill_api_connections_ended_total";
/// Gauge: 1 while the TLS files on disk are those in use, 0 while new ones cannot be used.
pub const CERTIFICATE_FRESH: &str = "sealmill_api_certificate_fresh";
/// Gauge: 1 while old TLS is let in.
pub const LEGACY: &str = "sealmill_api_legacy";
/// Gauge: 1 while the program for old TLS runs, if the server is to run it.
pub const LEGACY_RUNS: &str = "sealmill_api_legacy_runs";
