//! One time stamp for many documents: how many are asked for, and that every document gets its own record or a reason.

#![allow(clippy::unwrap_used)]

use actors::stamp_batch::{BatchLimits, NoRecord, StampBatcher};
use actors::timestamp::{AuthoritySettings, Rest, TimeStampSettings, TimeStamper};
use archive::EvidenceRecord;
use formats::crypto;
use futures_util::future::join_all;
use model::profile::{AuthorityName, StampOptions};
use model::{Digest, DigestAlgorithm, SystemClock};
use std::sync::Arc;
use std::time::Duration;
use testkit::world::{Fault, World};
use tokio::sync::Semaphore;

const LIMITS: BatchLimits =
    BatchLimits { size_max: 16, quiet: Duration::from_millis(300), wait_max: Duration::from_secs(30) };

fn batcher(world: &World, limits: BatchLimits) -> StampBatcher {
    let mut settings = AuthoritySettings::new(AuthorityName("a".into()), world.url("/tsa"));
    settings.anchors = vec![world.root_der().into()];
    settings.rest = Rest { failures_max: 100, ..Rest::default() };
    let settings = TimeStampSettings { authorities: vec![settings], ..TimeStampSettings::default() };
    StampBatcher::new(TimeStamper::new(settings, Arc::new(SystemClock)).unwrap(), limits)
}

fn options() -> StampOptions {
    StampOptions {
        authorities: vec![AuthorityName("a".into())],
        digest: DigestAlgorithm::Sha256,
        policy: None,
        batch: true,
    }
}

fn digest(number: u32) -> Digest {
    crypto::digest(DigestAlgorithm::Sha256, &number.to_be_bytes())
}

fn proves(record: &[u8], digest: &Digest) {
    let record = EvidenceRecord::read(record).unwrap();
    archive::check(&record, &|_| Some(vec![digest.as_bytes().to_vec()])).unwrap();
    let other = crypto::digest(DigestAlgorithm::Sha256, b"another document");
    assert!(archive::check(&record, &|_| Some(vec![other.as_bytes().to_vec()])).is_err());
}

/// Joins the batch and gives the record that was written, or why there is none.
async fn record(batcher: &StampBatcher, number: u32) -> Result<Vec<u8>, NoRecord> {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("record");
    batcher.join(&options(), digest(number), to.clone()).await?;
    Ok(std::fs::read(to).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn many_documents_share_few_time_stamps_and_each_has_its_record() {
    let world = World::start().unwrap();
    let batcher = batcher(&world, LIMITS);
    let records = join_all((0..40).map(|number| record(&batcher, number))).await;
    for (number, record) in (0..).zip(records) {
        proves(&record.unwrap(), &digest(number));
    }
    assert_eq!(world.count("/tsa"), 3, "16 and 16 because they are full, 8 because nobody else came");
    assert_eq!(batcher.waiting(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_time_stamp_nobody_in_the_batch_is_finished() {
    let world = World::start().unwrap();
    let batcher = batcher(&world, LIMITS);
    for fault in [Fault::Http500, Fault::WrongImprint, Fault::BadSignature] {
        world.fault("/tsa", fault, u64::MAX);
        let records = join_all((0..20).map(|number| record(&batcher, number))).await;
        assert!(records.iter().all(Result::is_err), "{fault:?}");
        let batcher = self::batcher(&world, LIMITS);
        world.heal("/tsa");
        proves(&record(&batcher, 1).await.unwrap(), &digest(1));
    }
}

/// More documents than permits, fewer permits than a full batch: it ends all the same.
#[tokio::test(flavor = "multi_thread")]
async fn documents_that_hold_every_permit_do_not_wait_for_ever() {
    let world = World::start().unwrap();
    let limits = BatchLimits { size_max: 1_000, quiet: Duration::from_millis(50), ..LIMITS };
    let batcher = batcher(&world, limits);
    let permits = Semaphore::new(8);
    let all = join_all((0..40).map(|number| {
        let (batcher, permits) = (&batcher, &permits);
        async move {
            let _permit = permits.acquire().await.unwrap();
            proves(&record(batcher, number).await.unwrap(), &digest(number));
        }
    }));
    tokio::time::timeout(Duration::from_secs(60), all).await.unwrap();
    assert!((5..=40).contains(&world.count("/tsa")), "{}", world.count("/tsa"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_closes_when_it_is_told_to_and_when_its_first_has_waited_long_enough() {
    let world = World::start().unwrap();
    let patient =
        BatchLimits { size_max: 1_000, quiet: Duration::from_secs(3_600), wait_max: Duration::from_secs(3_600) };
    let batcher = batcher(&world, patient);
    let waiting = tokio::spawn({
        let batcher = batcher.clone();
        async move { join_all((0..3).map(|number| record(&batcher, number))).await }
    });
    while batcher.waiting() < 3 {
        tokio::task::yield_now().await;
    }
    batcher.flush();
    assert!(waiting.await.unwrap().iter().all(Result::is_ok));
    assert_eq!(world.count("/tsa"), 1);

    let soon = BatchLimits { wait_max: Duration::from_millis(200), ..patient };
    let batcher = self::batcher(&world, soon);
    proves(&record(&batcher, 9).await.unwrap(), &digest(9));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_cannot_be_written_spoils_no_other() {
    let world = World::start().unwrap();
    let batcher = batcher(&world, LIMITS);
    let options = options();
    let nowhere = std::path::PathBuf::from("/nonexistent/record");
    let (lost, found) = tokio::join!(batcher.join(&options, digest(1), nowhere), record(&batcher, 2));
    assert!(matches!(lost, Err(NoRecord::NotWritten(_))), "{lost:?}");
    proves(&found.unwrap(), &digest(2));
}
