"""Lets pyHanko judge the signatures of PDF files.

usage: judge_pdf.py CA.pem [--password PASSWORD] FILE...

Self-issued certificates of CA.pem are trust anchors, the others may help to build a path. Prints one JSON object per
signature, in the order of the file's signature fields, and one with "error" for a file or signature that pyHanko
refuses. Nothing is fetched from a network. Exit code 0 whatever the verdicts are: the caller judges those.
"""

import json
import logging
import sys

from asn1crypto import pem, x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext


def certificates(path):
    with open(path, "rb") as source:
        return [x509.Certificate.load(der) for _, _, der in pem.unarmor(source.read(), multiple=True)]


def context(known):
    return ValidationContext(
        trust_roots=[c for c in known if c.self_issued],
        other_certs=[c for c in known if not c.self_issued],
        allow_fetching=False,
        revocation_mode="soft-fail",
    )


def verdict(signature, known):
    status = validate_pdf_signature(signature, context(known))
    level = status.modification_level
    return {
        "intact": bool(status.intact),
        "valid": bool(status.valid),
        "trusted": bool(status.trusted),
        "coverage": status.coverage.name,
        "modification_level": None if level is None else level.name,
        "docmdp_ok": status.docmdp_ok,
        "bottom_line": bool(status.bottom_line),
        "signer": status.signing_cert.subject.native.get("common_name"),
        "md_algorithm": status.md_algorithm,
    }


def judge(path, known, password):
    with open(path, "rb") as source:
        reader = PdfFileReader(source, strict=False)
        if password is not None:
            reader.decrypt(password.encode())
        for signature in reader.embedded_signatures:
            line = {"file": path, "field": signature.field_name}
            try:
                line.update(verdict(signature, known))
            except Exception as error:
                line["error"] = f"{type(error).__name__}: {error}"
            yield line


def main(arguments):
    logging.disable(logging.CRITICAL)
    known = certificates(arguments.pop(0))
    password = None
    if arguments and arguments[0] == "--password":
        password = arguments[1]
        del arguments[:2]
    for path in arguments:
        try:
            for line in judge(path, known, password):
                print(json.dumps(line), flush=True)
        except Exception as error:
            print(json.dumps({"file": path, "error": f"{type(error).__name__}: {error}"}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
