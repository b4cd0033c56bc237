/* Signing and verifying: results, lengths, states, and what ends an operation. */
#include "check.h"

#include <string.h>

static CK_MECHANISM raw = {0x80008105UL, NULL, 0}, der = {0x80008104UL, NULL, 0};
static CK_BYTE e[32] = "0123456789abcdef0123456789abcde";

static void round_trip(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE *keys)
{
    CK_BYTE signature[80];
    CK_ULONG length = sizeof signature, asked = 0, small = 10;

    EXPECT(p11->C_SignInit(session, mechanism, keys[1]), CKR_OK);
    EXPECT(p11->C_SignInit(session, mechanism, keys[1]), CKR_OPERATION_ACTIVE);
    EXPECT(p11->C_Sign(session, e, 32, NULL, &asked), CKR_OK); /* a question for the length */
    CHECK(asked == (mechanism == &raw ? 64 : 72));
    EXPECT(p11->C_Sign(session, e, 32, signature, &small), CKR_BUFFER_TOO_SMALL); /* still active */
    EXPECT(p11->C_Sign(session, e, 32, signature, &length), CKR_OK);
    CHECK(length <= asked && length >= (mechanism == &raw ? 64UL : 66UL));
    EXPECT(p11->C_Sign(session, e, 32, signature, &length), CKR_OPERATION_NOT_INITIALIZED);
    EXPECT(p11->C_VerifyInit(session, mechanism, keys[0]), CKR_OK);
    EXPECT(p11->C_VerifyInit(session, mechanism, keys[0]), CKR_OPERATION_ACTIVE);
    EXPECT(p11->C_Verify(session, e, 32, signature, length), CKR_OK);
    EXPECT(p11->C_VerifyInit(session, mechanism, keys[0]), CKR_OK);
    signature[length - 1] ^= 1;
    EXPECT(p11->C_Verify(session, e, 32, signature, length), CKR_SIGNATURE_INVALID);
    EXPECT(p11->C_VerifyInit(session, mechanism, keys[0]), CKR_OK);
    EXPECT(p11->C_Verify(session, e, 32, signature, 73), CKR_SIGNATURE_LEN_RANGE);
}

static void refusals(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *keys)
{
    CK_BYTE out[80], zeros[64] = {0};
    CK_ULONG length = sizeof out;

    EXPECT(p11->C_SignInit(session, &raw, keys[0]), CKR_KEY_TYPE_INCONSISTENT); /* a public key */
    EXPECT(p11->C_VerifyInit(session, &raw, keys[1]), CKR_KEY_TYPE_INCONSISTENT);
    EXPECT(p11->C_SignInit(session, &raw, keys[1]), CKR_OK);
    EXPECT(p11->C_Sign(session, e, 31, out, &length), CKR_DATA_LEN_RANGE); /* and the operation is over */
    EXPECT(p11->C_Sign(session, e, 32, out, &length), CKR_OPERATION_NOT_INITIALIZED);
    EXPECT(p11->C_SignInit(session, &raw, keys[1]), CKR_OK);
    EXPECT(p11->C_Sign(session, NULL, 32, out, &length), CKR_ARGUMENTS_BAD);
    EXPECT(p11->C_SignInit(session, &der, keys[1]), CKR_OK);
    EXPECT(p11->C_SignUpdate(session, e, 32), CKR_FUNCTION_NOT_SUPPORTED);
    EXPECT(p11->C_SignInit(session, &der, keys[1]), CKR_OK);
    EXPECT(p11->C_SignFinal(session, out, &length), CKR_FUNCTION_NOT_SUPPORTED);
    EXPECT(p11->C_VerifyInit(session, &raw, keys[0]), CKR_OK);
    EXPECT(p11->C_VerifyUpdate(session, e, 32), CKR_FUNCTION_NOT_SUPPORTED);
    EXPECT(p11->C_VerifyInit(session, &raw, keys[0]), CKR_OK);
    EXPECT(p11->C_Verify(session, e, 32, zeros, 64), CKR_SIGNATURE_INVALID); /* r = s = 0 */
    EXPECT(p11->C_VerifyInit(session, &raw, keys[0]), CKR_OK);
    EXPECT(p11->C_Verify(session, e, 16, zeros, 64), CKR_DATA_LEN_RANGE);
}

static void usage_flags(CK_SESSION_HANDLE session)
{
    CK_MECHANISM generation = {0x80008001UL, NULL, 0};
    CK_BBOOL no = CK_FALSE;
    CK_ATTRIBUTE no_verify = {CKA_VERIFY, &no, 1}, no_sign = {CKA_SIGN, &no, 1};
    CK_OBJECT_HANDLE keys[2];

    EXPECT(p11->C_GenerateKeyPair(session, &generation, &no_verify, 1, &no_sign, 1, &keys[0], &keys[1]), CKR_OK);
    EXPECT(p11->C_SignInit(session, &raw, keys[1]), CKR_KEY_FUNCTION_NOT_PERMITTED);
    EXPECT(p11->C_VerifyInit(session, &raw, keys[0]), CKR_KEY_FUNCTION_NOT_PERMITTED);
}

static void endings(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *keys)
{
    CK_SESSION_HANDLE other = open_session();
    CK_BYTE out[80];
    CK_ULONG length = sizeof out;

    EXPECT(p11->C_SignInit(other, &raw, keys[1]), CKR_OK);
    EXPECT(p11->C_CloseSession(other), CKR_OK);
    EXPECT(p11->C_Sign(other, e, 32, out, &length), CKR_SESSION_HANDLE_INVALID);
    EXPECT(p11->C_SignInit(session, &raw, keys[1]), CKR_OK);
    EXPECT(p11->C_Logout(session), CKR_OK);
    EXPECT(p11->C_Sign(session, e, 32, out, &length), CKR_OPERATION_NOT_INITIALIZED);
    log_in(session);
    EXPECT(p11->C_CloseAllSessions(slot), CKR_OK);
    EXPECT(p11->C_Sign(session, e, 32, out, &length), CKR_SESSION_HANDLE_INVALID);
}

void test_operations(void)
{
    CK_SESSION_HANDLE session = open_session();
    CK_OBJECT_HANDLE keys[2] = {0, 0};

    log_in(session);
    make_sm2_pair(session, &keys[0], &keys[1]);
    round_trip(session, &raw, keys);
    round_trip(session, &der, keys);
    refusals(session, keys);
    usage_flags(session);
    endings(session, keys);
}
