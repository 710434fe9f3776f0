//! The same tests on both databases: what a store promises must not depend on where it keeps things.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

#[macro_use]
mod support;

use futures_util::future::{join, join_all};
use model::{AuditEntry, DocumentId, Outcome, Reason, TenantId};
use std::time::Instant;
use store::{
    Begin, ChainBreak, ChainFault, DocumentState, Finished, LoginState, NAME_BYTES_MAX, NewDocument, Store, StoreError,
    TrustKind, TrustSource, WholeDocument,
};
use support::{Place, at, documents, end, entry, job, serial, tenant};

on_both!(
    a_job_lives_from_opening_to_its_end,
    lists_come_in_pages,
    tenants_do_not_see_each_other,
    the_first_end_stays,
    a_document_comes_with_its_end,
    a_deferred_document_is_still_open,
    a_server_looks_after_its_own_documents,
    opening_twice_changes_nothing,
    large_and_odd_text_is_bounded,
    everything_is_there_after_reopening,
    stores_that_open_together_migrate_once,
    a_refused_login_blocks_until_an_operator_acts,
    a_crash_during_a_login_blocks,
    only_one_of_two_nodes_may_log_in,
    two_nodes_have_a_chain_each,
    two_stores_of_one_node_share_a_chain,
    a_whole_chain_holds_and_its_head_can_be_kept,
    a_changed_entry_is_found,
    a_removed_entry_is_found,
    an_inserted_entry_is_found,
    a_cut_tail_is_found_with_a_known_head,
    many_callers_finish_at_once,
    a_caller_that_goes_away_does_no_harm,
    a_foreign_schema_is_noticed_at_the_opening,
    trust_is_kept_in_its_newest_state,
    a_hundred_thousand_rows,
);

async fn trust_is_kept_in_its_newest_state(place: &Place) {
    let store = place.open("a").await;
    let source = |sequence: u64, octets: &str| TrustSource {
        name: "batch".to_owned(),
        kind: TrustKind::Batch,
        sequence,
        issued_at: at(1),
        keys: "ab".to_owned(),
        octets: octets.to_owned(),
        imported_at: at(2),
    };
    assert!(store.import_trust(&tenant(), &source(3, "three"), "ada").await.unwrap());
    for older in [3, 2] {
        assert!(!store.import_trust(&tenant(), &source(older, "older"), "ada").await.unwrap(), "{older} rolls back");
    }
    let list = TrustSource { kind: TrustKind::List, ..source(9, "list") };
    assert!(!store.import_trust(&tenant(), &list, "ada").await.unwrap(), "another kind under the same name");
    assert!(store.import_trust(&tenant(), &source(4, "four"), "ada").await.unwrap());
    assert_eq!(store.trust_sources(&tenant()).await.unwrap(), [source(4, "four")]);

    assert!(store.allow_trust(&tenant(), "batch", "centre", "ada", at(3)).await.unwrap());
    assert!(!store.allow_trust(&tenant(), "batch", "centre", "bob", at(4)).await.unwrap());
    let allowed = store.allowed_trust(&tenant()).await.unwrap();
    assert_eq!((allowed.len(), allowed[0].allowed_by.as_str()), (1, "ada"));
    let other = TenantId::new("other").unwrap();
    assert!(store.allowed_trust(&other).await.unwrap().is_empty());
    assert!(store.trust_sources(&other).await.unwrap().is_empty());
    assert!(store.deny_trust(&tenant(), "batch", "centre", "ada", at(5)).await.unwrap());
    assert!(!store.deny_trust(&tenant(), "batch", "centre", "ada", at(6)).await.unwrap());
    assert!(store.allowed_trust(&tenant()).await.unwrap().is_empty());
}

async fn a_job_lives_from_opening_to_its_end(place: &Place) {
    let store = place.open("a").await;
    let job = job(1);
    store.open_job(&tenant(), &job, &documents(3)).await.unwrap();
    let opened = store.job(&tenant(), job.id).await.unwrap().unwrap();
    assert_eq!((opened.counts.open, opened.counts.total(), opened.ended_at), (3, 3, None));
    assert_eq!((opened.door.as_str(), opened.profile.as_str()), ("directory:invoices", "invoices"));
    assert_eq!(store.open_documents(&tenant(), &job.door).await.unwrap().len(), 3);

    let reason = Reason::new("pdf-password-needed", "the file is encrypted; name its password in the profile");
    let ends = [end(job.id, 2, Outcome::Rejected(reason.clone())), end(job.id, 0, Outcome::Done)];
    let audit: Vec<AuditEntry> = ends.iter().map(entry).collect();
    assert_eq!(store.finish(&tenant(), &ends, &audit).await.unwrap(), Finished::default());
    let left = store.open_documents(&tenant(), &job.door).await.unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!((left[0].id.number, left[0].name.as_str()), (1, "invoice-000001.pdf"));
    assert!(store.open_documents(&tenant(), "directory:other").await.unwrap().is_empty());
    assert_eq!(store.job(&tenant(), job.id).await.unwrap().unwrap().ended_at, None);

    let done = store.document(&tenant(), ends[1].id).await.unwrap().unwrap();
    assert_eq!((done.state, done.signer.as_deref(), done.micros), (DocumentState::Done, Some("seal-1"), Some(4_321)));
    assert_eq!((done.output.as_deref(), done.outcome_at), (Some("out/invoice-000000.pdf"), Some(ends[1].ended_at)));
    let rejected = store.document(&tenant(), ends[0].id).await.unwrap().unwrap();
    assert_eq!((rejected.state, rejected.code.as_deref()), (DocumentState::Rejected, Some(reason.code)));
    assert_eq!(rejected.sentence.as_deref(), Some(reason.sentence.as_str()));

    let last = end(job.id, 1, Outcome::Done);
    store.finish(&tenant(), std::slice::from_ref(&last), &[]).await.unwrap();
    let ended = store.job(&tenant(), job.id).await.unwrap().unwrap();
    assert_eq!((ended.counts.done, ended.counts.rejected, ended.counts.open), (2, 1, 0));
    assert_eq!(ended.ended_at, Some(at(102)));
    assert_eq!(store.count_door(&tenant(), &job.door).await.unwrap(), ended.counts);
    assert_eq!(store.audit(&tenant(), None, 10).await.unwrap().len(), 2);
}

async fn lists_come_in_pages(place: &Place) {
    let store = place.open("a").await;
    for number in 1..=5 {
        store.open_job(&tenant(), &job(number), &documents(7)).await.unwrap();
    }
    let page = store.list_documents(&tenant(), job(1).id, None, 4).await.unwrap();
    assert_eq!(page.iter().map(|row| row.id.number).collect::<Vec<_>>(), [0, 1, 2, 3]);
    let page = store.list_documents(&tenant(), job(1).id, Some(3), 4).await.unwrap();
    assert_eq!(page.iter().map(|row| row.id.number).collect::<Vec<_>>(), [4, 5, 6]);
    let page = store.list_jobs(&tenant(), "directory:invoices", None, 2).await.unwrap();
    assert_eq!(page.iter().map(|row| row.id).collect::<Vec<_>>(), [job(5).id, job(4).id]);
    let page = store.list_jobs(&tenant(), "directory:invoices", Some(job(4).id), 9).await.unwrap();
    assert_eq!(page.iter().map(|row| row.id).collect::<Vec<_>>(), [job(3).id, job(2).id, job(1).id]);

    let entries: Vec<AuditEntry> = (0..9).map(|number| entry(&end(job(1).id, number, Outcome::Done))).collect();
    store.append_audit(&tenant(), &entries).await.unwrap();
    let first = store.audit(&tenant(), None, 4).await.unwrap();
    let last = &first[3];
    let rest = store.audit(&tenant(), Some((last.at, &last.node, last.number)), 100).await.unwrap();
    assert_eq!((last.number, rest.len(), rest[0].number), (4, 5, 5));
    let from = store.audit(&tenant(), Some((at(107), "", 0)), 100).await.unwrap();
    assert_eq!(from.len(), 2);
}

async fn tenants_do_not_see_each_other(place: &Place) {
    let store = place.open("a").await;
    let other = TenantId::new("other").unwrap();
    store.open_job(&tenant(), &job(1), &documents(1)).await.unwrap();
    let ended = end(job(1).id, 0, Outcome::Done);
    assert!(store.job(&other, job(1).id).await.unwrap().is_none());
    assert!(store.document(&other, ended.id).await.unwrap().is_none());
    assert!(store.open_documents(&other, "directory:invoices").await.unwrap().is_empty());
    let finished = store.finish(&other, std::slice::from_ref(&ended), &[entry(&ended)]).await.unwrap();
    assert_eq!(finished, Finished { already_ended: vec![], unknown: vec![ended.id] });
    assert!(store.audit(&other, None, 10).await.unwrap().is_empty());
    assert_eq!(store.count_job(&tenant(), job(1).id).await.unwrap().open, 1);
    assert_eq!(store.begin_login(&tenant(), &serial("1"), at(0)).await.unwrap(), Begin::Free);
    assert_eq!(store.begin_login(&other, &serial("1"), at(0)).await.unwrap(), Begin::Free);
}

async fn the_first_end_stays(place: &Place) {
    let store = place.open("a").await;
    let job = job(1);
    store.open_job(&tenant(), &job, &documents(2)).await.unwrap();
    let first = [end(job.id, 0, Outcome::Done)];
    store.finish(&tenant(), &first, &[entry(&first[0])]).await.unwrap();

    // The same group again, now with a second document: as after an answer that was lost.
    let again = [end(job.id, 0, Outcome::Rejected(Reason::new("late", "too late"))), end(job.id, 1, Outcome::Done)];
    let audit: Vec<AuditEntry> = again.iter().map(entry).collect();
    let finished = store.finish(&tenant(), &again, &audit).await.unwrap();
    assert_eq!(finished, Finished { already_ended: vec![first[0].id], unknown: vec![] });
    let kept = store.document(&tenant(), first[0].id).await.unwrap().unwrap();
    assert_eq!((kept.state, kept.sentence), (DocumentState::Done, None));
    let log = store.audit(&tenant(), None, 10).await.unwrap();
    assert_eq!(
        log.iter().map(|row| row.object.clone()).collect::<Vec<_>>(),
        [again[0].id.to_string(), again[1].id.to_string()]
    );

    // Twice in one group: the first one counts.
    let twice = DocumentId { job: job.id, number: 9 };
    let unknown = store.finish(&tenant(), &[end(job.id, 9, Outcome::Done)], &[]).await.unwrap();
    assert_eq!(unknown.unknown, [twice]);
    assert!(store.verify_audit(&tenant(), &[]).await.unwrap().is_intact());
}

async fn a_document_comes_with_its_end(place: &Place) {
    let store = place.open("a").await;
    let whole = |job: u8, number: u32| WholeDocument {
        job: support::job(job),
        name: format!("{number}.pdf"),
        end: end(support::job(job).id, number, Outcome::Done),
    };
    // Two jobs, in any order; the second time as after an answer that was lost, with one more.
    let mut all = vec![whole(2, 0), whole(1, 1), whole(1, 0)];
    for _ in 0..2 {
        let audit: Vec<AuditEntry> = all.iter().map(|document| entry(&document.end)).collect();
        store.record(&tenant(), &all, &audit).await.unwrap();
        all.push(whole(2, 1));
    }
    for job in [1, 2] {
        let row = store.job(&tenant(), support::job(job).id).await.unwrap().unwrap();
        assert_eq!((row.counts.done, row.counts.total(), row.node.as_str()), (2, 2, "a"));
    }
    let row = store.document(&tenant(), all[1].end.id).await.unwrap().unwrap();
    assert_eq!((row.name.as_str(), row.state, row.signer.as_deref()), ("1.pdf", DocumentState::Done, Some("seal-1")));
    assert!(store.open_documents(&tenant(), &support::job(1).door).await.unwrap().is_empty());
    // A later end changes nothing, and there is one entry for each document.
    let late = end(support::job(1).id, 0, Outcome::Rejected(Reason::new("late", "too late")));
    let finished = store.finish(&tenant(), std::slice::from_ref(&late), &[entry(&late)]).await.unwrap();
    assert_eq!(finished.already_ended, [late.id]);
    let verdict = store.verify_audit(&tenant(), &[]).await.unwrap();
    assert!(verdict.is_intact() && verdict.entries == 4, "{verdict:?}");
    let other = TenantId::new("other").unwrap();
    assert!(store.document(&other, late.id).await.unwrap().is_none());
}

async fn a_deferred_document_is_still_open(place: &Place) {
    let store = place.open("a").await;
    let job = job(1);
    store.open_job(&tenant(), &job, &documents(1)).await.unwrap();
    let later = Outcome::Deferred(Reason::new("no-token", "no token of the pool is there; it is tried again"));
    for _ in 0..2 {
        assert_eq!(store.finish(&tenant(), &[end(job.id, 0, later.clone())], &[]).await.unwrap(), Finished::default());
    }
    let row = store.job(&tenant(), job.id).await.unwrap().unwrap();
    assert_eq!((row.counts.deferred, row.counts.unfinished(), row.ended_at), (1, 1, None));
    assert_eq!(store.open_documents(&tenant(), &job.door).await.unwrap().len(), 1);
    store.finish(&tenant(), &[end(job.id, 0, Outcome::Done)], &[]).await.unwrap();
    let row = store.document(&tenant(), DocumentId { job: job.id, number: 0 }).await.unwrap().unwrap();
    assert_eq!((row.state, row.code, row.sentence), (DocumentState::Done, None, None));
    let finished = store.finish(&tenant(), &[end(job.id, 0, later)], &[]).await.unwrap();
    assert_eq!(finished.already_ended.len(), 1);
}

async fn a_server_looks_after_its_own_documents(place: &Place) {
    let (first, second) = (place.open("a").await, place.open("b").await);
    first.open_job(&tenant(), &job(1), &documents(2_345)).await.unwrap();
    second.open_job(&tenant(), &job(2), &documents(3)).await.unwrap();
    let open = first.open_documents(&tenant(), "directory:invoices").await.unwrap();
    assert_eq!((open.len(), open[2_344].id.job), (2_345, job(1).id));
    assert_eq!(second.open_documents(&tenant(), "directory:invoices").await.unwrap().len(), 3);
    assert_eq!(first.job(&tenant(), job(2).id).await.unwrap().unwrap().node, "b");
    assert_eq!(first.count_door(&tenant(), "directory:invoices").await.unwrap().open, 2_348);
}

async fn opening_twice_changes_nothing(place: &Place) {
    let store = place.open("a").await;
    let job = job(1);
    store.open_job(&tenant(), &job, &documents(2)).await.unwrap();
    store.finish(&tenant(), &[end(job.id, 0, Outcome::Done)], &[]).await.unwrap();
    store.open_job(&tenant(), &job, &documents(3)).await.unwrap();
    let counts = store.count_job(&tenant(), job.id).await.unwrap();
    assert_eq!((counts.done, counts.open), (1, 2));
    store.open_job(&tenant(), &support::job(2), &[]).await.unwrap();
    assert_eq!(store.job(&tenant(), support::job(2).id).await.unwrap().unwrap().counts.total(), 0);
}

async fn large_and_odd_text_is_bounded(place: &Place) {
    let store = place.open("a").await;
    let job = job(1);
    let longest = "ü".repeat(NAME_BYTES_MAX / 2);
    let odd = "a'b\"c\\d\n\u{202e}\u{1f4c4} $1 %s .pdf";
    let names = [longest.as_str(), odd, "nul\0byte", ""];
    let new = |number: usize, name: &str| NewDocument { number: number as u32, name: name.to_owned() };
    let all: Vec<NewDocument> = names.iter().enumerate().map(|(number, name)| new(number, name)).collect();
    store.open_job(&tenant(), &job, &all).await.unwrap();
    let stored = store.list_documents(&tenant(), job.id, None, 10).await.unwrap();
    assert_eq!((stored[0].name.as_str(), stored[1].name.as_str()), (longest.as_str(), odd));
    assert_eq!((stored[2].name.as_str(), stored[3].name.as_str()), ("nul\u{fffd}byte", ""));

    let too_long = store.open_job(&tenant(), &job, &[new(7, &(longest + "x"))]).await;
    assert!(matches!(too_long, Err(StoreError::Invalid(_))), "{too_long:?}");

    let sentence = "€".repeat(100_000);
    let ended = end(job.id, 0, Outcome::Rejected(Reason::new("odd", sentence)));
    store.finish(&tenant(), std::slice::from_ref(&ended), &[entry(&ended)]).await.unwrap();
    let stored = store.document(&tenant(), ended.id).await.unwrap().unwrap().sentence.unwrap();
    assert!(stored.len() <= store::TEXT_BYTES_MAX && stored.ends_with("€…"));
    assert!(store.verify_audit(&tenant(), &[]).await.unwrap().is_intact());
}

async fn everything_is_there_after_reopening(place: &Place) {
    let store = place.open("a").await;
    let job = job(1);
    store.open_job(&tenant(), &job, &documents(2)).await.unwrap();
    let first = end(job.id, 0, Outcome::Done);
    store.finish(&tenant(), std::slice::from_ref(&first), &[entry(&first)]).await.unwrap();
    drop(store);
    let store = place.open("a").await;
    assert_eq!(store.count_job(&tenant(), job.id).await.unwrap().done, 1);
    let second = end(job.id, 1, Outcome::Done);
    store.finish(&tenant(), std::slice::from_ref(&second), &[entry(&second)]).await.unwrap();
    let log = store.audit(&tenant(), None, 10).await.unwrap();
    assert_eq!(log.iter().map(|row| row.number).collect::<Vec<_>>(), [1, 2]);
    assert!(store.verify_audit(&tenant(), &[]).await.unwrap().is_intact());
}

async fn stores_that_open_together_migrate_once(place: &Place) {
    let config = place.config();
    let opened = join_all(["a", "b", "c", "d"].map(|node| Store::open(&config, node))).await;
    for store in opened {
        store.unwrap().ping(&tenant()).await.unwrap();
    }
}

async fn a_refused_login_blocks_until_an_operator_acts(place: &Place) {
    let store = place.open("a").await;
    let card = serial("0001\0");
    assert_eq!(store.login_state(&tenant(), &card).await.unwrap(), None);
    assert_eq!(store.begin_login(&tenant(), &card, at(1)).await.unwrap(), Begin::Free);
    assert!(store.login_accepted(&tenant(), &card, at(2)).await.unwrap());
    assert!(!store.login_accepted(&tenant(), &card, at(2)).await.unwrap());
    assert_eq!(store.begin_login(&tenant(), &card, at(3)).await.unwrap(), Begin::Free);
    assert!(store.login_not_tried(&tenant(), &card, at(4)).await.unwrap());
    assert_eq!(store.begin_login(&tenant(), &card, at(5)).await.unwrap(), Begin::Free);
    store.login_refused(&tenant(), &card, "the token calls the PIN wrong", at(6)).await.unwrap();
    for store in [&store, &place.open("b").await] {
        let Begin::Refused(row) = store.begin_login(&tenant(), &card, at(7)).await.unwrap() else {
            panic!("a blocked token was given free");
        };
        assert_eq!((row.state, row.since, row.node.as_str()), (LoginState::Blocked, at(6), "a"));
        assert_eq!(row.why.as_deref(), Some("the token calls the PIN wrong"));
        assert!(!store.login_not_tried(&tenant(), &card, at(8)).await.unwrap());
    }
    assert_eq!(store.begin_login(&tenant(), &serial("0002"), at(8)).await.unwrap(), Begin::Free);
    assert!(store.login_clear(&tenant(), &card, "cli:erika", at(9)).await.unwrap());
    assert!(!store.login_clear(&tenant(), &card, "cli:erika", at(10)).await.unwrap());
    let log = store.audit(&tenant(), None, 10).await.unwrap();
    assert_eq!(log.len(), 1);
    assert_eq!(
        (log[0].who.as_str(), log[0].what.as_str(), log[0].object.as_str()),
        ("cli:erika", "token.login.cleared", "0001\u{fffd}")
    );
    assert_eq!(store.begin_login(&tenant(), &card, at(11)).await.unwrap(), Begin::Free);
    let states = store.login_states(&tenant()).await.unwrap();
    assert_eq!(states.iter().map(|row| row.state).collect::<Vec<_>>(), [LoginState::Attempting; 2]);
}

async fn a_crash_during_a_login_blocks(place: &Place) {
    let card = serial("0001");
    let store = place.open("a").await;
    assert_eq!(store.begin_login(&tenant(), &card, at(1)).await.unwrap(), Begin::Free);
    drop(store);
    let store = place.open("a").await;
    for second in 2..4 {
        let begun = store.begin_login(&tenant(), &card, at(second)).await.unwrap();
        assert!(matches!(&begun, Begin::Refused(row) if row.state == LoginState::Attempting && row.since == at(1)));
    }
    // Another server may not free what it did not begin.
    assert!(!place.open("b").await.login_not_tried(&tenant(), &card, at(4)).await.unwrap());
    assert!(store.login_clear(&tenant(), &card, "cli:erika", at(5)).await.unwrap());
    assert_eq!(store.begin_login(&tenant(), &card, at(6)).await.unwrap(), Begin::Free);
}

async fn only_one_of_two_nodes_may_log_in(place: &Place) {
    let (first, second) = (place.open("a").await, place.open("b").await);
    for round in 0..50 {
        // A row that is not there yet, and one that is free.
        let card = serial(&format!("card-{}", round / 2));
        let (one, other) = join(
            tokio::spawn(begin(first.clone(), card.to_string())),
            tokio::spawn(begin(second.clone(), card.to_string())),
        )
        .await;
        let (one, other) = (one.unwrap(), other.unwrap());
        assert!(one != other, "round {round}: {one} and {other}");
        let winner = if one { &first } else { &second };
        assert!(winner.login_accepted(&tenant(), &card, at(2)).await.unwrap());
    }
}

async fn begin(store: Store, card: String) -> bool {
    store.begin_login(&tenant(), &serial(&card), at(1)).await.unwrap() == Begin::Free
}

async fn two_nodes_have_a_chain_each(place: &Place) {
    let (first, second) = (place.open("a").await, place.open("b").await);
    let append = |store: Store| async move {
        for number in 0..20 {
            store.append_audit(&tenant(), &[entry(&end(job(1).id, number, Outcome::Done))]).await.unwrap();
        }
    };
    join(append(first.clone()), append(second)).await;
    let verdict = first.verify_audit(&tenant(), &[]).await.unwrap();
    assert!(verdict.is_intact() && verdict.entries == 40, "{verdict:?}");
    let ends: Vec<_> = verdict.heads.iter().map(|head| (head.node.as_str(), head.number)).collect();
    assert_eq!(ends, [("a", 20), ("b", 20)]);
}

/// A command line beside the running server, or two servers with one name by mistake: the chain stays one.
async fn two_stores_of_one_node_share_a_chain(place: &Place) {
    let (first, second) = (place.open("a").await, place.open("a").await);
    for number in 0..10 {
        for store in [&first, &second, &second] {
            store.append_audit(&tenant(), &[entry(&end(job(1).id, number, Outcome::Done))]).await.unwrap();
        }
    }
    let verdict = first.verify_audit(&tenant(), &[]).await.unwrap();
    assert!(verdict.is_intact(), "{verdict:?}");
    assert_eq!(verdict.entries, 30);
}

async fn chain_of(place: &Place, entries: u32) -> Store {
    let store = place.open("a").await;
    let entries: Vec<AuditEntry> = (0..entries).map(|number| entry(&end(job(1).id, number, Outcome::Done))).collect();
    store.append_audit(&tenant(), &entries).await.unwrap();
    store
}

async fn breaks(store: &Store) -> Vec<(i64, ChainFault)> {
    let verdict = store.verify_audit(&tenant(), &[]).await.unwrap();
    verdict.breaks.iter().map(|ChainBreak { number, fault, .. }| (*number, *fault)).collect()
}

async fn a_whole_chain_holds_and_its_head_can_be_kept(place: &Place) {
    let store = place.open("a").await;
    assert!(store.verify_audit(&tenant(), &[]).await.unwrap().is_intact());
    // More than one page of the verifier.
    let store2 = chain_of(place, 2_345).await;
    let verdict = store2.verify_audit(&tenant(), &[]).await.unwrap();
    assert!(verdict.is_intact());
    assert_eq!((verdict.entries, verdict.heads.len(), verdict.heads[0].number), (2_345, 1, 2_345));
    store.append_audit(&tenant(), &[entry(&end(job(2).id, 0, Outcome::Done))]).await.unwrap();
    let later = store.verify_audit(&tenant(), &verdict.heads).await.unwrap();
    assert!(later.is_intact(), "{later:?}");
    assert_eq!(later.heads[0].number, 2_346);
}

async fn a_changed_entry_is_found(place: &Place) {
    let store = chain_of(place, 20).await;
    let changes = [
        "UPDATE audit SET who = 'somebody' WHERE number = 3",
        "UPDATE audit SET happened_at = happened_at + 1 WHERE number = 5",
        "UPDATE audit SET signer = NULL WHERE number = 7",
        "UPDATE audit SET detail = '' WHERE number = 9",
        "UPDATE audit SET what = 'document.done.', object = substr(object, 2) WHERE number = 11",
    ];
    for change in changes {
        assert_eq!(place.tamper(change).await, 1);
    }
    let altered = |number| (number, ChainFault::Altered);
    assert_eq!(breaks(&store).await, [3, 5, 7, 9, 11].map(altered));
    // The chain value itself: the entry and its successor no longer fit.
    assert_eq!(place.tamper("UPDATE audit SET chain = 'abc' WHERE number = 14").await, 1);
    assert_eq!(breaks(&store).await, [3, 5, 7, 9, 11, 14, 15].map(altered));
}

async fn a_removed_entry_is_found(place: &Place) {
    let store = chain_of(place, 20).await;
    assert_eq!(place.tamper("DELETE FROM audit WHERE number = 1 OR number IN (7, 8)").await, 3);
    let missing = |number, entries| (number, ChainFault::Missing { entries });
    assert_eq!(breaks(&store).await, [missing(2, 1), missing(9, 2)]);
    // Closing the gap by new numbers only moves the break.
    assert_eq!(place.tamper("UPDATE audit SET number = 7 WHERE number = 9").await, 1);
    let found = breaks(&store).await;
    assert!(found.contains(&(7, ChainFault::Altered)), "{found:?}");
}

async fn an_inserted_entry_is_found(place: &Place) {
    let store = chain_of(place, 5).await;
    let insert = |number: i64, chain: &str| {
        format!(
            "INSERT INTO audit (tenant, node, number, happened_at, who, what, object, signer, detail, chain) \
             VALUES ('acme', 'a', {number}, 5, 'x', 'document.done', 'y', NULL, NULL, '{chain}')"
        )
    };
    place.tamper(&insert(0, &"0".repeat(64))).await;
    place.tamper(&insert(6, &"0".repeat(64))).await;
    assert_eq!(breaks(&store).await, [(0, ChainFault::Inserted), (6, ChainFault::Altered)]);
    // Put in the middle, with everything behind it moved up.
    place.tamper("DELETE FROM audit WHERE number IN (0, 6)").await;
    for number in [5, 4, 3] {
        place.tamper(&format!("UPDATE audit SET number = {} WHERE number = {number}", number + 1)).await;
    }
    place.tamper(&insert(3, &"0".repeat(64))).await;
    assert_eq!(breaks(&store).await, [3, 4, 5, 6].map(|number| (number, ChainFault::Altered)));
}

async fn a_cut_tail_is_found_with_a_known_head(place: &Place) {
    let store = chain_of(place, 10).await;
    let heads = store.verify_audit(&tenant(), &[]).await.unwrap().heads;
    assert_eq!(place.tamper("DELETE FROM audit WHERE number > 8").await, 2);
    assert_eq!(breaks(&store).await, []);
    let verdict = store.verify_audit(&tenant(), &heads).await.unwrap();
    assert_eq!(verdict.breaks, [ChainBreak { node: "a".into(), number: 10, fault: ChainFault::HeadLost }]);
    // Written anew up to the same number: the value is another one.
    drop(store);
    let store = place.open("a").await;
    let other = entry(&end(job(9).id, 0, Outcome::Done));
    store.append_audit(&tenant(), &[other.clone(), other]).await.unwrap();
    let verdict = store.verify_audit(&tenant(), &heads).await.unwrap();
    assert_eq!(verdict.breaks, [ChainBreak { node: "a".into(), number: 10, fault: ChainFault::HeadLost }]);
    assert!(store.verify_audit(&tenant(), &[]).await.unwrap().is_intact());
}

async fn many_callers_finish_at_once(place: &Place) {
    let store = place.open("a").await;
    let job = job(1);
    let (callers, each) = (40_u32, 25_u32);
    store.open_job(&tenant(), &job, &documents(callers * each)).await.unwrap();
    // Each document is handed over by two callers, in opposite orders; each gets exactly one end and one audit entry.
    let tasks = (0..callers * 2).map(|caller| {
        let (store, id) = (store.clone(), job.id);
        tokio::spawn(async move {
            let first = caller / 2 * each;
            let mut ends: Vec<_> = (first..first + each).map(|number| end(id, number, Outcome::Done)).collect();
            if caller % 2 == 1 {
                ends.reverse();
            }
            let audit: Vec<AuditEntry> = ends.iter().map(entry).collect();
            store.finish(&tenant(), &ends, &audit).await.unwrap().already_ended.len()
        })
    });
    let repeated: usize = join_all(tasks).await.into_iter().map(Result::unwrap).sum();
    assert_eq!(repeated, (callers * each) as usize);
    assert_eq!(store.count_job(&tenant(), job.id).await.unwrap().done, u64::from(callers * each));
    let verdict = store.verify_audit(&tenant(), &[]).await.unwrap();
    assert!(verdict.is_intact() && verdict.entries == u64::from(callers * each), "{:?}", verdict.entries);
}

async fn a_caller_that_goes_away_does_no_harm(place: &Place) {
    let store = place.open("a").await;
    let job = job(1);
    store.open_job(&tenant(), &job, &documents(400)).await.unwrap();
    for number in 0..400 {
        let one = end(job.id, number, Outcome::Done);
        let audit = [entry(&one)];
        let ends = [one];
        let wait = std::time::Duration::from_micros(u64::from(number) * 10);
        let _ = tokio::time::timeout(wait, store.finish(&tenant(), &ends, &audit)).await;
    }
    store.append_audit(&tenant(), &[entry(&end(job.id, 0, Outcome::Done))]).await.unwrap();
    let verdict = store.verify_audit(&tenant(), &[]).await.unwrap();
    let done = store.count_job(&tenant(), job.id).await.unwrap().done;
    assert!(verdict.is_intact(), "{verdict:?}");
    assert_eq!(verdict.entries, done + 1, "an end without its audit entry, or the other way round");
    assert!(done > 0);
}

async fn a_foreign_schema_is_noticed_at_the_opening(place: &Place) {
    drop(place.open("a").await);
    place.tamper("ALTER TABLE token_login RENAME COLUMN why TO reason").await;
    let opened = Store::open(&place.config(), "a").await;
    assert!(matches!(&opened, Err(StoreError::Corrupt(text)) if text.contains("LOGIN_BEGIN")), "{:?}", opened.err());
    place.tamper("ALTER TABLE token_login RENAME COLUMN reason TO why").await;
    drop(place.open("a").await);
    // A later version was here.
    place
        .tamper(
            "INSERT INTO refinery_schema_history SELECT 99, 'later', applied_on, checksum FROM refinery_schema_history \
             WHERE version = 1",
        )
        .await;
    let opened = Store::open(&place.config(), "a").await;
    assert!(matches!(&opened, Err(StoreError::Config(text)) if text.contains("another version")), "{:?}", opened.err());
}

async fn a_hundred_thousand_rows(place: &Place) {
    let store = place.open("a").await;
    let (rows, group) = (100_000_u32, 512_usize);
    let job = job(1);
    let started = Instant::now();
    for part in documents(rows).chunks(group) {
        store.open_job(&tenant(), &job, part).await.unwrap();
    }
    let opened = started.elapsed();
    let ends: Vec<_> = (0..rows).map(|number| end(job.id, number, Outcome::Done)).collect();
    let audit: Vec<AuditEntry> = ends.iter().map(entry).collect();
    let started = Instant::now();
    for (ends, audit) in ends.chunks(group).zip(audit.chunks(group)) {
        store.finish(&tenant(), ends, audit).await.unwrap();
    }
    let ended = started.elapsed();
    let started = Instant::now();
    let verdict = store.verify_audit(&tenant(), &[]).await.unwrap();
    let verified = started.elapsed();
    assert!(verdict.is_intact() && verdict.entries == u64::from(rows));
    let started = Instant::now();
    assert!(store.open_documents(&tenant(), &job.door).await.unwrap().is_empty());
    let recovery = started.elapsed();
    let rate = |time: std::time::Duration| f64::from(rows) / time.as_secs_f64();
    eprintln!(
        "{}: rows a second, groups of {group}: opened {:.0}, finished with audit {:.0}, verified {:.0}; open documents \
         found in {recovery:?}",
        store.kind(),
        rate(opened),
        rate(ended),
        rate(verified),
    );
}
