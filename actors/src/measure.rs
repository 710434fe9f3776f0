//! Names and units of everything that sealmill counts. Exporting is `server`'s work.

use rustix::time::{ClockId, clock_gettime};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// A stage of a document's way, as metrics and load tests name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Taking a file of a watched directory.
    Claim,
    /// Waiting for a place at a signer.
    Choose,
    /// Reading, hashing, laying out.
    Prepare,
    /// From handing the digest to the token until its value is there.
    Sign,
    /// Checking the value and building the result.
    Assemble,
    /// Lifting to a higher level, without what is asked of others.
    Lift,
    /// Waiting for time stamps.
    Stamp,
    /// Waiting for certificates and revocation material.
    Evidence,
    /// Writing the result.
    Write,
    /// Making results durable, a group at a time.
    Sync,
    /// The same and making outcomes durable in the store, a group at a time.
    Record,
    /// Moving results and sources to where people look.
    Publish,
}

impl Stage {
    /// The label in metrics.
    pub fn word(self) -> &'static str {
        match self {
            Stage::Claim => "claim",
            Stage::Choose => "choose",
            Stage::Prepare => "prepare",
            Stage::Sign => "sign",
            Stage::Assemble => "assemble",
            Stage::Lift => "lift",
            Stage::Stamp => "stamp",
            Stage::Evidence => "evidence",
            Stage::Write => "write",
            Stage::Sync => "sync",
            Stage::Record => "record",
            Stage::Publish => "publish",
        }
    }

    /// Runs `work` and records how long it took and how much of the processor it used. For work that stays on one
    /// thread.
    pub fn timed<T>(self, work: impl FnOnce() -> T) -> T {
        let (started, cpu) = (Instant::now(), thread_cpu());
        let result = work();
        self.record(started.elapsed());
        self.record_cpu(thread_cpu().saturating_sub(cpu));
        result
    }

    /// Records the duration of work that moved between threads.
    pub fn record(self, elapsed: Duration) {
        self.meters().seconds.record(elapsed.as_secs_f64());
    }

    /// Records processor time.
    pub fn record_cpu(self, cpu: Duration) {
        let nanos = u64::try_from(cpu.as_nanos()).unwrap_or(u64::MAX);
        self.meters().cpu_nanoseconds.increment(nanos);
    }

    /// Looked up at the first use, and not again for every document.
    fn meters(self) -> &'static Meters {
        static METERS: [OnceLock<Meters>; STAGES] = [const { OnceLock::new() }; STAGES];
        METERS[self as usize].get_or_init(|| Meters {
            seconds: metrics::histogram!(STAGE_SECONDS, "stage" => self.word()),
            cpu_nanoseconds: metrics::counter!(STAGE_CPU_NANOSECONDS, "stage" => self.word()),
        })
    }
}

const STAGES: usize = Stage::Publish as usize + 1;

struct Meters {
    seconds: metrics::Histogram,
    cpu_nanoseconds: metrics::Counter,
}

/// Processor time of the calling thread.
pub fn thread_cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Histogram: seconds per stage. Label `stage`.
pub const STAGE_SECONDS: &str = "sealmill_stage_seconds";
/// Counter: nanoseconds of processor time per stage. Label `stage`.
pub const STAGE_CPU_NANOSECONDS: &str = "sealmill_stage_cpu_nanoseconds_total";
/// Counter: documents that ended. Labels `door`, `outcome`.
pub const DOCUMENTS: &str = "sealmill_documents_total";
/// Gauge: documents that have entered and not ended.
pub const IN_FLIGHT: &str = "sealmill_documents_in_flight";
/// Gauge: documents that wait for a place at a signer.
pub const WAITING: &str = "sealmill_documents_waiting";
/// Gauge: free intake permits.
pub const PERMITS: &str = "sealmill_intake_permits_free";
/// Counter: signatures per token. Label `token`.
pub const SIGNATURES: &str = "sealmill_token_signatures_total";
/// Gauge: 1 for the state a token is in. Labels `token`, `state`.
pub const TOKEN_STATE: &str = "sealmill_token_state";
/// Gauge: requests in line at a token. Label `token`.
pub const TOKEN_QUEUE: &str = "sealmill_token_queue";
/// Gauge: places that are out at a token. Label `token`.
pub const TOKEN_ASSIGNED: &str = "sealmill_token_assigned";
/// Histogram: rows of one group in the store.
pub const GROUP_ROWS: &str = "sealmill_store_group_rows";
/// Counter: groups that the store could not take at once.
pub const STORE_BUSY: &str = "sealmill_store_busy_total";
/// Gauge: 1 while a watched directory works, 0 while its reason keeps it from working. Label `directory`.
pub const DIRECTORY_UP: &str = "sealmill_directory_up";
/// Counter: questions to time-stamping authorities. Labels `authority`, `outcome`.
pub const TIME_STAMPS: &str = "sealmill_time_stamps_total";
/// Gauge: 1 while an authority is asked, 0 while it is left alone. Label `authority`.
pub const AUTHORITY_UP: &str = "sealmill_authority_up";
/// Histogram: documents under one time stamp.
pub const STAMP_BATCH_DOCUMENTS: &str = "sealmill_stamp_batch_documents";
