/* What the token says of itself, and the calls that end operations of ours. */
#include "softtoken.h"

#include <string.h>

static const CK_MECHANISM_TYPE added[] = {CKM_SOFTTOKEN_SM2_KEY_PAIR_GEN, CKM_SOFTTOKEN_SM2_DER, CKM_SOFTTOKEN_SM2_RAW};
#define ADDED_COUNT (sizeof added / sizeof added[0])
/* 16 characters, blank padded, no NUL (PKCS#11 2.40, CK_TOKEN_INFO): production configurations look for this mark. */
static const char model[] = "SM2 DEVELOPMENT ";

bool is_sm2_mechanism(CK_MECHANISM_TYPE type)
{
    for (size_t i = 0; i < ADDED_COUNT; i++)
        if (added[i] == type)
            return true;
    return false;
}

CK_RV token_get_mechanism_list(CK_SLOT_ID slot, CK_MECHANISM_TYPE_PTR list, CK_ULONG_PTR count)
{
    CK_ULONG room, own = 0;
    CK_RV result;

    if (count == NULL)
        return CKR_ARGUMENTS_BAD;
    room = *count;
    result = below->C_GetMechanismList(slot, NULL, &own);
    if (result != CKR_OK)
        return result;
    *count = own + ADDED_COUNT;
    if (list == NULL)
        return CKR_OK;
    if (room < own + ADDED_COUNT)
        return CKR_BUFFER_TOO_SMALL;
    result = below->C_GetMechanismList(slot, list, &own);
    if (result != CKR_OK)
        return result;
    memcpy(list + own, added, sizeof added);
    *count = own + ADDED_COUNT;
    return CKR_OK;
}

CK_RV token_get_mechanism_info(CK_SLOT_ID slot, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO_PTR info)
{
    CK_TOKEN_INFO token;
    CK_RV result;

    if (!is_sm2_mechanism(type))
        return below->C_GetMechanismInfo(slot, type, info);
    if (info == NULL)
        return CKR_ARGUMENTS_BAD;
    result = below->C_GetTokenInfo(slot, &token); /* a slot that isn't there has no mechanisms */
    if (result != CKR_OK)
        return result;
    info->ulMinKeySize = info->ulMaxKeySize = 256;
    info->flags = type == CKM_SOFTTOKEN_SM2_KEY_PAIR_GEN ? CKF_GENERATE_KEY_PAIR : CKF_SIGN | CKF_VERIFY;
    return CKR_OK;
}

CK_RV token_get_token_info(CK_SLOT_ID slot, CK_TOKEN_INFO_PTR info)
{
    CK_RV result = below->C_GetTokenInfo(slot, info);

    if (result == CKR_OK)
        memcpy(info->model, model, sizeof info->model);
    return result;
}

CK_RV token_close_session(CK_SESSION_HANDLE session)
{
    CK_RV result = below->C_CloseSession(session);

    if (result == CKR_OK)
        operations_end_session(session);
    return result;
}

CK_RV token_close_all_sessions(CK_SLOT_ID slot)
{
    CK_RV result = below->C_CloseAllSessions(slot);

    if (result == CKR_OK)
        operations_end_closed();
    return result;
}

/* After a logout private objects are out of reach (PKCS#11 2.40, C_Logout), and so are operations that hold one. */
CK_RV token_logout(CK_SESSION_HANDLE session)
{
    CK_SESSION_INFO info;
    CK_RV result = below->C_GetSessionInfo(session, &info);

    if (result != CKR_OK)
        return result;
    result = below->C_Logout(session);
    if (result == CKR_OK)
        operations_end_slot(info.slotID);
    return result;
}

CK_RV token_finalize(CK_VOID_PTR reserved)
{
    CK_RV result = below->C_Finalize(reserved);

    if (result == CKR_OK)
        operations_end_all();
    return result;
}
