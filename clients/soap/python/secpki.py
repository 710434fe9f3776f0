"""Signs, signs a batch, verifies, and shows a fault; with zeep (pip install zeep).

    python secpki.py URL USER PASSWORD PROFILE FOLDER FILE...
"""

import sys
from pathlib import Path

from requests import Session
from requests.auth import HTTPBasicAuth
from zeep import Client, Transport
from zeep.exceptions import Fault


def status_of(fault):
    """The status number in the fault's detail: never 0."""
    return int(fault.detail.findtext(".//{http://seccommerce.de/ws/SecPKI/}Status"))


def main(url, user, password, profile, folder, *files):
    session = Session()
    session.auth = HTTPBasicAuth(user.encode(), password.encode())
    # session.verify = "authority.pem"                  who issued the server's certificate
    # session.cert = ("client.pem", "client.key.pem")   a certificate instead of name and password
    # session.headers["X-AuthorizeOrg"] = base64.b64encode(b"tenant")
    secpki = Client(url + "?wsdl", transport=Transport(session=session)).service
    folder = Path(folder)

    first = Path(files[0])
    signed = secpki.sign(document=first.read_bytes(), documentName=first.name, profile=profile)
    (folder / signed.SignatureName).write_bytes(signed.Signature)
    print("sign:", signed.SignatureName)

    documents = [{"document": Path(file).read_bytes(), "documentName": Path(file).name} for file in files]
    batch = secpki.signBatch(profile=profile, documents=documents)
    for result in batch.Results:
        if result.Status == 0:
            (folder / result.SignatureName).write_bytes(result.Signature)
        else:
            print("not signed:", result.Index, result.Status, result.Reason)
    print("batch:", batch.Signed, "signed,", batch.Failed, "failed")

    verdict = secpki.verify(document=first.read_bytes(), documentName=first.name, signature=signed.Signature)
    print("verify:", verdict.ResultCode, verdict.Outcome)

    try:
        secpki.sign(document=b"x", profile="no-such-profile")
    except Fault as fault:
        print("fault:", status_of(fault), fault.message)


if __name__ == "__main__":
    main(*sys.argv[1:])
