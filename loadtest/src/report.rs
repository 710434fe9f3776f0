//! What was measured, the ratios, and the table people read. The JSON object has the same names.

use crate::Directory;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::{Add, Div};

/// Processor time of the ideal program for one document, in microseconds.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct LimitCpu {
    /// The raw signature.
    pub(crate) sign: f64,
    /// One pass over the document.
    pub(crate) sha256: f64,
    /// The check of the signature.
    pub(crate) verify: f64,
    /// Reading, writing, syncing, renaming.
    pub(crate) copy: f64,
}

impl LimitCpu {
    pub(crate) fn total(self) -> f64 {
        self.sign + self.sha256 + self.verify + self.copy
    }
}

impl Add for LimitCpu {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self {
            sign: self.sign + other.sign,
            sha256: self.sha256 + other.sha256,
            verify: self.verify + other.verify,
            copy: self.copy + other.copy,
        }
    }
}

impl Div<f64> for LimitCpu {
    type Output = Self;
    fn div(self, by: f64) -> Self {
        Self { sign: self.sign / by, sha256: self.sha256 / by, verify: self.verify / by, copy: self.copy / by }
    }
}

/// One run of the ideal program.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct LimitRun {
    pub(crate) per_second: f64,
    pub(crate) seconds: f64,
    pub(crate) cpu_micros: LimitCpu,
}

/// The key alone.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct RawRate {
    pub(crate) sessions: usize,
    pub(crate) per_second: f64,
}

/// The server's run.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ServerRun {
    /// From the start of the process to its first claim; not part of `seconds`.
    pub(crate) startup_seconds: f64,
    /// From the first claim to the last result in `out/`.
    pub(crate) seconds: f64,
    pub(crate) per_second: f64,
    /// Processor time of the server and its children for one document.
    pub(crate) cpu_micros: f64,
    /// The same by stage, as the server counts it.
    pub(crate) stage_cpu_micros: BTreeMap<String, f64>,
    /// Signatures by token.
    pub(crate) signatures: BTreeMap<String, f64>,
    pub(crate) peak_mebibytes: f64,
}

impl ServerRun {
    /// Processor time that no stage claims: queues, wake-ups, the store's threads.
    pub(crate) fn other_cpu_micros(&self) -> f64 {
        self.cpu_micros - self.stage_cpu_micros.values().sum::<f64>()
    }
}

/// pyHanko's run.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct PeerRun {
    pub(crate) documents: usize,
    pub(crate) processes: usize,
    pub(crate) per_second: f64,
}

/// Everything.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    door: &'static str,
    documents: usize,
    size: usize,
    profile: &'static str,
    key: &'static str,
    software_tokens: Option<usize>,
    softhsm_sessions: Option<usize>,
    store: String,
    cores: usize,
    raw_sign: Vec<RawRate>,
    limit_before: LimitRun,
    sealmill: ServerRun,
    limit_after: LimitRun,
    /// Rate of sealmill by the mean rate of the two limits.
    ratio: f64,
    /// Processor time of the limit by that of sealmill: the ratio that other programs on the machine disturb least.
    cpu_ratio: f64,
    /// Rate of sealmill by the best raw rate of the key.
    ratio_to_raw_sign: f64,
    other_cpu_micros: f64,
    peer: Option<PeerRun>,
    /// Time stamps that the server asked for.
    time_stamps: Option<u64>,
    /// How many times faster than the peer.
    peer_factor: Option<f64>,
}

impl Report {
    pub(crate) fn new(
        arguments: &Directory,
        raw_sign: Vec<RawRate>,
        [limit_before, limit_after]: [LimitRun; 2],
        sealmill: ServerRun,
        peer: Option<PeerRun>,
        time_stamps: Option<u64>,
    ) -> Self {
        let limit_cpu = (limit_before.cpu_micros.total() + limit_after.cpu_micros.total()) / 2.0;
        let best_raw = raw_sign.iter().map(|rate| rate.per_second).fold(0.0, f64::max);
        Self {
            door: "directory",
            documents: arguments.documents,
            size: arguments.size(),
            profile: arguments.profile.word(),
            key: arguments.key.kind().name(),
            software_tokens: arguments.softhsm.is_none().then_some(arguments.tokens),
            softhsm_sessions: arguments.softhsm,
            store: format!("{:?}", arguments.store).to_lowercase(),
            cores: crate::limit::cores(),
            ratio: sealmill.per_second / ((limit_before.per_second + limit_after.per_second) / 2.0),
            cpu_ratio: limit_cpu / sealmill.cpu_micros,
            ratio_to_raw_sign: sealmill.per_second / best_raw,
            other_cpu_micros: sealmill.other_cpu_micros(),
            peer_factor: peer.map(|peer| sealmill.per_second / peer.per_second),
            raw_sign,
            limit_before,
            sealmill,
            limit_after,
            peer,
            time_stamps,
        }
    }

    /// For people.
    pub(crate) fn table(&self) -> String {
        let mut text = String::new();
        let tokens = match (self.software_tokens, self.softhsm_sessions) {
            (_, Some(sessions)) => format!("1 SoftHSM token, {sessions} sessions"),
            (Some(tokens), _) => format!("{tokens} software tokens"),
            (None, None) => String::new(),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{} documents of {} bytes, {}, {}, {tokens}, {}, {} cores\n",
            self.documents, self.size, self.profile, self.key, self.store, self.cores
        );
        let _ = writeln!(text, "{:<28}{:>14}{:>20}", "", "signatures/s", "CPU µs/document");
        let mut row = |what: &str, rate: Option<f64>, cpu: Option<f64>| {
            let shown = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.0}"));
            let _ = writeln!(text, "{what:<28}{:>14}{:>20}", shown(rate), shown(cpu));
        };
        for raw in &self.raw_sign {
            row(&format!("raw sign, {} sessions", raw.sessions), Some(raw.per_second), None);
        }
        row("limit, before", Some(self.limit_before.per_second), Some(self.limit_before.cpu_micros.total()));
        row("sealmill", Some(self.sealmill.per_second), Some(self.sealmill.cpu_micros));
        row("limit, after", Some(self.limit_after.per_second), Some(self.limit_after.cpu_micros.total()));
        if let Some(peer) = &self.peer {
            row(&format!("pyHanko, {} processes", peer.processes), Some(peer.per_second), None);
        }
        let _ = writeln!(text, "\nratio to the limit            {:>6.3}   (CPU {:.3})", self.ratio, self.cpu_ratio);
        let _ = writeln!(text, "ratio to the best raw sign    {:>6.3}", self.ratio_to_raw_sign);
        if let Some(factor) = self.peer_factor {
            let _ = writeln!(text, "times faster than pyHanko     {factor:>6.1}");
        }
        if let Some(count) = self.time_stamps {
            let _ = writeln!(text, "time stamps asked for         {count:>6}");
        }
        let _ = writeln!(text, "peak memory                   {:>6.1} MiB", self.sealmill.peak_mebibytes);
        let _ = writeln!(text, "start to first claim          {:>6.3} s", self.sealmill.startup_seconds);
        let _ = writeln!(text, "first claim to last result    {:>6.3} s", self.sealmill.seconds);

        let _ = writeln!(text, "\nCPU µs/document");
        let ideal = (self.limit_before.cpu_micros + self.limit_after.cpu_micros) / 2.0;
        let parts = [("sign", ideal.sign), ("sha256", ideal.sha256), ("verify", ideal.verify), ("copy", ideal.copy)];
        for (part, micros) in parts {
            let _ = writeln!(text, "  limit      {part:<12}{micros:>8.1}");
        }
        let stages = ["claim", "prepare", "sign", "assemble", "lift", "write", "record", "publish"];
        let known = stages.iter().filter_map(|stage| Some((*stage, *self.sealmill.stage_cpu_micros.get(*stage)?)));
        // What moves between threads (recording) counts its duration only.
        let known = known.filter(|(_, micros)| *micros > 0.0);
        for (stage, micros) in known.chain([("other", self.other_cpu_micros)]) {
            let _ = writeln!(text, "  sealmill   {stage:<12}{micros:>8.1}");
        }
        let signatures = &self.sealmill.signatures;
        let shares: Vec<_> = signatures.iter().map(|(token, count)| format!("{token} {count:.0}")).collect();
        let _ = writeln!(text, "\nsignatures: {}", shares.join(", "));
        text
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use clap::Parser;

    fn limit(per_second: f64, sign: f64) -> LimitRun {
        let cpu_micros = LimitCpu { sign, sha256: 40.0, verify: 10.0, copy: 150.0 };
        LimitRun { per_second, seconds: 1.0, cpu_micros }
    }

    fn report() -> Report {
        let crate::Door::Directory(arguments) = crate::Arguments::parse_from(["loadtest", "directory"]).door else {
            unreachable!("another door")
        };
        let sealmill = ServerRun {
            startup_seconds: 0.1,
            seconds: 2.0,
            per_second: 900.0,
            cpu_micros: 1_250.0,
            stage_cpu_micros: [("prepare".to_owned(), 150.0), ("write".to_owned(), 200.0)].into(),
            signatures: [("soft:seal-1".to_owned(), 900.0)].into(),
            peak_mebibytes: 42.0,
        };
        let raw = vec![RawRate { sessions: 1, per_second: 800.0 }, RawRate { sessions: 2, per_second: 1_500.0 }];
        let peer = PeerRun { documents: 200, processes: 2, per_second: 90.0 };
        Report::new(&arguments, raw, [limit(1_100.0, 900.0), limit(900.0, 700.0)], sealmill, Some(peer), Some(3))
    }

    #[test]
    fn ratios_take_the_mean_of_both_limits_and_the_best_raw_rate() {
        let report = report();
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-9, "{a} {b}");
        close(report.ratio, 0.9);
        close(report.cpu_ratio, 1_000.0 / 1_250.0);
        close(report.ratio_to_raw_sign, 0.6);
        close(report.other_cpu_micros, 900.0);
        close(report.peer_factor.unwrap(), 10.0);
    }

    #[test]
    fn table_and_object_tell_the_same() {
        let report = report();
        let table = report.table();
        for part in
            ["sealmill                               900                1250", "0.900   (CPU 0.800)", "42.0 MiB"]
        {
            assert!(table.contains(part), "{part} is not in\n{table}");
        }
        let object = serde_json::to_value(&report).unwrap();
        assert_eq!(object["sealmill"]["stage_cpu_micros"]["write"], 200.0);
        assert_eq!(object["peer_factor"], 10.0);
        assert_eq!(object["softhsm_sessions"], serde_json::Value::Null);
    }
}
