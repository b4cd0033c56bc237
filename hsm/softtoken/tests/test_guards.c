/* SM2 private keys are sensitive and not extractable to every caller, and stay so. */
#include "check.h"

#include <string.h>

static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;

static void attributes_seen(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key)
{
    CK_BBOOL flag;
    CK_BYTE value[64];
    CK_ATTRIBUTE secret = {CKA_VALUE, value, sizeof value}, one = {CKA_SENSITIVE, &flag, 0};
    CK_ATTRIBUTE both[] = {{CKA_VALUE, value, sizeof value}, {CKA_EXTRACTABLE, &flag, 1}};
    const struct {
        CK_ATTRIBUTE_TYPE type;
        CK_BBOOL wanted;
    } flags[] = {{CKA_SENSITIVE, CK_TRUE},         {CKA_ALWAYS_SENSITIVE, CK_TRUE}, {CKA_EXTRACTABLE, CK_FALSE},
                 {CKA_NEVER_EXTRACTABLE, CK_TRUE}, {CKA_PRIVATE, CK_TRUE},          {CKA_SIGN, CK_TRUE}};

    for (unsigned i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        CK_ATTRIBUTE asked = {flags[i].type, &flag, 1};
        flag = flags[i].wanted == CK_TRUE ? CK_FALSE : CK_TRUE;
        EXPECT(p11->C_GetAttributeValue(session, key, &asked, 1), CKR_OK);
        CHECK(flag == flags[i].wanted);
    }
    EXPECT(p11->C_GetAttributeValue(session, key, &secret, 1), CKR_ATTRIBUTE_SENSITIVE);
    CHECK(secret.ulValueLen == CK_UNAVAILABLE_INFORMATION);
    EXPECT(p11->C_GetAttributeValue(session, key, both, 2), CKR_ATTRIBUTE_SENSITIVE);
    CHECK(flag == CK_FALSE && both[1].ulValueLen == 1);
    EXPECT(p11->C_GetAttributeValue(session, key, &one, 1), CKR_BUFFER_TOO_SMALL);
}

static void changes_refused(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key)
{
    CK_OBJECT_HANDLE copy;
    CK_ATTRIBUTE weaker[] = {{CKA_SENSITIVE, &no, 1}, {CKA_EXTRACTABLE, &yes, 1}, {CKA_PRIVATE, &no, 1},
                             {CKA_DERIVE, &yes, 1}};
    CK_ATTRIBUTE label = {CKA_LABEL, (void *)"renamed", 7};

    for (unsigned i = 0; i < sizeof weaker / sizeof weaker[0]; i++) {
        EXPECT(p11->C_SetAttributeValue(session, key, &weaker[i], 1), CKR_ATTRIBUTE_READ_ONLY);
        EXPECT(p11->C_CopyObject(session, key, &weaker[i], 1, &copy), CKR_TEMPLATE_INCONSISTENT);
    }
    EXPECT(p11->C_SetAttributeValue(session, key, &label, 1), CKR_OK);
    EXPECT(p11->C_CopyObject(session, key, &label, 1, &copy), CKR_OK);
    attributes_seen(session, copy); /* a plain copy is as well kept as its original */
}

static void ways_out_refused(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key)
{
    CK_MECHANISM aes = {CKM_AES_KEY_GEN, NULL, 0}, wrap = {CKM_AES_KEY_WRAP, NULL, 0}, ecdsa = {CKM_ECDSA, NULL, 0};
    CK_MECHANISM derive = {CKM_ECDH1_DERIVE, NULL, 0};
    CK_ULONG size = 32, length = 128;
    CK_BYTE out[128], guess[32] = {7};
    CK_OBJECT_HANDLE wrapping, made;
    CK_OBJECT_CLASS private_class = CKO_PRIVATE_KEY;
    CK_ATTRIBUTE for_wrapping[] = {{CKA_VALUE_LEN, &size, sizeof size}, {CKA_WRAP, &yes, 1}};
    CK_ATTRIBUTE search[] = {{CKA_VALUE, guess, 32}, {CKA_CLASS, &private_class, sizeof private_class}};

    EXPECT(p11->C_GenerateKey(session, &aes, for_wrapping, 2, &wrapping), CKR_OK);
    EXPECT(p11->C_WrapKey(session, &wrap, wrapping, key, out, &length), CKR_KEY_UNEXTRACTABLE);
    EXPECT(p11->C_DeriveKey(session, &derive, key, NULL, 0, &made), CKR_KEY_TYPE_INCONSISTENT);
    EXPECT(p11->C_SignInit(session, &ecdsa, key), CKR_KEY_TYPE_INCONSISTENT);
    EXPECT(p11->C_FindObjectsInit(session, search, 1), CKR_ATTRIBUTE_TYPE_INVALID);
    EXPECT(p11->C_FindObjectsInit(session, search, 2), CKR_ATTRIBUTE_TYPE_INVALID);
}

static void import_refused(CK_SESSION_HANDLE session)
{
    CK_BYTE curve[] = {0x06, 0x08, 0x2a, 0x81, 0x1c, 0xcf, 0x55, 0x01, 0x82, 0x2d}, value[32] = {5};
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_KEY_TYPE type = CKK_EC;
    CK_OBJECT_HANDLE made;
    CK_ATTRIBUTE key[] = {{CKA_CLASS, &class, sizeof class}, {CKA_KEY_TYPE, &type, sizeof type},
                          {CKA_EC_PARAMS, curve, sizeof curve}, {CKA_VALUE, value, sizeof value}};

    EXPECT(p11->C_CreateObject(session, key, 4, &made), CKR_TEMPLATE_INCONSISTENT);
}

void test_guards(void)
{
    CK_SESSION_HANDLE session = open_session();
    CK_OBJECT_HANDLE public_key = 0, private_key = 0;

    log_in(session);
    make_sm2_pair(session, &public_key, &private_key);
    attributes_seen(session, private_key);
    changes_refused(session, private_key);
    ways_out_refused(session, private_key);
    import_refused(session);
    EXPECT(p11->C_Logout(session), CKR_OK);
    EXPECT(p11->C_CloseSession(session), CKR_OK);
}
