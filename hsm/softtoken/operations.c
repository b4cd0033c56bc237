/* The operations under way, by session. The lock is never held during cryptography. */
#include "softtoken.h"

#include <pthread.h>
#include <stdlib.h>

typedef struct entry {
    CK_SESSION_HANDLE session;
    operation_kind kind;
    operation held;
    struct entry *next;
} entry;

static entry *entries; /* guarded by entries_lock */
static pthread_mutex_t entries_lock = PTHREAD_MUTEX_INITIALIZER;

/* Called under entries_lock. */
static entry **find_entry(CK_SESSION_HANDLE session, operation_kind kind)
{
    entry **at = &entries;

    while (*at != NULL && ((*at)->session != session || (*at)->kind != kind))
        at = &(*at)->next;
    return at;
}

static void free_entry(entry *gone)
{
    EVP_PKEY_free(gone->held.key); /* clears the private part */
    free(gone);
}

/* PKCS#11 lets a session be used by one thread at a time (2.40, 5.6): the operation stays valid for the caller. */
bool operation_active(CK_SESSION_HANDLE session, operation_kind kind, operation *out)
{
    entry *found;

    pthread_mutex_lock(&entries_lock);
    found = *find_entry(session, kind);
    if (found != NULL && out != NULL)
        *out = found->held;
    pthread_mutex_unlock(&entries_lock);
    return found != NULL;
}

/* Takes the key over, whatever the result. */
CK_RV operation_begin(CK_SESSION_HANDLE session, operation_kind kind, operation taken)
{
    entry *begun = malloc(sizeof *begun);
    CK_RV result = CKR_OK;

    if (begun == NULL) {
        EVP_PKEY_free(taken.key);
        return CKR_HOST_MEMORY;
    }
    *begun = (entry){session, kind, taken, NULL};
    pthread_mutex_lock(&entries_lock);
    if (*find_entry(session, kind) != NULL) {
        result = CKR_OPERATION_ACTIVE;
    } else {
        begun->next = entries;
        entries = begun;
        begun = NULL;
    }
    pthread_mutex_unlock(&entries_lock);
    if (begun != NULL)
        free_entry(begun);
    return result;
}

void operation_end(CK_SESSION_HANDLE session, operation_kind kind)
{
    entry **at, *gone;

    pthread_mutex_lock(&entries_lock);
    at = find_entry(session, kind);
    gone = *at;
    if (gone != NULL)
        *at = gone->next;
    pthread_mutex_unlock(&entries_lock);
    if (gone != NULL)
        free_entry(gone);
}

void operations_end_session(CK_SESSION_HANDLE session)
{
    operation_end(session, SIGNING);
    operation_end(session, VERIFYING);
}

/* Ends every operation for whose session `over` is true. */
static void end_where(bool (*over)(CK_SESSION_HANDLE session, CK_SLOT_ID slot), CK_SLOT_ID slot)
{
    entry **at, *gone;

    pthread_mutex_lock(&entries_lock);
    at = &entries;
    while ((gone = *at) != NULL) {
        if (over(gone->session, slot)) {
            *at = gone->next;
            free_entry(gone);
        } else {
            at = &gone->next;
        }
    }
    pthread_mutex_unlock(&entries_lock);
}

static bool is_closed(CK_SESSION_HANDLE session, CK_SLOT_ID slot)
{
    CK_SESSION_INFO info;

    (void)slot;
    return below->C_GetSessionInfo(session, &info) != CKR_OK;
}

static bool is_on_slot(CK_SESSION_HANDLE session, CK_SLOT_ID slot)
{
    CK_SESSION_INFO info;

    return below->C_GetSessionInfo(session, &info) != CKR_OK || info.slotID == slot;
}

static bool always(CK_SESSION_HANDLE session, CK_SLOT_ID slot)
{
    (void)session;
    (void)slot;
    return true;
}

void operations_end_closed(void)
{
    end_where(is_closed, 0);
}

void operations_end_slot(CK_SLOT_ID slot)
{
    end_where(is_on_slot, slot);
}

void operations_end_all(void)
{
    end_where(always, 0);
}
