/* The guards round SM2 private keys: to every caller they are sensitive and not extractable, and nothing makes them less so.
 * SoftHSM below can't sign with them, so it must be able to give their value to sign.c, and to nobody else. */
#include "softtoken.h"

#include <string.h>

static bool asks_for(const CK_ATTRIBUTE *attributes, CK_ULONG count, CK_OBJECT_CLASS wanted)
{
    return attribute_is(find_attribute(attributes, count, CKA_CLASS), &wanted, sizeof wanted);
}

CK_RV guard_create_object(CK_SESSION_HANDLE session, CK_ATTRIBUTE_PTR attributes, CK_ULONG count, CK_OBJECT_HANDLE_PTR object)
{
    if (attributes == NULL && count != 0)
        return CKR_ARGUMENTS_BAD;
    /* A key that came from outside was never secret to the token. */
    if (asks_for(attributes, count, CKO_PRIVATE_KEY) &&
        attribute_is(find_attribute(attributes, count, CKA_EC_PARAMS), sm2_parameters, sizeof sm2_parameters))
        return CKR_TEMPLATE_INCONSISTENT;
    return below->C_CreateObject(session, attributes, count, object);
}

/* Names may change; whatever a key may do, and how well it is kept, may not. */
static bool only_names(const CK_ATTRIBUTE *attributes, CK_ULONG count, bool copying)
{
    for (CK_ULONG i = 0; i < count; i++) {
        CK_ATTRIBUTE_TYPE type = attributes[i].type;
        if (type != CKA_LABEL && type != CKA_ID && !(copying && type == CKA_TOKEN))
            return false;
    }
    return true;
}

CK_RV guard_copy_object(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_PTR attributes, CK_ULONG count,
                        CK_OBJECT_HANDLE_PTR copy)
{
    if (attributes == NULL && count != 0)
        return CKR_ARGUMENTS_BAD;
    if (is_sm2_key(session, object, CKO_PRIVATE_KEY) && !only_names(attributes, count, true))
        return CKR_TEMPLATE_INCONSISTENT;
    return below->C_CopyObject(session, object, attributes, count, copy);
}

CK_RV guard_set_attribute_value(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_PTR attributes,
                                CK_ULONG count)
{
    if (attributes == NULL && count != 0)
        return CKR_ARGUMENTS_BAD;
    if (is_sm2_key(session, object, CKO_PRIVATE_KEY) && !only_names(attributes, count, false))
        return CKR_ATTRIBUTE_READ_ONLY;
    return below->C_SetAttributeValue(session, object, attributes, count);
}

/* Searching for a private key by its value would tell guesses from the truth. */
CK_RV guard_find_objects_init(CK_SESSION_HANDLE session, CK_ATTRIBUTE_PTR attributes, CK_ULONG count)
{
    if (attributes == NULL && count != 0)
        return CKR_ARGUMENTS_BAD;
    if (find_attribute(attributes, count, CKA_VALUE) != NULL &&
        (find_attribute(attributes, count, CKA_CLASS) == NULL || asks_for(attributes, count, CKO_PRIVATE_KEY)))
        return CKR_ATTRIBUTE_TYPE_INVALID;
    return below->C_FindObjectsInit(session, attributes, count);
}

CK_RV guard_wrap_key(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE wrapping, CK_OBJECT_HANDLE key,
                     CK_BYTE_PTR wrapped, CK_ULONG_PTR length)
{
    if (is_sm2_key(session, key, CKO_PRIVATE_KEY))
        return CKR_KEY_UNEXTRACTABLE;
    return below->C_WrapKey(session, mechanism, wrapping, key, wrapped, length);
}

CK_RV guard_derive_key(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE base,
                       CK_ATTRIBUTE_PTR attributes, CK_ULONG count, CK_OBJECT_HANDLE_PTR key)
{
    if (is_sm2_key(session, base, CKO_PRIVATE_KEY))
        return CKR_KEY_TYPE_INCONSISTENT;
    return below->C_DeriveKey(session, mechanism, base, attributes, count, key);
}

/* -1: SoftHSM answers; else the truth value that callers see. */
static int seen_flag(CK_ATTRIBUTE_TYPE type)
{
    switch (type) {
    case CKA_SENSITIVE:
    case CKA_ALWAYS_SENSITIVE:
    case CKA_NEVER_EXTRACTABLE:
        return CK_TRUE;
    case CKA_EXTRACTABLE:
        return CK_FALSE;
    default:
        return -1;
    }
}

static CK_RV answer_flag(CK_ATTRIBUTE_PTR attribute, int flag)
{
    CK_BBOOL seen = flag == CK_TRUE ? CK_TRUE : CK_FALSE;

    if (attribute->pValue != NULL && attribute->ulValueLen < sizeof seen) {
        attribute->ulValueLen = CK_UNAVAILABLE_INFORMATION;
        return CKR_BUFFER_TOO_SMALL;
    }
    if (attribute->pValue != NULL)
        memcpy(attribute->pValue, &seen, sizeof seen);
    attribute->ulValueLen = sizeof seen;
    return CKR_OK;
}

CK_RV guard_get_attribute_value(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_PTR attributes,
                                CK_ULONG count)
{
    CK_RV result = CKR_OK;

    if (attributes == NULL)
        return CKR_ARGUMENTS_BAD;
    if (!is_sm2_key(session, object, CKO_PRIVATE_KEY))
        return below->C_GetAttributeValue(session, object, attributes, count);
    for (CK_ULONG i = 0; i < count; i++) {
        int flag = seen_flag(attributes[i].type);
        CK_RV one;
        if (attributes[i].type == CKA_VALUE) {
            attributes[i].ulValueLen = CK_UNAVAILABLE_INFORMATION;
            one = CKR_ATTRIBUTE_SENSITIVE;
        } else {
            one = flag >= 0 ? answer_flag(&attributes[i], flag) : below->C_GetAttributeValue(session, object, &attributes[i], 1);
        }
        if (one != CKR_OK)
            result = one;
    }
    return result;
}
