/* Signs, signs a batch, verifies, and shows a fault; with code that gSOAP makes from the WSDL (see Makefile).
 *
 *     ./secpki URL USER PASSWORD PROFILE FOLDER FILE...
 */

#include "soapH.h"
#include "SecPKISoapBinding.nsmap"

static const char *url, *user, *password, *profile, *folder;

/* Who calls; gSOAP forgets it after each call. */
static void log_in(struct soap *soap) {
    soap->userid = user;
    soap->passwd = password;
}

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* A whole file, in memory that lives as long as the context. */
static struct xsd__base64Binary content(struct soap *soap, const char *path) {
    struct xsd__base64Binary bytes = {0};
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END)) fail(path);
    bytes.__size = (int)ftell(file);
    bytes.__ptr = soap_malloc(soap, bytes.__size + 1);
    rewind(file);
    if (fread(bytes.__ptr, 1, bytes.__size, file) != (size_t)bytes.__size) fail(path);
    fclose(file);
    return bytes;
}

static void save(const char *name, const struct xsd__base64Binary *bytes) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(bytes->__ptr, 1, bytes->__size, file) != (size_t)bytes->__size || fclose(file)) fail(path);
}

/* Ends the program if a call has failed. */
static void check(struct soap *soap, int result) {
    if (result == SOAP_OK) return;
    soap_print_fault(soap, stderr);
    exit(1);
}

int main(int count, char **arguments) {
    if (count < 7) {
        fprintf(stderr, "usage: %s URL USER PASSWORD PROFILE FOLDER FILE...\n", arguments[0]);
        return 2;
    }
    url = arguments[1], user = arguments[2], password = arguments[3], profile = arguments[4], folder = arguments[5];
    char **files = arguments + 6;
    int file_count = count - 6, index;

    struct soap *soap = soap_new1(SOAP_C_UTFSTRING | SOAP_IO_KEEPALIVE);
    /* With TLS: compile with -DWITH_OPENSSL, link gsoapssl, ssl and crypto, and say whom to believe and who calls:
     * soap_ssl_client_context(soap, SOAP_SSL_DEFAULT, "client-with-key.pem", "password", "authority.pem", NULL, NULL); */

    struct _ns1__sign sign;
    struct _ns1__signResponse answer;
    soap_default__ns1__sign(soap, &sign);
    sign.document = content(soap, files[0]);
    sign.documentName = (char *)base_name(files[0]);
    sign.profile = (char *)profile;
    log_in(soap);
    check(soap, soap_call___ns1__sign(soap, url, NULL, &sign, &answer));
    save(answer.SignatureName, &answer.Signature);
    printf("sign: %s\n", answer.SignatureName);

    struct _ns1__signBatch batch;
    struct _ns1__signBatchResponse results;
    soap_default__ns1__signBatch(soap, &batch);
    batch.profile = (char *)profile;
    batch.__sizedocuments = file_count;
    batch.documents = soap_malloc(soap, file_count * sizeof *batch.documents);
    for (index = 0; index < file_count; index++) {
        soap_default_ns1__BatchDocument(soap, &batch.documents[index]);
        batch.documents[index].document = content(soap, files[index]);
        batch.documents[index].documentName = (char *)base_name(files[index]);
    }
    log_in(soap);
    check(soap, soap_call___ns1__signBatch(soap, url, NULL, &batch, &results));
    for (index = 0; index < results.__sizeResults; index++) {
        struct ns1__BatchResult *result = &results.Results[index];
        if (result->Status == 0)
            save(result->SignatureName, &result->Signature);
        else
            printf("not signed: %d %d %s\n", result->Index, result->Status, result->Reason);
    }
    printf("batch: %d signed, %d failed\n", results.Signed, results.Failed);

    struct _ns1__verify verify;
    struct _ns1__verifyResponse verdict;
    soap_default__ns1__verify(soap, &verify);
    verify.document = sign.document;
    verify.documentName = sign.documentName;
    verify.signature = answer.Signature;
    log_in(soap);
    check(soap, soap_call___ns1__verify(soap, url, NULL, &verify, &verdict));
    printf("verify: %d %s\n", verdict.ResultCode, verdict.Outcome);

    sign.profile = "no-such-profile";
    log_in(soap);
    if (soap_call___ns1__sign(soap, url, NULL, &sign, &answer) != SOAP_OK && soap->fault && soap->fault->detail)
        printf("fault: %d %s\n", soap->fault->detail->ns1__SecPKIFault->Status, soap->fault->faultstring);

    soap_destroy(soap);
    soap_end(soap);
    soap_free(soap);
    return 0;
}
