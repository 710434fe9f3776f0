"""Lets pyHanko judge signatures of PDF files by EN 319 102-1, with nothing but what is in the files.

usage: judge_pdf_levels.py ROOT.pem FILE...

The certificates of ROOT.pem are the trust anchors; revocation material is required and never fetched. Prints one JSON
object per signature that is no document time stamp, and one with "error" where pyHanko gives up. Exit code 0 whatever
the verdicts are: the caller judges those.
"""

import asyncio
import json
import logging
import sys

from asn1crypto import pem, x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import ades, validate_pdf_signature, validate_pdf_timestamp
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.sign.validation.policy_decl import (
    PdfSignatureValidationSpec,
    RevinfoOnlineFetchingRule,
    RevocationInfoGatheringSpec,
    SignatureValidationSpec,
)
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.context import CertValidationPolicySpec
from pyhanko_certvalidator.policy_decl import REQUIRE_REVINFO, CertRevTrustPolicy
from pyhanko_certvalidator.registry import SimpleTrustManager


def anchors(path):
    with open(path, "rb") as source:
        return [x509.Certificate.load(der) for _, _, der in pem.unarmor(source.read(), multiple=True)]


def specification(roots):
    policy = CertValidationPolicySpec(
        trust_manager=SimpleTrustManager.build(roots),
        revinfo_policy=CertRevTrustPolicy(REQUIRE_REVINFO, retroactive_revinfo=True),
    )
    offline = RevocationInfoGatheringSpec(RevinfoOnlineFetchingRule.LOCAL_ONLY)
    return PdfSignatureValidationSpec(SignatureValidationSpec(policy, revinfo_gathering_policy=offline))


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


def verdict(signature, roots):
    context = lambda: ValidationContext(trust_roots=roots, allow_fetching=False, revocation_mode="soft-fail")
    basic = validate_pdf_signature(signature, context())
    level = basic.modification_level
    result = asyncio.run(ades.ades_lta_validation(signature, specification(roots)))
    return {
        "intact": bool(basic.intact),
        "valid": bool(basic.valid),
        "coverage": basic.coverage.name,
        "modification_level": None if level is None else level.name,
        "docmdp_ok": basic.docmdp_ok,
        "stamped_inside": trusted(basic.timestamp_validity),
        "indication": result.ades_subindic.status.name + " " + str(result.ades_subindic),
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


def judge(path, roots):
    with open(path, "rb") as source:
        reader = PdfFileReader(source, strict=False)
        if reader.encrypted:
            reader.decrypt(b"")
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
    roots = anchors(arguments.pop(0))
    for path in arguments:
        try:
            for line in judge(path, roots):
                print(json.dumps(line), flush=True)
        except Exception as error:
            print(json.dumps({"file": path, "error": f"{type(error).__name__}: {error}"}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
