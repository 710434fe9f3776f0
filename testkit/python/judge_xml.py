"""What signxml thinks of XML signatures: the first argument is a PEM file with the trust anchor, each other one a file
with one signature. One line for each: "ok" and the number of references, or "no" and why. Signatures with qualifying
properties are judged as XAdES. Files that a signature names are looked for beside it.
"""

import sys
import urllib.parse
from pathlib import Path

from signxml import SignatureConfiguration, XMLVerifier
from signxml.xades import XAdESSignatureConfiguration, XAdESVerifier


def judge(file: Path, anchor: str) -> str:
    data = file.read_bytes()
    xades = b"http://uri.etsi.org/01903/v1.3.2#" in data
    kind = XAdESSignatureConfiguration if xades else SignatureConfiguration
    verifier = XAdESVerifier() if xades else XMLVerifier()
    found = verifier.verify(
        data,
        ca_pem_file=anchor,
        uri_resolver=lambda uri: file.with_name(urllib.parse.unquote(uri)).read_bytes(),
        expect_config=kind(expect_references=True),
    )
    return f"ok {len(found) if isinstance(found, list) else 1}"


def main() -> None:
    anchor, *files = sys.argv[1:]
    for file in files:
        try:
            verdict = judge(Path(file), anchor)
        except Exception as error:  # whatever it is, it is the verdict
            verdict = "no " + " ".join(f"{type(error).__name__}: {error}".split())
        print(verdict, flush=True)


main()
