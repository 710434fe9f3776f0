"""Finds what the levels of XAdES (EN 319 132-1) have put into a file with one signature.

usage: judge_xades.py FOLDER FILE

Prints one JSON object: "signature" and "archive", for each time stamp the files in FOLDER with its token and with what
the token should cover, worked out again from the signature; "certificates" and "revocations", how many values there
are. Files that the signature names are looked for beside it.
"""

import base64
import copy
import json
import sys
import urllib.parse
from pathlib import Path

from lxml import etree

DS = "{http://www.w3.org/2000/09/xmldsig#}"
XADES = "{http://uri.etsi.org/01903/v1.3.2#}"
XADES_141 = "{http://uri.etsi.org/01903/v1.4.1#}"
ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
BASE64 = "http://www.w3.org/2000/09/xmldsig#base64"


def canonical(node, method: str) -> bytes:
    exclusive = method.startswith("http://www.w3.org/2001/10/xml-exc-c14n#")
    comments = method.endswith("WithComments")
    return etree.tostring(node, method="c14n", exclusive=exclusive, with_comments=comments, with_tail=False)


def without_signature(tree):
    """A copy of the document without its signature, and with the text behind it."""
    rest = copy.deepcopy(tree)
    signature = next(rest.iter(DS + "Signature"))
    above, before = signature.getparent(), signature.getprevious()
    tail = signature.tail or ""
    if before is None:
        above.text = (above.text or "") + tail
    else:
        before.tail = (before.tail or "") + tail
    signature.tail = None
    above.remove(signature)
    return rest


def referenced(tree, reference, method: str, file: Path) -> bytes:
    """The octets of a reference, behind its transforms."""
    uri = reference.get("URI")
    if uri == "":
        data = tree
    elif uri.startswith("#"):
        (data,) = tree.xpath("//*[@Id=$id or @ID=$id or @id=$id]", id=uri[1:])
    else:
        data = file.with_name(urllib.parse.unquote(uri)).read_bytes()
    for transform in reference.iter(DS + "Transform"):
        algorithm = transform.get("Algorithm")
        if algorithm == ENVELOPED:
            data = without_signature(data)
        elif algorithm == BASE64:
            data = base64.b64decode("".join(data.itertext()))
        else:
            data = canonical(data, algorithm)
    return data if isinstance(data, bytes) else canonical(data, method)


def archived(tree, signature, stamp, method: str, file: Path) -> bytes:
    """What an archive time stamp is over (section 5.5.2.2)."""
    signed_info = signature.find(DS + "SignedInfo")
    data = [referenced(tree, reference, method, file) for reference in signed_info.findall(DS + "Reference")]
    nodes = [signed_info, signature.find(DS + "SignatureValue"), signature.find(DS + "KeyInfo")]
    nodes += list(stamp.itersiblings(preceding=True))[::-1]
    nodes += [one for one in signature.findall(DS + "Object") if one.find(XADES + "QualifyingProperties") is None]
    return b"".join(data + [canonical(node, method) for node in nodes if node is not None])


def main() -> None:
    folder, file = map(Path, sys.argv[1:])
    tree = etree.parse(file)
    (signature,) = tree.iter(DS + "Signature")
    found = {"signature": [], "archive": []}
    for stamp in signature.iter(XADES + "SignatureTimeStamp", XADES_141 + "ArchiveTimeStamp"):
        kind = "archive" if stamp.tag.startswith(XADES_141) else "signature"
        method = stamp.find(DS + "CanonicalizationMethod").get("Algorithm")
        if kind == "archive":
            covered = archived(tree, signature, stamp, method, file)
        else:
            covered = canonical(signature.find(DS + "SignatureValue"), method)
        token = base64.b64decode(stamp.find(XADES + "EncapsulatedTimeStamp").text)
        names = [folder / f"{kind}-{len(found[kind])}.{what}" for what in ("token", "data")]
        for name, content in zip(names, (token, covered)):
            name.write_bytes(content)
        found[kind].append([str(name) for name in names])
    count = lambda *names: sum(1 for name in names for _ in signature.iter(XADES + name))
    found["certificates"] = count("EncapsulatedX509Certificate")
    found["revocations"] = count("EncapsulatedCRLValue", "EncapsulatedOCSPValue")
    print(json.dumps(found))


main()
