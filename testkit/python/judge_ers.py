"""Checks evidence records (RFC 4998) over one object each.

usage: judge_ers.py (RECORD OBJECT TOKEN)...

Recomputes the hash of each object and the reduced hash tree of its record, and compares the result with the imprint in
the time stamp; writes the time-stamp token to TOKEN, for others to verify. Prints one JSON object per record: "holds",
"imprint" (hex) and "lists", the number of hashes in each list of the tree; or "error".
"""

import hashlib
import json
import sys

from asn1crypto import algos, cms, core, tsp


class PartialHashtree(core.SequenceOf):
    _child_spec = core.OctetString


class ReducedHashtree(core.SequenceOf):
    _child_spec = PartialHashtree


class Attributes(core.SetOf):
    _child_spec = core.Any


class ArchiveTimeStamp(core.Sequence):
    _fields = [
        ("digest_algorithm", algos.DigestAlgorithm, {"implicit": 0, "optional": True}),
        ("attributes", Attributes, {"implicit": 1, "optional": True}),
        ("reduced_hashtree", ReducedHashtree, {"implicit": 2, "optional": True}),
        ("time_stamp", cms.ContentInfo),
    ]


class Chain(core.SequenceOf):
    _child_spec = ArchiveTimeStamp


class Chains(core.SequenceOf):
    _child_spec = Chain


class DigestAlgorithms(core.SequenceOf):
    _child_spec = algos.DigestAlgorithm


class EvidenceRecord(core.Sequence):
    _fields = [
        ("version", core.Integer),
        ("digest_algorithms", DigestAlgorithms),
        ("crypto_infos", PartialHashtree, {"implicit": 0, "optional": True}),
        ("encryption_info", PartialHashtree, {"implicit": 1, "optional": True}),
        ("chains", Chains),
    ]


def folded(digest, start, lists):
    """The root of a reduced tree, by section 4.3: a list is sorted, joined and hashed; one element passes through."""
    current = None
    for number, hashes in enumerate(lists):
        members = set(hashes)
        if number == 0:
            if start not in members:
                raise ValueError("the object's hash is not in the first list")
        else:
            members.add(current)
        current = next(iter(members)) if len(members) == 1 else digest(b"".join(sorted(members)))
    return current


def judge(record_path, object_path, token_path):
    with open(record_path, "rb") as source:
        record = EvidenceRecord.load(source.read(), strict=True)
    if record["version"].native != 1 or len(record["chains"]) != 1 or len(record["chains"][0]) != 1:
        raise ValueError("not a first record: version 1, one chain, one time stamp")
    if not isinstance(record["crypto_infos"], core.Void) or not isinstance(record["encryption_info"], core.Void):
        raise ValueError("cryptoInfos or encryptionInfo in a first record")
    stamp = record["chains"][0][0]
    token = stamp["time_stamp"]
    info = token["content"]["encap_content_info"]["content"].parsed
    if not isinstance(info, tsp.TSTInfo):
        raise ValueError("the time stamp is none")
    imprint = info["message_imprint"]
    name = imprint["hash_algorithm"]["algorithm"].native
    named = [algorithm["algorithm"].native for algorithm in record["digest_algorithms"]]
    if named != [name]:
        raise ValueError(f"digestAlgorithms {named}, but the time stamp has {name}")

    def digest(data):
        return hashlib.new(name, data).digest()

    with open(object_path, "rb") as source:
        own = digest(source.read())
    tree = stamp["reduced_hashtree"]
    lists = [] if isinstance(tree, core.Void) else [[node.native for node in part] for part in tree]
    root = folded(digest, own, lists) if lists else own
    with open(token_path, "wb") as target:
        target.write(token.dump())
    value = imprint["hashed_message"].native
    return {"holds": root == value, "imprint": value.hex(), "lists": [len(part) for part in lists]}


def main(arguments):
    for at in range(0, len(arguments), 3):
        paths = arguments[at : at + 3]
        line = {"file": paths[0]}
        try:
            line.update(judge(*paths))
        except Exception as error:
            line["error"] = f"{type(error).__name__}: {error}"
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
