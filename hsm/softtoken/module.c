/* Loads SoftHSM and hands out its function list with ours in the places that matter. */
#include "softtoken.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define TARGET_VARIABLE "SOFTTOKEN_TARGET"
#define DEFAULT_TARGET "/usr/lib/softhsm/libsofthsm2.so"

__attribute__((visibility("default"))) CK_RV C_GetFunctionList(CK_FUNCTION_LIST_PTR_PTR list);

CK_FUNCTION_LIST_PTR below;
static CK_FUNCTION_LIST ours;
static pthread_mutex_t load_lock = PTHREAD_MUTEX_INITIALIZER; /* guards the first fill of `below` and `ours` */

static void replace_functions(void)
{
    ours = *below;
    ours.C_GetFunctionList = C_GetFunctionList;
    ours.C_Finalize = token_finalize;
    ours.C_GetMechanismList = token_get_mechanism_list;
    ours.C_GetMechanismInfo = token_get_mechanism_info;
    ours.C_GetTokenInfo = token_get_token_info;
    ours.C_CloseSession = token_close_session;
    ours.C_CloseAllSessions = token_close_all_sessions;
    ours.C_Logout = token_logout;
    ours.C_CreateObject = guard_create_object;
    ours.C_CopyObject = guard_copy_object;
    ours.C_GetAttributeValue = guard_get_attribute_value;
    ours.C_SetAttributeValue = guard_set_attribute_value;
    ours.C_FindObjectsInit = guard_find_objects_init;
    ours.C_WrapKey = guard_wrap_key;
    ours.C_DeriveKey = guard_derive_key;
    ours.C_GenerateKeyPair = token_generate_key_pair;
    ours.C_SignInit = token_sign_init;
    ours.C_Sign = token_sign;
    ours.C_SignUpdate = token_sign_update;
    ours.C_SignFinal = token_sign_final;
    ours.C_VerifyInit = token_verify_init;
    ours.C_Verify = token_verify;
    ours.C_VerifyUpdate = token_verify_update;
    ours.C_VerifyFinal = token_verify_final;
}

static CK_RV load_below(void)
{
    CK_C_GetFunctionList get_list = NULL;
    const char *path = getenv(TARGET_VARIABLE);
    void *library = dlopen(path == NULL ? DEFAULT_TARGET : path, RTLD_NOW | RTLD_LOCAL);

    /* ISO C has no conversion from an object pointer to a function pointer; POSIX defines this one. */
    if (library != NULL)
        *(void **)&get_list = dlsym(library, "C_GetFunctionList");
    if (get_list == NULL || get_list(&below) != CKR_OK || below == NULL) {
        below = NULL;
        fprintf(stderr, "softtoken: can't load SoftHSM; install softhsm2, or set " TARGET_VARIABLE " to its module\n");
        return CKR_GENERAL_ERROR;
    }
    replace_functions();
    return CKR_OK;
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST_PTR_PTR list)
{
    CK_RV result = CKR_OK;

    if (list == NULL)
        return CKR_ARGUMENTS_BAD;
    pthread_mutex_lock(&load_lock);
    if (below == NULL)
        result = load_below();
    pthread_mutex_unlock(&load_lock);
    if (result == CKR_OK)
        *list = &ours;
    return result;
}
