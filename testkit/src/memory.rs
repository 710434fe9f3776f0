//! How much memory a process has held at most, as the kernel counts it (Linux, /proc).

use anyhow::{Context, Result};
use std::process;

/// The most resident memory this process has held since its start or since [`forget_peak`], in bytes.
pub fn peak_bytes() -> Result<u64> {
    peak_bytes_of(process::id())
}

/// The most resident memory that another process has held, in bytes.
pub fn peak_bytes_of(pid: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).context("read the state of the process")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("the kernel gives no peak")?;
    let kibibytes: u64 = line.trim().trim_end_matches("kB").trim().parse().context("read the peak")?;
    Ok(kibibytes * 1024)
}

/// Starts the count anew at what this process holds now.
pub fn forget_peak() -> Result<()> {
    std::fs::write("/proc/self/clear_refs", "5").context("reset the peak")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_peak_shows_what_was_held() {
        let before = peak_bytes().unwrap();
        let held = vec![1_u8; 300 << 20];
        assert!(std::hint::black_box(&held).iter().step_by(4_096).all(|byte| *byte == 1));
        assert!(peak_bytes().unwrap() >= before.max(300 << 20));
        assert!(peak_bytes_of(process::id()).unwrap() >= 300 << 20);
    }
}
