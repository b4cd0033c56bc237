/* Eight threads with sessions of their own; every signature is right. */
#include "check.h"

#include <pthread.h>

#define THREADS 8
#define ROUNDS 25

static CK_OBJECT_HANDLE keys[2];

static void *sign_and_verify(void *unused)
{
    CK_MECHANISM raw = {0x80008105UL, NULL, 0};
    CK_SESSION_HANDLE session = open_session();
    CK_BYTE e[32] = {0}, signature[64];

    (void)unused;
    for (int i = 0; i < ROUNDS; i++) {
        CK_ULONG length = sizeof signature;
        e[0] = (CK_BYTE)i;
        EXPECT(p11->C_SignInit(session, &raw, keys[1]), CKR_OK);
        EXPECT(p11->C_Sign(session, e, 32, signature, &length), CKR_OK);
        EXPECT(p11->C_VerifyInit(session, &raw, keys[0]), CKR_OK);
        EXPECT(p11->C_Verify(session, e, 32, signature, length), CKR_OK);
    }
    EXPECT(p11->C_CloseSession(session), CKR_OK);
    return NULL;
}

void test_threads(void)
{
    pthread_t threads[THREADS];
    CK_SESSION_HANDLE session = open_session();

    log_in(session);
    make_sm2_pair(session, &keys[0], &keys[1]);
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, sign_and_verify, NULL) == 0);
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    EXPECT(p11->C_CloseSession(session), CKR_OK);
}
