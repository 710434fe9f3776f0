//! What the kernel knows of a process and its children: processor time and memory (Linux, `proc(5)`).

use anyhow::{Context, Result};
use std::path::Path;

/// The process and everything it started: the server runs PKCS#11 modules in processes of their own.
fn family(process: u32) -> Vec<u32> {
    let mut found = vec![process];
    let mut next = 0;
    while let Some(process) = found.get(next) {
        let threads = std::fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
        let children = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
        let children: Vec<u32> = children
            .flat_map(|list| list.split_whitespace().filter_map(|id| id.parse().ok()).collect::<Vec<_>>())
            .collect();
        found.extend(children);
        next += 1;
    }
    found
}

/// Processor time of a process and its children so far, in seconds. The kernel tells it in hundredths.
pub(crate) fn cpu_seconds(process: u32) -> Result<f64> {
    let mut ticks = 0;
    for process in family(process) {
        // A child may have ended meanwhile.
        if let Ok(stat) = std::fs::read_to_string(format!("/proc/{process}/stat")) {
            ticks += cpu_ticks(&stat).with_context(|| format!("read /proc/{process}/stat"))?;
        }
    }
    Ok(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
}

/// `utime` and `stime`: fields 14 and 15. The name before them is in brackets and may hold anything.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut fields = rest.split(' ').skip(11).map(|field| field.parse::<u64>().ok());
    Some(fields.next()?? + fields.next()??)
}

/// Most memory that a process and its children had at a time, in mebibytes: the sum of each one's peak.
pub(crate) fn peak_mebibytes(process: u32) -> f64 {
    let peaks = family(process).into_iter().filter_map(|process| {
        let status = std::fs::read_to_string(Path::new("/proc").join(process.to_string()).join("status")).ok()?;
        peak_kibibytes(&status)
    });
    peaks.sum::<u64>() as f64 / 1024.0
}

fn peak_kibibytes(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn fields_are_counted_behind_the_name() {
        let stat = "42 (a) b (c) S 1 42 42 0 -1 4194560 100 0 0 0 250 17 3 4 20 0 5 0 100 200 300";
        assert_eq!(cpu_ticks(stat), Some(267));
        assert_eq!(cpu_ticks("42 (short) S 1"), None);
        assert_eq!(peak_kibibytes("Name:\tx\nVmHWM:\t   10240 kB\n"), Some(10_240));
        assert_eq!(peak_kibibytes("Name:\tx\n"), None);
    }

    #[test]
    fn a_child_belongs_to_the_family() {
        let mut child = std::process::Command::new("sleep").arg("30").spawn().unwrap();
        let members = family(std::process::id());
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(members.contains(&child.id()));
        assert!(peak_mebibytes(std::process::id()) > 0.5);
        assert!(cpu_seconds(std::process::id()).unwrap() >= 0.0);
    }
}
