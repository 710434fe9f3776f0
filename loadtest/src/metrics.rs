//! Asks the server for its metrics and reads what it answers (Prometheus text format 0.0.4).

use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// The samples of one answer: name with labels, as written, and value.
#[derive(Clone, Debug, Default)]
pub(crate) struct Samples(BTreeMap<String, f64>);

impl Samples {
    /// Asks for the page.
    pub(crate) fn fetch(address: SocketAddr) -> Result<Self> {
        let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        // HTTP/1.0: the answer ends with the connection and has no chunks.
        stream.write_all(b"GET /metrics HTTP/1.0\r\n\r\n")?;
        let mut answer = String::new();
        stream.take(ANSWER_BYTES_MAX).read_to_string(&mut answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").context("the metrics page has no end of its head")?;
        if !head.lines().next().is_some_and(|status| status.contains(" 200 ")) {
            bail!("the metrics page says {}", head.lines().next().unwrap_or_default());
        }
        Ok(Self::parse(body))
    }

    /// Reads the text. Lines that are none of ours are passed over.
    pub(crate) fn parse(text: &str) -> Self {
        let samples = text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| {
            // A label's value may hold blanks; a sample's value does not. No time stamps are written.
            let (name, value) = line.rsplit_once(' ')?;
            Some((name.trim().to_owned(), value.parse().ok()?))
        });
        Self(samples.collect())
    }

    /// The values of one metric by one of its labels, summed over the others.
    pub(crate) fn by_label(&self, metric: &str, label: &str) -> BTreeMap<String, f64> {
        let mut sums = BTreeMap::new();
        for (name, value) in &self.0 {
            let Some(labels) = name.strip_prefix(metric).and_then(|rest| rest.strip_prefix('{')) else { continue };
            if let Some(found) = label_value(labels, label) {
                *sums.entry(found.to_owned()).or_default() += value;
            }
        }
        sums
    }
}

/// `stage="claim",…}` and `stage` give `claim`. None of the values we read holds a quotation mark.
fn label_value<'t>(labels: &'t str, wanted: &str) -> Option<&'t str> {
    let start = labels.match_indices(wanted).find_map(|(at, _)| {
        let before = labels[..at].chars().next_back();
        let rest = labels[at + wanted.len()..].strip_prefix("=\"")?;
        matches!(before, None | Some(',')).then_some(rest)
    })?;
    start.split('"').next()
}

const ANSWER_BYTES_MAX: u64 = 8 * 1024 * 1024;
const PATIENCE: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const PAGE: &str = r#"# TYPE sealmill_stage_cpu_nanoseconds_total counter
sealmill_stage_cpu_nanoseconds_total{stage="claim"} 1500
sealmill_stage_cpu_nanoseconds_total{stage="write"} 2.5e6
# HELP sealmill_documents_total documents
sealmill_documents_total{door="directory:a b",outcome="done"} 7
sealmill_documents_total{door="directory:c",outcome="done"} 5
sealmill_documents_total{outcome="rejected",door="directory:c"} 1
sealmill_documents_in_flight 3
sealmill_stage_seconds_bucket{stage="claim",le="+Inf"} 9
nonsense
"#;

    #[test]
    fn samples_are_found_by_metric_and_label() {
        let samples = Samples::parse(PAGE);
        let check = |metric, label, expected: &[(&str, f64)]| {
            let expected = expected.iter().map(|(key, value)| ((*key).to_owned(), *value)).collect();
            assert_eq!(samples.by_label(metric, label), expected, "{metric} by {label}");
        };
        check("sealmill_stage_cpu_nanoseconds_total", "stage", &[("claim", 1500.0), ("write", 2.5e6)]);
        check("sealmill_documents_total", "outcome", &[("done", 12.0), ("rejected", 1.0)]);
        check("sealmill_documents_total", "door", &[("directory:a b", 7.0), ("directory:c", 6.0)]);
        check("sealmill_documents_total", "oor", &[]);
        check("sealmill_documents", "outcome", &[]);
    }

    #[test]
    fn a_page_is_fetched_and_an_error_page_is_refused() {
        let serve = |answer: &'static str| {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap();
            let server = std::thread::spawn(move || {
                let (mut stream, _) = listener.accept().unwrap();
                let mut request = [0; 64];
                let _ = stream.read(&mut request).unwrap();
                stream.write_all(answer.as_bytes()).unwrap();
            });
            let samples = Samples::fetch(address);
            server.join().unwrap();
            samples
        };
        let samples = serve("HTTP/1.0 200 OK\r\nconnection: close\r\n\r\na{b=\"c\"} 4\n").unwrap();
        assert_eq!(samples.by_label("a", "b")["c"], 4.0);
        assert!(serve("HTTP/1.0 503 Service Unavailable\r\n\r\n").unwrap_err().to_string().contains("503"));
    }
}
