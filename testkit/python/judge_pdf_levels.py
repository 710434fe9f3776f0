"""Lets pyHanko judge signatures of PDF files by EN 319 102-1, with nothing but what is in the files.

usage: judge_pdf_levels.py [--password PASSWORD] ROOT.pem FILE...

The certificates of ROOT.pem are the trust anchors; nothing is ever fetched. Prints one JSON object per signature that
is no document time stamp, and one with "error" where pyHanko gives up. Its "levels" say for each level what the
procedure for it ends in:

B-B    5.3, basic signatures: no revocation material is asked for, since none is in the file
B-T    5.5, signatures with time: as B-B, with a time stamp inside the signature
B-LT   5.5 again, with the security store as the only material, and that is required for every certificate
B-LTA  5.6, signatures with long-term availability: it asks for a document time stamp behind the material, always

Exit code 0 whatever the verdicts are: the caller judges those.
"""

import asyncio
import json
import logging
import sys

from asn1crypto import crl, ocsp, pem, x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import ades, validate_pdf_signature, validate_pdf_timestamp
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.sign.validation.errors import NoDSSFoundError
from pyhanko.sign.validation.policy_decl import (
    LocalKnowledge,
    PdfSignatureValidationSpec,
    RevinfoOnlineFetchingRule,
    RevocationInfoGatheringSpec,
    SignatureValidationSpec,
)
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.context import CertValidationPolicySpec
from pyhanko_certvalidator.policy_decl import NO_REVOCATION, REQUIRE_REVINFO, CertRevTrustPolicy
from pyhanko_certvalidator.registry import SimpleTrustManager
from pyhanko_certvalidator.revinfo.archival import CRLContainer, OCSPContainer


def anchors(path):
    with open(path, "rb") as source:
        return [x509.Certificate.load(der) for _, _, der in pem.unarmor(source.read(), multiple=True)]


def specification(roots, rule, knowledge=LocalKnowledge()):
    policy = CertValidationPolicySpec(
        trust_manager=SimpleTrustManager.build(roots),
        revinfo_policy=CertRevTrustPolicy(rule, retroactive_revinfo=True),
    )
    offline = RevocationInfoGatheringSpec(RevinfoOnlineFetchingRule.LOCAL_ONLY)
    return SignatureValidationSpec(policy, revinfo_gathering_policy=offline, local_knowledge=knowledge)


def knowledge(reader):
    """What the security store holds, read through pyHanko's public interface."""
    try:
        store = DocumentSecurityStore.read_dss(reader)
    except NoDSSFoundError:
        return LocalKnowledge()
    answers = [ocsp.OCSPResponse.load(stream.get_object().data) for stream in store.ocsps]
    return LocalKnowledge(
        known_certs=list(store.load_certs()),
        known_ocsps=[one for answer in answers for one in OCSPContainer.load_multi(answer)],
        known_crls=[CRLContainer(crl.CertificateList.load(stream.get_object().data)) for stream in store.crls],
    )


def stored(reader):
    """How many certificates, lists and answers the security store has, and the names of its entries."""
    try:
        store = DocumentSecurityStore.read_dss(reader)
    except Exception:
        return None
    return {
        "certificates": len(store.certs),
        "crls": len(store.crls),
        "ocsps": len(store.ocsps),
        "entries": sorted(key.lstrip("/") for key in store.vri_entries),
    }


def trusted(stamp):
    """Whether there is a time stamp and it is intact, valid and from a trusted authority."""
    return stamp is not None and bool(stamp.intact and stamp.valid and stamp.trusted)


def words(result):
    """As in "PASSED AdESPassed.OK"."""
    return f"{result.ades_subindic.status.name} {result.ades_subindic}"


def of_levels(signature, roots):
    """What the procedure of each level ends in, and the whole result of the last one."""

    def run(procedure, rule, material=LocalKnowledge()):
        digest = signature.compute_digest()
        return asyncio.run(procedure(signature.signed_data, specification(roots, rule, material), raw_digest=digest))

    archived = PdfSignatureValidationSpec(specification(roots, REQUIRE_REVINFO))
    archived = asyncio.run(ades.ades_lta_validation(signature, archived))
    levels = {
        "B-B": words(run(ades.ades_basic_validation, NO_REVOCATION)),
        "B-T": words(run(ades.ades_with_time_validation, NO_REVOCATION)),
        "B-LT": words(run(ades.ades_with_time_validation, REQUIRE_REVINFO, knowledge(signature.reader))),
        "B-LTA": words(archived),
    }
    return levels, archived


def verdict(signature, roots):
    context = lambda: ValidationContext(trust_roots=roots, allow_fetching=False, revocation_mode="soft-fail")
    basic = validate_pdf_signature(signature, context())
    level = basic.modification_level
    levels, result = of_levels(signature, roots)
    return {
        "intact": bool(basic.intact),
        "valid": bool(basic.valid),
        "coverage": basic.coverage.name,
        "modification_level": None if level is None else level.name,
        "docmdp_ok": basic.docmdp_ok,
        "stamped_inside": trusted(basic.timestamp_validity),
        "levels": levels,
        "indication": words(result),
        "reason": result.failure_msg,
        "signature_time": result.best_signature_time.timestamp(),
        "oldest_evidence": None
        if result.oldest_evidence_record_timestamp is None
        else result.oldest_evidence_record_timestamp.timestamp(),
    }


def stamps(reader, roots):
    """Whether each document time stamp is intact and valid, in order."""
    found = []
    for stamp in reader.embedded_timestamp_signatures:
        context = ValidationContext(trust_roots=roots, allow_fetching=False, revocation_mode="soft-fail")
        status = validate_pdf_timestamp(stamp, context)
        found.append(bool(status.intact and status.valid))
    return found


def judge(path, roots, password):
    with open(path, "rb") as source:
        reader = PdfFileReader(source, strict=False)
        if reader.encrypted:
            reader.decrypt(password.encode())
        of_file = {"file": path, "store": stored(reader), "stamps": stamps(reader, roots)}
        for signature in reader.embedded_regular_signatures:
            line = {**of_file, "field": signature.field_name}
            try:
                line.update(verdict(signature, roots))
            except Exception as error:
                line["error"] = f"{type(error).__name__}: {error}"
            yield line


def main(arguments):
    logging.disable(logging.CRITICAL)
    password = ""
    if arguments[0] == "--password":
        _, password, *arguments = arguments
    roots = anchors(arguments.pop(0))
    for path in arguments:
        try:
            for line in judge(path, roots, password):
                print(json.dumps(line), flush=True)
        except Exception as error:
            print(json.dumps({"file": path, "error": f"{type(error).__name__}: {error}"}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
