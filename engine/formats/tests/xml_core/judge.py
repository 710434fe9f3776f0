"""What lxml thinks of XML: `accept FILE` of documents, `xpath FILE` of expressions. One line of JSON for each."""

import json
import sys

from lxml import etree


def parser():
    return etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True, remove_blank_text=False)


def accept(cases):
    """Cases are documents in hexadecimal."""
    for case in cases:
        try:
            etree.fromstring(bytes.fromhex(case), parser())
            yield {"accepted": True}
        except etree.XMLSyntaxError as error:
            yield {"accepted": False, "reason": str(error)}


def told(node):
    """A node in words that both sides can find."""
    if isinstance(node, tuple):
        return "namespace"
    if isinstance(node, etree._ElementUnicodeResult):
        kind = "attribute" if node.is_attribute else "text"
        return f"{kind} {node}"
    if node.tag is etree.Comment:
        return f"comment {node.text or ''}"
    if node.tag is etree.ProcessingInstruction:
        return f"instruction {node.target}"
    return f"element {node.tag} {len(list(node.iterancestors()))}"


def xpath(cases):
    """A case has a file, the number of the context element, namespaces, and expressions."""
    for case in cases:
        root = etree.parse(case["file"], parser()).getroot()
        elements = [node for node in root.iter() if isinstance(node.tag, str)]
        context = elements[case["context"]]
        for expression in case["expressions"]:
            try:
                value = context.xpath(expression, namespaces=case["namespaces"], smart_strings=True)
            except etree.XPathError as error:
                yield {"error": str(error)}
                continue
            if isinstance(value, list):
                yield {"nodes": [told(node) for node in value]}
            elif isinstance(value, bool):
                yield {"boolean": value}
            elif isinstance(value, float):
                yield {"number": repr(value)}
            else:
                yield {"text": str(value)}


def main():
    with open(sys.argv[2], encoding="utf-8") as file:
        cases = json.load(file)
    for answer in {"accept": accept, "xpath": xpath}[sys.argv[1]](cases):
        print(json.dumps(answer))


main()
