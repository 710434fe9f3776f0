#!/bin/sh
# Signs, signs a batch, verifies, and shows a fault; with curl, base64 and xmllint.
#
#     sh secpki.sh URL USER PASSWORD PROFILE FOLDER FILE...
#
# A certificate instead of name and password: --cert client.pem --key client.key.pem instead of --user.
# A tenant: --header "X-AuthorizeOrg: $(printf tenant | base64)".
set -eu

url=$1 user=$2 password=$3 profile=$4 folder=$5
shift 5
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Text as XML writes it.
text() { printf %s "$1" | sed 's/&/\&amp;/g; s/</\&lt;/g; s/>/\&gt;/g'; }

# The fields of a document: its content and its name.
document() {
    printf '<document>'
    base64 -w 0 "$1"
    printf '</document><documentName>%s</documentName>' "$(text "$(basename "$1")")"
}

# Calls an operation with the fields on standard input; the answer, or the fault, is in $work/answer.
try() {
    {
        printf '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>'
        printf '<%s xmlns="http://seccommerce.de/ws/SecPKI/">' "$1"
        cat
        printf '</%s></e:Body></e:Envelope>' "$1"
    } >"$work/request"
    curl --silent --show-error --user "$user:$password" --header 'Content-Type: text/xml; charset=utf-8' \
        --data-binary "@$work/request" --output "$work/answer" "$url"
}

# The same; a fault ends the program.
ask() {
    try "$1"
    [ "$(answer faultstring)" = "" ] || {
        echo "status $(answer Status): $(answer faultstring)" >&2
        exit 1
    }
}

# The text of an element of the answer: of the first, or of the first in the n-th Results.
answer() { xmllint --huge --xpath "string((${2:-}//*[local-name()='$1'])[1])" "$work/answer"; }
result() { answer "$1" "(//*[local-name()='Results'])[$2]"; }

{
    document "$1"
    printf '<profile>%s</profile>' "$(text "$profile")"
} | ask sign
answer Signature >"$work/signature"
base64 -d "$work/signature" >"$folder/$(answer SignatureName)"
echo "sign: $(answer SignatureName)"

{
    printf '<profile>%s</profile>' "$(text "$profile")"
    for file; do
        printf '<documents>'
        document "$file"
        printf '</documents>'
    done
} | ask signBatch
number=0
for file; do
    number=$((number + 1))
    if [ "$(result Status $number)" = 0 ]; then
        result Signature $number | base64 -d >"$folder/$(result SignatureName $number)"
    else
        echo "not signed: $(result Index $number) $(result Status $number) $(result Reason $number)"
    fi
done
echo "batch: $(answer Signed) signed, $(answer Failed) failed"

{
    document "$1"
    printf '<signature>'
    cat "$work/signature"
    printf '</signature>'
} | ask verify
echo "verify: $(answer ResultCode) $(answer Outcome)"

printf '<document>eA==</document><profile>no-such-profile</profile>' | try sign
echo "fault: $(answer Status) $(answer Message)"
