/* Calls at the wrong time or with missing arguments; what the token says of itself. */
#include "check.h"

#include <string.h>

static CK_MECHANISM raw = {0x80008105UL, NULL, 0};

static void before_initialisation(void)
{
    CK_ULONG length = 64;
    CK_BYTE data[32] = {0}, out[64];

    EXPECT(p11->C_SignInit(1, &raw, 1), CKR_CRYPTOKI_NOT_INITIALIZED);
    EXPECT(p11->C_Sign(1, data, 32, out, &length), CKR_CRYPTOKI_NOT_INITIALIZED);
    EXPECT(p11->C_CloseSession(1), CKR_CRYPTOKI_NOT_INITIALIZED);
    EXPECT(p11->C_Initialize(initialise_arguments), CKR_OK);
}

static void token_facts(void)
{
    CK_MECHANISM_TYPE mechanisms[256];
    CK_MECHANISM_INFO info;
    CK_TOKEN_INFO token;
    CK_ULONG count = 0, short_count = 1, found = 0;

    EXPECT(p11->C_GetTokenInfo(slot, &token), CKR_OK);
    CHECK(memcmp(token.model, "SM2 DEVELOPMENT ", 16) == 0);
    CHECK(memcmp(token.label, "checks", 6) == 0);
    EXPECT(p11->C_GetMechanismList(slot, NULL, NULL), CKR_ARGUMENTS_BAD);
    EXPECT(p11->C_GetMechanismList(slot, NULL, &count), CKR_OK);
    EXPECT(p11->C_GetMechanismList(slot, mechanisms, &short_count), CKR_BUFFER_TOO_SMALL);
    CHECK(short_count == count);
    count = 256;
    EXPECT(p11->C_GetMechanismList(slot, mechanisms, &count), CKR_OK);
    for (CK_ULONG i = 0; i < count; i++)
        found += mechanisms[i] == 0x80008001UL || mechanisms[i] == 0x80008104UL || mechanisms[i] == 0x80008105UL;
    CHECK(found == 3);
    EXPECT(p11->C_GetMechanismInfo(slot, 0x80008105UL, &info), CKR_OK);
    CHECK(info.flags == (CKF_SIGN | CKF_VERIFY) && info.ulMaxKeySize == 256);
    EXPECT(p11->C_GetMechanismInfo(slot, 0x80008105UL, NULL), CKR_ARGUMENTS_BAD);
    EXPECT(p11->C_GetMechanismInfo(slot + 1000, 0x80008105UL, &info), CKR_SLOT_ID_INVALID);
}

static void wrong_arguments(void)
{
    CK_SESSION_HANDLE session = open_session();
    CK_OBJECT_HANDLE public_key, private_key;
    CK_BYTE data[32] = {0}, out[72];
    CK_ULONG length = sizeof out;
    CK_MECHANISM generation = {0x80008001UL, NULL, 0}, with_id = {0x80008105UL, data, 16};

    EXPECT(p11->C_SignInit(session, NULL, 1), CKR_ARGUMENTS_BAD);
    EXPECT(p11->C_VerifyInit(session, NULL, 1), CKR_ARGUMENTS_BAD);
    EXPECT(p11->C_SignInit(session, &generation, 1), CKR_MECHANISM_INVALID);
    EXPECT(p11->C_SignInit(session, &with_id, 1), CKR_MECHANISM_PARAM_INVALID);
    EXPECT(p11->C_SignInit(session, &raw, 1), CKR_USER_NOT_LOGGED_IN);
    EXPECT(p11->C_SignInit(session + 1000, &raw, 1), CKR_SESSION_HANDLE_INVALID);
    EXPECT(p11->C_Sign(session, data, 32, out, &length), CKR_OPERATION_NOT_INITIALIZED);
    EXPECT(p11->C_Verify(session, data, 32, out, 64), CKR_OPERATION_NOT_INITIALIZED);
    EXPECT(p11->C_GenerateKeyPair(session, NULL, NULL, 0, NULL, 0, &public_key, &private_key), CKR_ARGUMENTS_BAD);
    EXPECT(p11->C_GenerateKeyPair(session, &generation, NULL, 0, NULL, 0, NULL, NULL), CKR_ARGUMENTS_BAD);
    EXPECT(p11->C_GenerateKeyPair(session, &generation, NULL, 3, NULL, 0, &public_key, &private_key), CKR_ARGUMENTS_BAD);
    log_in(session);
    EXPECT(p11->C_SignInit(session, &raw, 123456), CKR_KEY_HANDLE_INVALID);
    EXPECT(p11->C_GetAttributeValue(session, 1, NULL, 1), CKR_ARGUMENTS_BAD);
    EXPECT(p11->C_FindObjectsInit(session, NULL, 1), CKR_ARGUMENTS_BAD);
    EXPECT(p11->C_Logout(session), CKR_OK);
    EXPECT(p11->C_CloseSession(session), CKR_OK);
}

void test_bad_calls(void)
{
    before_initialisation();
    make_token();
    token_facts();
    wrong_arguments();
}
