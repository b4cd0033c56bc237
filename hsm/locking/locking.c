/* A PKCS#11 module that forwards every call to a vendor's module and has it initialised with operating system locking.
 *
 * Why: python-pkcs11 calls C_Initialize(NULL), which declares a program with one thread (PKCS#11 2.40, 5.4); a vendor
 * module may then leave its locks out, and a program with several threads crashes. Ships in production. It holds no
 * state of its own beyond the loaded module, and never sees a PIN or a key: the vendor's own functions are handed out.
 */
#include <dlfcn.h>
#include <p11-kit/pkcs11.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TARGET_VARIABLE "SIGNER_PKCS11_MODULE"

__attribute__((visibility("default"))) CK_RV C_GetFunctionList(CK_FUNCTION_LIST_PTR_PTR list);

static pthread_mutex_t load_lock = PTHREAD_MUTEX_INITIALIZER;
static CK_FUNCTION_LIST_PTR vendor;    /* set once under load_lock, never changed */
static CK_FUNCTION_LIST forwarded;     /* the vendor's list with our C_Initialize and C_GetFunctionList */

/* Adds CKF_OS_LOCKING_OK unless the caller brings mutexes of its own. */
static CK_RV initialize_with_locking(CK_VOID_PTR arguments)
{
    CK_C_INITIALIZE_ARGS with_locking;

    if (arguments == NULL)
        memset(&with_locking, 0, sizeof with_locking);
    else
        memcpy(&with_locking, arguments, sizeof with_locking);
    if (with_locking.CreateMutex == NULL)
        with_locking.flags |= CKF_OS_LOCKING_OK;
    return vendor->C_Initialize(&with_locking);
}

static CK_RV complain(const char *what, const char *detail)
{
    fprintf(stderr, "locking: %s: %s; set " TARGET_VARIABLE " to the absolute path of the vendor's PKCS#11 module\n", what,
            detail);
    return CKR_GENERAL_ERROR;
}

static CK_RV load_vendor(void)
{
    CK_C_GetFunctionList get_list;
    const char *path = getenv(TARGET_VARIABLE);
    void *library;

    if (path == NULL || path[0] != '/')
        return complain("no vendor module", path == NULL ? "the variable is not set" : path);
    library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL)
        return complain("can't load the vendor module", dlerror());
    /* ISO C has no conversion from an object pointer to a function pointer; POSIX defines this one. */
    *(void **)&get_list = dlsym(library, "C_GetFunctionList");
    if (get_list == NULL)
        return complain("not a PKCS#11 module", path);
    if (get_list(&vendor) != CKR_OK || vendor == NULL) {
        vendor = NULL;
        return complain("the vendor module gives no function list", path);
    }
    forwarded = *vendor;
    forwarded.C_Initialize = initialize_with_locking;
    forwarded.C_GetFunctionList = C_GetFunctionList;
    return CKR_OK;
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST_PTR_PTR list)
{
    CK_RV result = CKR_OK;

    if (list == NULL)
        return CKR_ARGUMENTS_BAD;
    pthread_mutex_lock(&load_lock);
    if (vendor == NULL)
        result = load_vendor();
    pthread_mutex_unlock(&load_lock);
    if (result == CKR_OK)
        *list = &forwarded;
    return result;
}
