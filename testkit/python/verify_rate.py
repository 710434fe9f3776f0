"""Lets pyHanko judge signed files: a foreign speed to compare with.

usage: verify_rate.py CA.pem FILE...

PDF files and CMS messages with one signature each; nothing is fetched, revocation is not required. Every signature must be
right. Prints one JSON object: how many were judged, and in how many seconds of wall clock, without the start of python.
"""

import asyncio
import json
import logging
import sys
import time

from asn1crypto import cms, pem, x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.generic_cms import async_validate_cms_signature
from pyhanko_certvalidator import ValidationContext


def judge(path, roots, others):
    context = ValidationContext(trust_roots=roots, other_certs=others, allow_fetching=False)
    with open(path, "rb") as source:
        head = source.read(5)
        source.seek(0)
        if head == b"%PDF-":
            [embedded] = PdfFileReader(source, strict=False).embedded_signatures
            return validate_pdf_signature(embedded, context)
        message = cms.ContentInfo.load(source.read())["content"]
        return asyncio.run(async_validate_cms_signature(message, validation_context=context))


def main(arguments):
    logging.disable(logging.CRITICAL)
    ca, *files = arguments
    with open(ca, "rb") as source:
        known = [x509.Certificate.load(der) for _, _, der in pem.unarmor(source.read(), multiple=True)]
    roots = [one for one in known if one.self_issued]
    others = [one for one in known if not one.self_issued]
    started = time.perf_counter()
    for path in files:
        status = judge(path, roots, others)
        if not (status.intact and status.valid and status.trusted):
            sys.exit(f"{path}: {status.summary()}")
    print(json.dumps({"judged": len(files), "seconds": time.perf_counter() - started}))


if __name__ == "__main__":
    main(sys.argv[1:])
