//! Containers that are damaged or made to mislead: what was attempted is said where it belongs.

use crate::ours::{made, manifest, reference, under_archive_stamps};
use crate::zip_file::{Entry, entries, written};
use crate::{codes, holds, look};
use formats::inspect::{Input, Integrity, Signature, SignerReference, inspect};
use model::profile::{Container, ContainerSignature};
use proptest::prelude::*;
use std::sync::OnceLock;

fn cades() -> Vec<Entry> {
    static MADE: OnceLock<Vec<u8>> = OnceLock::new();
    entries(MADE.get_or_init(|| made(Container::Extended, ContainerSignature::Cades, 2)))
}

fn xades() -> Vec<Entry> {
    static MADE: OnceLock<Vec<u8>> = OnceLock::new();
    entries(MADE.get_or_init(|| made(Container::Extended, ContainerSignature::Xades, 2)))
}

fn entry<'e>(entries: &'e mut [Entry], name: &str) -> &'e mut Entry {
    entries.iter_mut().find(|entry| entry.name == name).unwrap()
}

/// Does something to a container of either form and expects this fault of its signature.
fn fault(code: &str, change: impl Fn(&mut Vec<Entry>)) {
    for mut entries in [cades(), xades()] {
        change(&mut entries);
        let found = look(&written(&entries));
        assert_eq!(found.signatures.len(), 1, "{code}");
        let faults = codes(&found.signatures[0].faults);
        assert!(faults.contains(&code), "{code}: {faults:?} {:?}", found.notes);
    }
}

#[test]
fn what_misleads_readers_is_a_fault_of_every_signature() {
    fault("asic-duplicate-name", |entries| entries.push(Entry::new("Rechnung 0.txt", "eine andere")));
    fault("asic-duplicate-name", |entries| entries.insert(0, Entry::new("Rechnung 0.txt", "eine andere")));
    fault("asic-duplicate-name", |entries| entries.push(Entry::new("RECHNUNG 0.TXT", "eine andere")));
    fault("asic-duplicate-name", |entries| entries.push(Entry::new("./Rechnung 0.txt", "eine andere")));
    fault("asic-duplicate-name", |entries| entries.push(Entry::new("Rechnung 0.txt. ", "eine andere")));
    for name in ["../Rechnung 0.txt", "/etc/passwd", "a\\..\\b", "C:x.txt", "a/../../b"] {
        fault("asic-name", |entries| entries.push(Entry::new(name, "x")));
    }
    fault("asic-hidden-entry", |entries| {
        entries.push(Entry { hidden: true, ..Entry::new("Rechnung 0.txt", "eine andere") })
    });
    fault("asic-hidden-entry", |entries| {
        entries.insert(1, Entry { hidden: true, ..Entry::new("Rechnung 0.txt", "eine andere") })
    });
    fault("asic-entry-differs", |entries| {
        entry(entries, "Rechnung 0.txt").own_name = Some("Rechnung 9.txt".into());
    });
    fault("asic-documents", |entries| entries.retain(|entry| !entry.name.starts_with("Rechnung")));
}

#[test]
fn bytes_in_front_between_and_two_directories_are_faults() {
    let check = |code: &str, bytes: Vec<u8>| {
        let found = look(&bytes);
        assert!(codes(&found.signatures[0].faults).contains(&code), "{code}: {:?}", found.signatures[0].faults);
    };
    // An entry that the directory does not name stands in front of all others.
    let mut with_prefix = cades();
    with_prefix.insert(0, Entry { hidden: true, ..Entry::new("first.txt", "x") });
    check("asic-prefix", written(&with_prefix));
    // The directory says that an entry is shorter than what is there.
    let mut cut = cades();
    let mut longer = Entry::new("more.txt", "only this");
    longer.hidden = false;
    cut.push(longer);
    let mut bytes = written(&cut);
    let end = bytes.len();
    // Seven bytes between the last entry and the directory.
    let at = end - 22;
    let start = u32::from_le_bytes(bytes[at + 16..at + 20].try_into().unwrap());
    bytes.splice(start as usize..start as usize, *b"hidden!");
    let at = bytes.len() - 22;
    bytes[at + 16..at + 20].copy_from_slice(&(start + 7).to_le_bytes());
    check("asic-hidden-bytes", bytes);
    // The comment of one file is the end of another one.
    let mut two = written(&cades());
    let at = two.len() - 22;
    let second = two[at..].to_vec();
    two[at + 20..].copy_from_slice(&22_u16.to_le_bytes());
    let start = u32::from_le_bytes(two[at + 16..at + 20].try_into().unwrap()) as usize;
    let mut directory = two[start..at].to_vec();
    directory.extend(&second);
    let length = directory.len() as u16;
    two[at + 20..at + 22].copy_from_slice(&length.to_le_bytes());
    let new_start = two.len() as u32;
    directory[length as usize - 6..length as usize - 2].copy_from_slice(&new_start.to_le_bytes());
    two.extend(&directory);
    check("asic-two-directories", two);
}

/// Does something to a container and expects this of the file that was signed as `Rechnung 0.txt`.
fn covered(change: impl Fn(&mut Vec<Entry>), expected: fn(&Integrity) -> bool) {
    for mut entries in [cades(), xades()] {
        change(&mut entries);
        let found = look(&written(&entries));
        let signature = &found.signatures[0];
        let of_file = signature.covered.iter().find(|covered| covered.what == "file Rechnung 0.txt");
        assert!(of_file.is_some_and(|covered| expected(&covered.integrity)), "{:?}", signature.covered);
        assert!(!holds(signature));
    }
}

#[test]
fn what_happened_to_a_signed_file_is_said_of_that_file() {
    let is_missing = |integrity: &Integrity| matches!(integrity, Integrity::Missing(_));
    covered(
        |entries| *entry(entries, "Rechnung 0.txt") = Entry::new("Rechnung 0.txt", "x"),
        |i| *i == Integrity::Changed,
    );
    covered(|entries| entries.retain(|entry| entry.name != "Rechnung 0.txt"), is_missing);
    // Files that changed places.
    covered(
        |entries| {
            let [one, two] = ["Rechnung 0.txt", "Rechnung 1.txt"].map(|name| entry(entries, name).bytes.clone());
            *entry(entries, "Rechnung 0.txt") = Entry::new("Rechnung 0.txt", two);
            *entry(entries, "Rechnung 1.txt") = Entry::new("Rechnung 1.txt", one);
        },
        |integrity| *integrity == Integrity::Changed,
    );
    // One that cannot be unpacked: longer than it says, so that a bomb stops at once.
    covered(
        |entries| {
            let file = entry(entries, "Rechnung 0.txt");
            file.deflated = true;
            file.length -= 1;
        },
        |integrity| *integrity != Integrity::Intact,
    );
}

#[test]
fn a_packed_file_is_unpacked_and_a_wrong_checksum_noted() {
    let mut entries = cades();
    entry(&mut entries, "Rechnung 0.txt").deflated = true;
    assert!(holds(&look(&written(&entries)).signatures[0]));
    entry(&mut entries, "Rechnung 0.txt").crc ^= 1;
    let found = look(&written(&entries));
    assert!(holds(&found.signatures[0]) && codes(&found.notes) == ["asic-checksum"], "{:?}", found.notes);
}

#[test]
fn files_that_nobody_signed_are_named() {
    for mut entries in [cades(), xades()] {
        entries.push(Entry::new("Anhang/extra.txt", "x"));
        let found = look(&written(&entries));
        assert!(holds(&found.signatures[0]) && found.signatures[0].faults.is_empty());
        let [note] = &found.notes[..] else { panic!("{:?}", found.notes) };
        assert!(note.code == "not-covered" && note.sentence.ends_with(" covers Anhang/extra.txt"), "{note}");
    }
}

#[test]
fn a_signature_that_cannot_be_read_hides_no_other_and_counts_as_none() {
    for (name, bytes) in [
        ("META-INF/signature2.p7s", b"nothing".to_vec()),
        ("META-INF/signatures2.xml", b"<x".to_vec()),
        ("META-INF/signatures3.xml", b"<x/>".to_vec()),
        ("META-INF/signature3.p7s", vec![]),
    ] {
        let mut entries = cades();
        entries.push(Entry::new(name, bytes));
        let found = look(&written(&entries));
        let [one, other] = &found.signatures[..] else { panic!("{name}") };
        let (good, bad) = if holds(one) { (one, other) } else { (other, one) };
        assert!(holds(good) && good.faults.is_empty(), "{name}");
        assert!(bad.value.is_err() && !bad.faults.is_empty() && bad.name.as_deref() == Some(name), "{name}");
    }
}

#[test]
fn manifests_decide_what_a_signature_is_over() {
    let signature = "META-INF/signature.p7s";
    // Another manifest stands in the place of the signed one: it was changed, and what it names counts for nothing.
    let mut changed = cades();
    let forged = manifest(signature, &reference("Rechnung%200.txt", b"Rechnung Nummer 0\n"));
    *entry(&mut changed, "META-INF/ASiCManifest.xml") = Entry::new("META-INF/ASiCManifest.xml", forged);
    let found = look(&written(&changed));
    assert_eq!(found.signatures[0].covered[0].integrity, Integrity::Changed);
    // Without it nobody can say what was signed.
    let mut without = cades();
    without.retain(|entry| entry.name != "META-INF/ASiCManifest.xml");
    let found = look(&written(&without));
    assert!(
        matches!(found.signatures[0].covered[0].integrity, Integrity::Missing(_)),
        "{:?}",
        found.signatures[0].covered
    );
    assert!(codes(&found.signatures[0].faults).contains(&"asic-manifest-missing"));
    // One that is no XML is said to be none.
    let mut broken = cades();
    broken.push(Entry::new("META-INF/ASiCManifest9.xml", "<a"));
    assert_eq!(codes(&look(&written(&broken)).notes), ["asic-manifest"]);
}

#[test]
fn a_message_with_a_content_of_its_own_is_not_about_the_manifest() {
    let Some(folder) = testkit::corpora::corpora("dss-ades") else { return };
    let file = folder.join("dss-asic-cades/validation/ASiC-E-CAdES-BpLTA-copied-arctst.sce");
    let mut entries = entries(&std::fs::read(file).unwrap());
    let before = look(&written(&entries));
    assert!(holds(&before.signatures[0]) && before.signatures[0].covered[0].what == "file META-INF/ASiCManifest.xml");
    // The message brings the manifest that was signed; the one in the container is another by now.
    let other = manifest("META-INF/signature001.p7s", &reference("TEST-DOC.txt", b"anders"));
    *entry(&mut entries, "META-INF/ASiCManifest.xml") = Entry::new("META-INF/ASiCManifest.xml", other);
    *entry(&mut entries, "TEST-DOC.txt") = Entry::new("TEST-DOC.txt", "anders");
    let found = look(&written(&entries));
    assert!(!holds(&found.signatures[0]), "{:?}", found.signatures[0].covered);
    assert_eq!(codes(&found.signatures[0].notes), ["asic-other-content"]);
}

#[test]
fn bombs_end_within_their_bounds() {
    // 200 MiB of zeros, packed in 200 KB, in a container, and that in many others.
    let bomb = Entry { deflated: true, ..Entry::new("zeros", vec![0; 60 << 20]) };
    let mut many = cades();
    many.extend((0..4).map(|number| Entry { name: format!("zeros{number}"), ..bomb.clone() }));
    let file = written(&many);
    let start = std::time::Instant::now();
    let found = look(&file);
    // The documents came first in the alphabet; what did not fit was not needed.
    assert!(holds(&found.signatures[0]) && start.elapsed().as_secs() < 60);
    let inner = written(&[Entry { deflated: true, ..bomb }, Entry::new("a", "b")]);
    let nested: Vec<Entry> = (0..50).map(|number| Entry::new(&format!("{number}.zip"), inner.clone())).collect();
    let found = look(&written(&nested));
    assert!(found.signatures.is_empty() && found.nested.is_empty());
    assert!(start.elapsed().as_secs() < 60, "the second bomb is not unpacked when one was");
}

#[test]
fn what_is_no_container_is_refused_or_something_else() {
    let sound = written(&cades());
    for cut in [4, 30, sound.len() / 2, sound.len() - 1] {
        assert!(inspect(&Input::new(&sound[..cut].to_vec(), "x")).is_err());
    }
    let plain = written(&[Entry::new("a.txt", "x"), Entry::new("word/document.xml", "<x/>")]);
    let found = look(&plain);
    assert_eq!(found.kind, formats::inspect::FileKind::Other);
    assert!(found.notes.is_empty());
}

/// Whatever is turned: as long as the signature holds without a fault, a foreign reader finds the documents that were
/// signed under their names.
#[test]
fn no_turned_bit_makes_another_document_look_signed() {
    for sound in [made(Container::Simple, ContainerSignature::Cades, 1), written(&xades())] {
        let documents = |entries: &[Entry]| {
            let documents = entries.iter().filter(|entry| entry.name.starts_with("Rechnung"));
            documents.map(|entry| (entry.name.clone(), entry.bytes.clone())).collect::<Vec<_>>()
        };
        let signed = documents(&entries(&sound));
        let (mut holding, mut refused) = (0, 0);
        for at in (0..sound.len()).step_by(1 + sound.len() / 2_000) {
            let mut changed = sound.clone();
            changed[at] ^= 1 << (at % 8);
            let Ok(found) = inspect(&Input::new(&changed, "x")) else {
                refused += 1;
                continue;
            };
            let good = |signature: &Signature| {
                let own = matches!(signature.reference, SignerReference::Matches { .. });
                holds(signature) && own && signature.faults.is_empty()
            };
            if found.signatures.is_empty() || !found.signatures.iter().all(good) {
                continue;
            }
            holding += 1;
            if let Ok(mut archive) = zip::ZipArchive::new(std::io::Cursor::new(&changed)) {
                let all = (0..archive.len()).map(|number| {
                    let mut entry = archive.by_index(number).ok()?;
                    let mut bytes = Vec::new();
                    std::io::Read::read_to_end(&mut entry, &mut bytes).ok()?;
                    Some(Entry::new(&entry.name().ok()?, bytes))
                });
                if let Some(all) = all.collect::<Option<Vec<Entry>>>() {
                    assert_eq!(documents(&all), signed, "byte {at}");
                }
            }
        }
        println!("{} turned: {refused} refused, {holding} without any effect", sound.len());
        assert!(holding > 20 && refused > 20, "{holding} {refused}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn changed_containers_never_panic(seed in any::<u64>()) {
        static SEEDS: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
        let seeds = SEEDS.get_or_init(|| vec![written(&cades()), written(&xades()), written(&under_archive_stamps())]);
        for changed in testkit::mutate::mutations(seeds, seed).take(6) {
            if let Ok(found) = inspect(&Input::new(&changed, "x")) {
                // Nothing that was changed inside of what is signed may hold.
                for signature in found.signatures.iter().filter(|signature| holds(signature)) {
                    prop_assert!(!signature.covered.is_empty());
                }
            }
        }
    }
}
