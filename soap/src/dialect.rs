//! The dialects of existing clients: under which names they ask for operations, and what they call the answers.

pub mod numbers;
pub mod secsigner;

use crate::table::{Operation, SECPKI, SECSIGNER, Service, operation};

/// The operation that the body's first element asks for, and whether that element is the request itself. `service`: the one
/// whose address was called, if it has an address of its own.
pub(crate) fn dispatch(service: Option<Service>, namespace: &str, local: &str) -> Option<(&'static Operation, bool)> {
    let of_component = service == Some(Service::SecSigner) || namespace == SECSIGNER;
    match local {
        "SignReq" => return Some((operation(Service::SecSigner, "sign")?, true)),
        "VerifyReq" => return Some((operation(Service::SecSigner, "verify")?, true)),
        "sign" | "verify" if of_component => return Some((operation(Service::SecSigner, local)?, false)),
        _ => {}
    }
    match local.rsplit_once('.') {
        // The operation with the class that had it.
        Some((_, name)) if namespace == SECPKI || namespace.is_empty() => {
            Some((operation(Service::SecPki, name)?, false))
        }
        None if namespace == SECPKI => Some((operation(Service::SecPki, local)?, false)),
        _ => None,
    }
}

/// The operation of the component that is meant after all when an operation of the same name begins with this element.
pub(crate) fn other(asked: &'static Operation, first: &str) -> Option<&'static Operation> {
    let is_records = matches!(first, "SignReq" | "VerifyReq" | "SignatureRecord");
    (asked.service == Service::SecPki && is_records).then(|| operation(Service::SecSigner, asked.name)).flatten()
}

/// What the parameter element of an answer is called, after that of the request: `ReqX` becomes `ResX`.
pub(crate) fn answer_parameter(request: &str) -> String {
    let (class, name) = request.rsplit_once('.').map_or(("", request), |(class, name)| (class, name));
    let dot = if class.is_empty() { "" } else { "." };
    match (name.strip_prefix("Req"), name.strip_suffix("Req")) {
        (Some(rest), _) => format!("{class}{dot}Res{rest}"),
        (None, Some(rest)) => format!("{class}{dot}{rest}Res"),
        (None, None) => "return".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn names_of_old_lead_to_operations() {
        let check =
            |service: Option<Service>, namespace: &str, local: &str, expected: Option<(Service, &str, bool)>| {
                let found = dispatch(service, namespace, local).map(|(found, bare)| (found.service, found.name, bare));
                assert_eq!(found, expected, "{namespace} {local}");
            };
        check(None, SECPKI, "sign", Some((Service::SecPki, "sign", false)));
        let class = "seccommerce.secappserver.pki.PKIUserSecAppServer.requestAuthSession";
        check(None, SECPKI, class, Some((Service::SecPki, "requestAuthSession", false)));
        check(None, "", class, Some((Service::SecPki, "requestAuthSession", false)));
        check(None, "", "sign", None);
        check(None, "urn:other", "sign", None);
        check(None, SECPKI, "Sign", None);
        check(None, SECSIGNER, "sign", Some((Service::SecSigner, "sign", false)));
        check(Some(Service::SecSigner), "urn:any", "verify", Some((Service::SecSigner, "verify", false)));
        check(None, "urn:any", "SignReq", Some((Service::SecSigner, "sign", true)));
    }

    #[test]
    fn parameters_of_answers_are_called_after_those_of_requests() {
        let check = |request: &str, expected: &str| assert_eq!(answer_parameter(request), expected);
        check("seccommerce.mobile.bo.ReqRequestAuthSession", "seccommerce.mobile.bo.ResRequestAuthSession");
        check("SignReq", "SignRes");
        check("param0", "return");
    }
}
