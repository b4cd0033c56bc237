/* See check.h. */
#include "check.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN 20 /* failures beyond these are only counted */

CK_FUNCTION_LIST_PTR p11;
CK_SLOT_ID slot;
unsigned long checks, failures;
static CK_C_INITIALIZE_ARGS with_locking = {.flags = CKF_OS_LOCKING_OK};
CK_VOID_PTR initialise_arguments = &with_locking;

void check(int good, const char *what, const char *file, int line)
{
    __atomic_add_fetch(&checks, 1, __ATOMIC_RELAXED);
    if (good)
        return;
    if (__atomic_add_fetch(&failures, 1, __ATOMIC_RELAXED) > SHOWN)
        return;
    fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
}

void check_rv(CK_RV got, CK_RV wanted, const char *what, const char *file, int line)
{
    check(got == wanted, what, file, line);
    if (got != wanted && failures <= SHOWN)
        fprintf(stderr, "    got 0x%lx, wanted 0x%lx\n", got, wanted);
}

void load_module(const char *path)
{
    CK_C_GetFunctionList get_list;
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);

    if (library == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        exit(2);
    }
    *(void **)&get_list = dlsym(library, "C_GetFunctionList");
    EXPECT(get_list(NULL), CKR_ARGUMENTS_BAD);
    EXPECT(get_list(&p11), CKR_OK);
}

/* On the first slot, whatever is there; SoftHSM then moves the token to a slot with another number. */
void make_token(void)
{
    CK_SLOT_ID slots[8];
    CK_ULONG count = 8;
    CK_UTF8CHAR label[32];
    CK_SESSION_HANDLE session;

    memset(label, ' ', sizeof label);
    memcpy(label, "checks", 6);
    EXPECT(p11->C_GetSlotList(CK_TRUE, slots, &count), CKR_OK);
    EXPECT(p11->C_InitToken(slots[0], (CK_UTF8CHAR_PTR) "12345678", 8, label), CKR_OK);
    count = 8;
    EXPECT(p11->C_GetSlotList(CK_TRUE, slots, &count), CKR_OK);
    slot = slots[0];
    session = open_session();
    EXPECT(p11->C_Login(session, CKU_SO, (CK_UTF8CHAR_PTR) "12345678", 8), CKR_OK);
    EXPECT(p11->C_InitPIN(session, (CK_UTF8CHAR_PTR) "1234", 4), CKR_OK);
    EXPECT(p11->C_Logout(session), CKR_OK);
    EXPECT(p11->C_CloseSession(session), CKR_OK);
}

CK_SESSION_HANDLE open_session(void)
{
    CK_SESSION_HANDLE session = 0;

    EXPECT(p11->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session), CKR_OK);
    return session;
}

void log_in(CK_SESSION_HANDLE session)
{
    EXPECT(p11->C_Login(session, CKU_USER, (CK_UTF8CHAR_PTR) "1234", 4), CKR_OK);
}

void make_sm2_pair(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *public_key, CK_OBJECT_HANDLE *private_key)
{
    CK_MECHANISM generation = {0x80008001UL, NULL, 0};
    CK_BBOOL yes = CK_TRUE;
    CK_ATTRIBUTE verify = {CKA_VERIFY, &yes, 1};
    CK_ATTRIBUTE sign = {CKA_SIGN, &yes, 1};

    EXPECT(p11->C_GenerateKeyPair(session, &generation, &verify, 1, &sign, 1, public_key, private_key), CKR_OK);
}

int main(int count, char **arguments)
{
    if (count != 2 && !(count == 3 && strcmp(arguments[2], "--no-locking-asked") == 0)) {
        fprintf(stderr, "usage: %s MODULE [--no-locking-asked]\n", arguments[0]);
        return 2;
    }
    if (count == 3)
        initialise_arguments = NULL;
    load_module(arguments[1]);
    test_bad_calls(); /* begins before C_Initialize */
    test_generation();
    test_guards();
    test_operations();
    test_threads();
    EXPECT(p11->C_Finalize(NULL), CKR_OK);
    printf("%lu checks, %lu failures\n", checks, failures);
    return failures == 0 ? 0 : 1;
}
