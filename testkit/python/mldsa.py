"""ML-DSA-65 by another implementation: OpenSSL 4, as pyca/cryptography carries it.

mldsa.py make FOLDER                 a key with its self-signed certificate: key.pem, encrypted.pem (password "geheim"),
                                     certificate.pem
mldsa.py judge MESSAGE [CONTENT]     checks each signer of a CMS message as RFC 9882 says; says how many are right
mldsa.py value PEM MESSAGE SIGNATURE checks a signature value with the key of a certificate
"""

import datetime
import hashlib
import pathlib
import sys

from asn1crypto import cms
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import mldsa
from cryptography.x509.oid import NameOID

ML_DSA_65 = "2.16.840.1.101.3.4.3.18"


def make(folder):
    key = mldsa.MLDSA65PrivateKey.generate()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Siegel ML-DSA-65")])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(4711)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .sign(key, None)
    )
    protected = serialization.BestAvailableEncryption(b"geheim")
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    (folder / "key.pem").write_bytes(key.private_bytes(pem, pkcs8, serialization.NoEncryption()))
    (folder / "encrypted.pem").write_bytes(key.private_bytes(pem, pkcs8, protected))
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(pem))


def judge(message, content):
    data = cms.ContentInfo.load(message, strict=True)["content"]
    encapsulated = data["encap_content_info"]["content"]
    content = content if content is not None else encapsulated.native
    certificates = [x509.load_der_x509_certificate(one.chosen.dump()) for one in data["certificates"]]
    for signer in data["signer_infos"]:
        assert signer["signature_algorithm"]["algorithm"].dotted == ML_DSA_65
        assert signer["signature_algorithm"].dump() == bytes.fromhex("300b0609608648016503040312")
        assert signer["digest_algorithm"]["algorithm"].native == "sha512"
        serial = signer["sid"].chosen["serial_number"].native
        [certificate] = [one for one in certificates if one.serial_number == serial]
        attributes = signer["signed_attrs"]
        [digest] = [a["values"][0].native for a in attributes if a["type"].native == "message_digest"]
        assert digest == hashlib.sha512(content).digest()
        certificate.public_key().verify(signer["signature"].native, attributes.untag().dump())
    return len(data["signer_infos"])


def value(pem, message, signature):
    x509.load_pem_x509_certificate(pem).public_key().verify(signature, message)


if sys.argv[1] == "make":
    make(pathlib.Path(sys.argv[2]))
else:
    files = [pathlib.Path(name).read_bytes() for name in sys.argv[2:]]
    if sys.argv[1] == "value":
        value(*files)
    else:
        print(judge(files[0], files[1] if len(files) > 1 else None))
