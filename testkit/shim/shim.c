/*
 * A PKCS#11 module for tests: forwards to a real module and misbehaves on demand.
 *
 * Everything is controlled by the environment of the process that loads it; a "file" switch is on while the file
 * exists, so that a test can turn it on and off from outside.
 *
 *   SHIM_TARGET            path of the real module (needed)
 *   SHIM_LOGIN_LOG         file; C_Login appends one byte for each call: 'u' user, 'c' context-specific, 's' officer
 *   SHIM_SIGN_LOG          file; C_Sign appends one 's' for each call (a call for the length alone too)
 *   SHIM_HANG_FILE         C_Sign does not return while the file exists
 *   SHIM_CRASH_FILE        C_Sign aborts the process
 *   SHIM_LOGIN_CRASH_FILE  C_Login aborts the process (after it has been logged)
 *   SHIM_LOGIN_HANG_FILE   C_Login does not return while the file exists (after it has been logged)
 *   SHIM_LOGIN_REFUSE_FILE C_Login answers CKR_PIN_INCORRECT (after it has been logged), the real token sees nothing
 *   SHIM_PAD_PIN           what the person at the PIN pad types when C_Login gets no PIN
 *   SHIM_CANCEL_FILE       the person at the PIN pad cancels
 *   SHIM_SLEEP_MS          C_Sign takes this much longer
 *   SHIM_WRONG_FILE        C_Sign answers a signature with one bit changed
 *   SHIM_GONE_FILE         the token has been pulled: no slot has a token, calls answer CKR_DEVICE_REMOVED
 *   SHIM_FLAGS_FILE        the hexadecimal number in the file is or-ed into the flags of CK_TOKEN_INFO
 *
 * Only the few declarations of PKCS#11 2.40 that it needs are written out here; the function list is taken as an array,
 * whose order the standard fixes (section 4.6, CK_FUNCTION_LIST).
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

typedef unsigned long ULONG;
typedef unsigned char BYTE;

enum {
    CKR_OK = 0,
    CKR_GENERAL_ERROR = 0x5,
    CKR_DEVICE_REMOVED = 0x32,
    CKR_FUNCTION_CANCELED = 0x50,
    CKR_PIN_INCORRECT = 0xA0,
    CKR_TOKEN_NOT_PRESENT = 0xE0,
    CKR_SESSION_HANDLE_INVALID = 0xB3,
};

enum {
    GET_FUNCTION_LIST = 3,
    GET_SLOT_LIST = 4,
    GET_SLOT_INFO = 5,
    GET_TOKEN_INFO = 6,
    OPEN_SESSION = 12,
    LOGIN = 18,
    FIND_OBJECTS_INIT = 26,
    SIGN_INIT = 42,
    SIGN = 43,
    FUNCTIONS = 68,
};

typedef struct {
    BYTE version[2];
    void *functions[FUNCTIONS];
} FunctionList;

static FunctionList *target;
static FunctionList ours;

#define FORWARD(number, type) ((type)target->functions[number])

static int on(const char *name)
{
    const char *file = getenv(name);
    return file != NULL && access(file, F_OK) == 0;
}

static void append(const char *name, char mark)
{
    const char *file = getenv(name);
    if (file == NULL)
        return;
    int descriptor = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (descriptor < 0 || write(descriptor, &mark, 1) != 1)
        abort(); /* a lost count would make a test pass that must fail */
    close(descriptor);
}

static void milliseconds(long count)
{
    struct timespec time = { count / 1000, count % 1000 * 1000000 };
    nanosleep(&time, NULL);
}

static ULONG get_slot_list(BYTE present, ULONG *slots, ULONG *count)
{
    if (present && on("SHIM_GONE_FILE")) {
        *count = 0;
        return CKR_OK;
    }
    return FORWARD(GET_SLOT_LIST, ULONG (*)(BYTE, ULONG *, ULONG *))(present, slots, count);
}

/* CK_SLOT_INFO: two texts of 64 and 32 bytes, then the flags; CKF_TOKEN_PRESENT is 1. */
static ULONG get_slot_info(ULONG slot, BYTE *info)
{
    ULONG answer = FORWARD(GET_SLOT_INFO, ULONG (*)(ULONG, BYTE *))(slot, info);
    if (answer == CKR_OK && on("SHIM_GONE_FILE")) {
        ULONG flags;
        memcpy(&flags, info + 96, sizeof flags);
        flags &= ~1UL;
        memcpy(info + 96, &flags, sizeof flags);
    }
    return answer;
}

/* CK_TOKEN_INFO: texts of 32, 32, 16 and 16 bytes, then the flags. */
static ULONG get_token_info(ULONG slot, BYTE *info)
{
    if (on("SHIM_GONE_FILE"))
        return CKR_TOKEN_NOT_PRESENT;
    ULONG answer = FORWARD(GET_TOKEN_INFO, ULONG (*)(ULONG, BYTE *))(slot, info);
    if (answer == CKR_OK && on("SHIM_FLAGS_FILE")) {
        FILE *file = fopen(getenv("SHIM_FLAGS_FILE"), "r");
        ULONG more = 0, flags;
        if (file != NULL) {
            if (fscanf(file, "%lx", &more) != 1)
                more = 0;
            fclose(file);
        }
        memcpy(&flags, info + 96, sizeof flags);
        flags |= more;
        memcpy(info + 96, &flags, sizeof flags);
    }
    return answer;
}

static ULONG open_session(ULONG slot, ULONG flags, void *application, void *notify, ULONG *session)
{
    if (on("SHIM_GONE_FILE"))
        return CKR_TOKEN_NOT_PRESENT;
    return FORWARD(OPEN_SESSION, ULONG (*)(ULONG, ULONG, void *, void *, ULONG *))(slot, flags, application, notify,
                                                                                 session);
}

static ULONG login(ULONG session, ULONG user, BYTE *pin, ULONG length)
{
    if (on("SHIM_GONE_FILE"))
        return CKR_TOKEN_NOT_PRESENT;
    append("SHIM_LOGIN_LOG", user == 0 ? 's' : user == 1 ? 'u' : 'c');
    if (on("SHIM_LOGIN_CRASH_FILE"))
        abort();
    while (on("SHIM_LOGIN_HANG_FILE"))
        milliseconds(10);
    if (on("SHIM_LOGIN_REFUSE_FILE"))
        return CKR_PIN_INCORRECT;
    if (pin == NULL && on("SHIM_CANCEL_FILE"))
        return CKR_FUNCTION_CANCELED;
    if (pin == NULL && getenv("SHIM_PAD_PIN") != NULL) {
        pin = (BYTE *)getenv("SHIM_PAD_PIN");
        length = strlen((char *)pin);
    }
    return FORWARD(LOGIN, ULONG (*)(ULONG, ULONG, BYTE *, ULONG))(session, user, pin, length);
}

static ULONG find_objects_init(ULONG session, void *template, ULONG count)
{
    if (on("SHIM_GONE_FILE"))
        return CKR_SESSION_HANDLE_INVALID;
    return FORWARD(FIND_OBJECTS_INIT, ULONG (*)(ULONG, void *, ULONG))(session, template, count);
}

static ULONG sign_init(ULONG session, void *mechanism, ULONG key)
{
    if (on("SHIM_GONE_FILE"))
        return CKR_SESSION_HANDLE_INVALID; /* the card was pulled before the call */
    return FORWARD(SIGN_INIT, ULONG (*)(ULONG, void *, ULONG))(session, mechanism, key);
}

static ULONG sign(ULONG session, BYTE *data, ULONG length, BYTE *signature, ULONG *signature_length)
{
    append("SHIM_SIGN_LOG", 's');
    if (on("SHIM_CRASH_FILE"))
        abort();
    while (on("SHIM_HANG_FILE"))
        milliseconds(10);
    const char *sleep = getenv("SHIM_SLEEP_MS");
    if (sleep != NULL)
        milliseconds(atol(sleep));
    if (on("SHIM_GONE_FILE"))
        return CKR_DEVICE_REMOVED;
    ULONG answer = FORWARD(SIGN, ULONG (*)(ULONG, BYTE *, ULONG, BYTE *, ULONG *))(session, data, length, signature,
                                                                                 signature_length);
    if (answer == CKR_OK && signature != NULL && *signature_length > 0 && on("SHIM_WRONG_FILE"))
        signature[*signature_length / 2] ^= 1;
    return answer;
}

ULONG C_GetFunctionList(FunctionList **list)
{
    if (target == NULL) {
        const char *path = getenv("SHIM_TARGET");
        void *library = path != NULL ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
        ULONG (*get)(FunctionList **) = library != NULL ? dlsym(library, "C_GetFunctionList") : NULL;
        if (get == NULL || get(&target) != CKR_OK) {
            fprintf(stderr, "shim: SHIM_TARGET is no PKCS#11 module: %s\n", path != NULL ? path : "(not set)");
            return CKR_GENERAL_ERROR;
        }
        ours = *target;
        ours.functions[GET_FUNCTION_LIST] = C_GetFunctionList;
        ours.functions[GET_SLOT_LIST] = get_slot_list;
        ours.functions[GET_SLOT_INFO] = get_slot_info;
        ours.functions[GET_TOKEN_INFO] = get_token_info;
        ours.functions[OPEN_SESSION] = open_session;
        ours.functions[LOGIN] = login;
        ours.functions[FIND_OBJECTS_INIT] = find_objects_init;
        ours.functions[SIGN_INIT] = sign_init;
        ours.functions[SIGN] = sign;
    }
    *list = &ours;
    return CKR_OK;
}
