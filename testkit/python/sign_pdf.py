"""Lets pyHanko sign PDF files (PAdES B-B): a foreign signature to meet, and a foreign speed to compare with.

usage: sign_pdf.py KEY.p12 PASSWORD OUT_FOLDER FILE...

Writes OUT_FOLDER/<name> for each file and prints one JSON object: how many were signed, and in how many seconds of
wall clock, without the start of python and without reading the key.
"""

import json
import logging
import os
import sys
import time

from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import signers
from pyhanko.sign.fields import SigSeedSubFilter


def main(arguments):
    logging.disable(logging.CRITICAL)
    key, password, folder, *files = arguments
    signer = signers.SimpleSigner.load_pkcs12(key, passphrase=password.encode())
    if signer is None:
        sys.exit(f"cannot open {key}")
    started = time.perf_counter()
    for path in files:
        with open(path, "rb") as source:
            writer = IncrementalPdfFileWriter(source, strict=False)
            metadata = signers.PdfSignatureMetadata(
                field_name="pyHanko", md_algorithm="sha256", subfilter=SigSeedSubFilter.PADES
            )
            with open(os.path.join(folder, os.path.basename(path)), "w+b") as target:
                signers.sign_pdf(writer, metadata, signer=signer, output=target)
    print(json.dumps({"signed": len(files), "seconds": time.perf_counter() - started}))


if __name__ == "__main__":
    main(sys.argv[1:])
