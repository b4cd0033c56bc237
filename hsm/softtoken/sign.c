/* C_Sign* and C_Verify*: ours for SM2 mechanisms, SoftHSM's for all else. SM2 keys do nothing but SM2. */
#include "softtoken.h"

#include <openssl/crypto.h>
#include <string.h>

/* A parameter would be a user ID, which has no meaning once e is given. */
static CK_RV check_mechanism(const CK_MECHANISM *mechanism)
{
    if (mechanism->mechanism == CKM_SOFTTOKEN_SM2_KEY_PAIR_GEN)
        return CKR_MECHANISM_INVALID;
    if (mechanism->pParameter != NULL || mechanism->ulParameterLen != 0)
        return CKR_MECHANISM_PARAM_INVALID;
    return CKR_OK;
}

static CK_RV check_usage(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key, CK_OBJECT_CLASS class, CK_ATTRIBUTE_TYPE usage)
{
    CK_BBOOL allowed = CK_FALSE;
    CK_ATTRIBUTE asked = {usage, &allowed, sizeof allowed};
    CK_SESSION_INFO info;
    CK_RV result = below->C_GetSessionInfo(session, &info);

    if (result != CKR_OK)
        return result;
    if (class == CKO_PRIVATE_KEY && info.state != CKS_RO_USER_FUNCTIONS && info.state != CKS_RW_USER_FUNCTIONS)
        return CKR_USER_NOT_LOGGED_IN;
    result = below->C_GetAttributeValue(session, key, &asked, 1);
    if (result == CKR_OBJECT_HANDLE_INVALID)
        return CKR_KEY_HANDLE_INVALID;
    if (!is_sm2_key(session, key, class))
        return CKR_KEY_TYPE_INCONSISTENT;
    return result == CKR_OK && allowed == CK_TRUE ? CKR_OK : CKR_KEY_FUNCTION_NOT_PERMITTED;
}

static EVP_PKEY *read_private_key(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key)
{
    unsigned char scalar[SM2_SCALAR_BYTES + 8];
    CK_ATTRIBUTE value = {CKA_VALUE, scalar, sizeof scalar};
    EVP_PKEY *loaded = NULL;

    if (below->C_GetAttributeValue(session, key, &value, 1) == CKR_OK && value.ulValueLen <= SM2_SCALAR_BYTES)
        loaded = sm2_private_key(scalar, value.ulValueLen);
    OPENSSL_cleanse(scalar, sizeof scalar);
    return loaded;
}

static EVP_PKEY *read_public_key(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key)
{
    unsigned char wrapped[SM2_POINT_BYTES + 8]; /* CKA_EC_POINT is a DER OCTET STRING around the point */
    CK_ATTRIBUTE point = {CKA_EC_POINT, wrapped, sizeof wrapped};

    if (below->C_GetAttributeValue(session, key, &point, 1) != CKR_OK || point.ulValueLen != SM2_POINT_BYTES + 2)
        return NULL;
    return sm2_public_key(wrapped + 2, SM2_POINT_BYTES);
}

static CK_RV begin(CK_SESSION_HANDLE session, const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key, operation_kind kind)
{
    bool signing = kind == SIGNING;
    operation begun = {NULL, mechanism->mechanism == CKM_SOFTTOKEN_SM2_DER};
    CK_RV result = check_mechanism(mechanism);

    if (result == CKR_OK)
        result = check_usage(session, key, signing ? CKO_PRIVATE_KEY : CKO_PUBLIC_KEY, signing ? CKA_SIGN : CKA_VERIFY);
    if (result != CKR_OK)
        return result;
    begun.key = signing ? read_private_key(session, key) : read_public_key(session, key);
    return begun.key == NULL ? CKR_FUNCTION_FAILED : operation_begin(session, kind, begun);
}

CK_RV token_sign_init(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key)
{
    if (mechanism == NULL)
        return CKR_ARGUMENTS_BAD;
    if (operation_active(session, SIGNING, NULL))
        return CKR_OPERATION_ACTIVE;
    if (is_sm2_mechanism(mechanism->mechanism))
        return begin(session, mechanism, key, SIGNING);
    if (is_sm2_key(session, key, CKO_PRIVATE_KEY)) /* CKM_ECDSA with an SM2 key is not SM2 */
        return CKR_KEY_TYPE_INCONSISTENT;
    return below->C_SignInit(session, mechanism, key);
}

CK_RV token_sign(CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG data_length, CK_BYTE_PTR signature,
                 CK_ULONG_PTR signature_length)
{
    unsigned char made[SM2_DER_MAX_BYTES];
    size_t made_length = 0;
    operation active;
    CK_ULONG room;
    CK_RV result = CKR_FUNCTION_FAILED;

    if (!operation_active(session, SIGNING, &active))
        return below->C_Sign(session, data, data_length, signature, signature_length);
    if (data == NULL || signature_length == NULL) {
        result = CKR_ARGUMENTS_BAD;
    } else if (data_length != SM2_DIGEST_BYTES) {
        result = CKR_DATA_LEN_RANGE;
    } else {
        room = *signature_length;
        *signature_length = active.der ? SM2_DER_MAX_BYTES : SM2_RAW_BYTES;
        if (signature == NULL) /* a question for the length, and a buffer too small, leave the operation active */
            return CKR_OK;
        if (room < *signature_length)
            return CKR_BUFFER_TOO_SMALL;
        if (sm2_sign(active.key, data, active.der, made, &made_length)) {
            memcpy(signature, made, made_length);
            *signature_length = made_length;
            result = CKR_OK;
        }
    }
    operation_end(session, SIGNING);
    return result;
}

CK_RV token_verify_init(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key)
{
    if (mechanism == NULL)
        return CKR_ARGUMENTS_BAD;
    if (operation_active(session, VERIFYING, NULL))
        return CKR_OPERATION_ACTIVE;
    if (is_sm2_mechanism(mechanism->mechanism))
        return begin(session, mechanism, key, VERIFYING);
    if (is_sm2_key(session, key, CKO_PUBLIC_KEY))
        return CKR_KEY_TYPE_INCONSISTENT;
    return below->C_VerifyInit(session, mechanism, key);
}

CK_RV token_verify(CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG data_length, CK_BYTE_PTR signature,
                   CK_ULONG signature_length)
{
    operation active;
    CK_RV result;

    if (!operation_active(session, VERIFYING, &active))
        return below->C_Verify(session, data, data_length, signature, signature_length);
    if (data == NULL || signature == NULL)
        result = CKR_ARGUMENTS_BAD;
    else if (data_length != SM2_DIGEST_BYTES)
        result = CKR_DATA_LEN_RANGE;
    else if (active.der ? signature_length > SM2_DER_MAX_BYTES : signature_length != SM2_RAW_BYTES)
        result = CKR_SIGNATURE_LEN_RANGE;
    else
        result = sm2_verify(active.key, data, active.der, signature, signature_length) ? CKR_OK : CKR_SIGNATURE_INVALID;
    operation_end(session, VERIFYING);
    return result;
}

/* e is 32 bytes: there are no parts. A failed call ends the operation (PKCS#11 2.40, 5.11 and 5.13). */
static CK_RV refuse_parts(CK_SESSION_HANDLE session, operation_kind kind)
{
    operation_end(session, kind);
    return CKR_FUNCTION_NOT_SUPPORTED;
}

CK_RV token_sign_update(CK_SESSION_HANDLE session, CK_BYTE_PTR part, CK_ULONG length)
{
    return operation_active(session, SIGNING, NULL) ? refuse_parts(session, SIGNING)
                                                    : below->C_SignUpdate(session, part, length);
}

CK_RV token_sign_final(CK_SESSION_HANDLE session, CK_BYTE_PTR signature, CK_ULONG_PTR length)
{
    return operation_active(session, SIGNING, NULL) ? refuse_parts(session, SIGNING)
                                                    : below->C_SignFinal(session, signature, length);
}

CK_RV token_verify_update(CK_SESSION_HANDLE session, CK_BYTE_PTR part, CK_ULONG length)
{
    return operation_active(session, VERIFYING, NULL) ? refuse_parts(session, VERIFYING)
                                                      : below->C_VerifyUpdate(session, part, length);
}

CK_RV token_verify_final(CK_SESSION_HANDLE session, CK_BYTE_PTR signature, CK_ULONG length)
{
    return operation_active(session, VERIFYING, NULL) ? refuse_parts(session, VERIFYING)
                                                      : below->C_VerifyFinal(session, signature, length);
}
