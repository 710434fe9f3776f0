"""Lets pyHanko judge CMS signatures with time by EN 319 102-1, with nothing but what is in the messages.

usage: judge_cms.py ROOT.pem (MESSAGE CONTENT|-)...

Each message has one signer. Certificates, lists and answers come from its SignedData, where CAdES B-LT puts them; nothing
is fetched, and revocation material is required. Prints one JSON object per message. Archive time stamps are not looked
at: pyHanko knows those of PDF only.
"""

import asyncio
import hashlib
import json
import pathlib
import sys

from asn1crypto import cms, ocsp, pem, x509
from pyhanko.sign.validation import ades
from pyhanko.sign.validation.policy_decl import (
    LocalKnowledge,
    RevinfoOnlineFetchingRule,
    RevocationInfoGatheringSpec,
    SignatureValidationSpec,
)
from pyhanko_certvalidator.context import CertValidationPolicySpec
from pyhanko_certvalidator.policy_decl import REQUIRE_REVINFO, CertRevTrustPolicy
from pyhanko_certvalidator.registry import SimpleTrustManager
from pyhanko_certvalidator.revinfo.archival import CRLContainer, OCSPContainer


def knowledge(signed_data):
    lists, answers = [], []
    for entry in signed_data["crls"] or ():
        if entry.name != "other":
            lists.append(CRLContainer(entry.chosen))
        else:
            assert entry.chosen["other_rev_info_format"].dotted == "1.3.6.1.5.5.7.16.2"
            response = ocsp.OCSPResponse.load(entry.chosen["other_rev_info"].dump())
            answers += OCSPContainer.load_multi(response)
    certificates = [one.chosen for one in signed_data["certificates"]]
    return LocalKnowledge(known_ocsps=answers, known_crls=lists, known_certs=certificates)


def judge(roots, message, content):
    signed_data = cms.ContentInfo.load(message)["content"]
    [signer] = signed_data["signer_infos"]
    digest = content and hashlib.new(signer["digest_algorithm"]["algorithm"].native, content).digest()
    policy = CertValidationPolicySpec(
        trust_manager=SimpleTrustManager.build(roots),
        revinfo_policy=CertRevTrustPolicy(REQUIRE_REVINFO, retroactive_revinfo=True),
    )
    specification = SignatureValidationSpec(
        policy,
        revinfo_gathering_policy=RevocationInfoGatheringSpec(RevinfoOnlineFetchingRule.LOCAL_ONLY),
        local_knowledge=knowledge(signed_data),
    )
    result = asyncio.run(ades.ades_with_time_validation(signed_data, specification, raw_digest=digest))
    status = result.api_status
    stamp = status and status.timestamp_validity
    return {
        "indication": result.ades_subindic.status.name + " " + str(result.ades_subindic),
        "reason": result.failure_msg,
        "intact": bool(status and status.intact),
        "valid": bool(status and status.valid),
        "stamped": bool(stamp and stamp.intact and stamp.valid),
    }


with open(sys.argv[1], "rb") as source:
    anchors = [x509.Certificate.load(der) for _, _, der in pem.unarmor(source.read(), multiple=True)]
for message, content in zip(sys.argv[2::2], sys.argv[3::2]):
    try:
        original = None if content == "-" else pathlib.Path(content).read_bytes()
        print(json.dumps(judge(anchors, pathlib.Path(message).read_bytes(), original)))
    except Exception as error:  # whatever pyHanko thinks of it is a verdict
        print(json.dumps({"error": f"{type(error).__name__}: {error}"}))
