//! Every form at every level.

use super::support::{Court, FORMS, LEVELS, made, news, said};
use model::profile::Level;
use testkit::world::World;
use trust::report::SignatureLevel;

#[test]
fn what_is_signed_at_any_level_in_any_form_passes_under_the_worlds_trust() {
    let world = World::offline().unwrap();
    for form in FORMS {
        for level in LEVELS {
            let made = made(&world, form, level);
            // Below B-LT nothing in the file tells whether certificates are revoked: the world is asked.
            let court = Court::of(&world);
            let court = if level < Level::Lt { court.knowing(news(&world)) } else { court };
            let signature = court.signature(&made);
            assert_eq!(said(&signature), "TOTAL-PASSED", "{form:?} {level:?} {:#?}", signature.checks);
            let expected = match level {
                Level::B => SignatureLevel::B,
                Level::T => SignatureLevel::T,
                Level::Lt => SignatureLevel::Lt,
                Level::Lta => SignatureLevel::Lta,
            };
            assert_eq!(signature.level, expected, "{form:?} {level:?}");
            assert!(signature.intact && signature.valid, "{form:?} {level:?}");
        }
    }
}

#[test]
fn without_anchors_cryptography_is_judged_all_the_same() {
    let world = World::offline().unwrap();
    let mut court = Court::of(&world);
    court.anchors = Vec::new().into();
    for form in FORMS {
        let signature = court.signature(&made(&world, form, Level::B));
        assert!(signature.intact && signature.valid, "{form:?}");
        assert!(said(&signature).starts_with("NO_CERTIFICATE_CHAIN_FOUND:"), "{form:?}: {}", said(&signature));
    }
}
