//! pyHanko passes what is at B-LT and above by EN 319 102-1, with the root as all that it knows beforehand.

use super::support::{CONTENT, cades, ladder, signed, world};
use model::profile::Level;
use testkit::judge_cms::pyhanko_cms;
use testkit::pki::KeyKind;

#[test]
fn pyhanko_passes_what_carries_its_evidence_and_nothing_below() {
    let folder = tempfile::tempdir().unwrap();
    let content = folder.path().join("content");
    std::fs::write(&content, CONTENT).unwrap();
    let (mut files, mut levels) = (Vec::new(), Vec::new());
    for kind in [KeyKind::Rsa3072, KeyKind::P256] {
        for detached in [false, true] {
            let original = detached.then_some(CONTENT);
            for (level, message) in ladder(&signed(kind, &cades(detached), CONTENT), original) {
                let path = folder.path().join(format!("{}.p7m", files.len()));
                std::fs::write(&path, message).unwrap();
                files.push((path, detached.then(|| content.clone())));
                levels.push(level);
            }
        }
    }
    for (verdict, level) in pyhanko_cms(&world().root_pem(), &files).unwrap().iter().zip(&levels) {
        // Below B-LT the authorities' certificates are not there.
        assert_eq!(verdict.passed(), *level >= Level::Lt, "{level}: {verdict:?}");
    }
    std::fs::write(&content, b"Rechnung 4712").unwrap();
    let detached = files.iter().rfind(|(_, content)| content.is_some()).unwrap().clone();
    let verdict = &pyhanko_cms(&world().root_pem(), &[detached]).unwrap()[0];
    assert!(!verdict.intact && !verdict.passed(), "{verdict:?}");
}
