/* A check macro, and a token with a logged-in session to check things on. */
#ifndef CHECK_H
#define CHECK_H

#include <p11-kit/pkcs11.h>

extern CK_FUNCTION_LIST_PTR p11;
extern CK_SLOT_ID slot;
extern unsigned long checks, failures;
extern CK_VOID_PTR initialise_arguments; /* NULL only where the locking module is under test */

void check(int good, const char *what, const char *file, int line);
#define CHECK(condition) check((condition) ? 1 : 0, #condition, __FILE__, __LINE__)
/* A call, and the return value that it must have. */
#define EXPECT(call, wanted) check_rv((call), (wanted), #call, __FILE__, __LINE__)
void check_rv(CK_RV got, CK_RV wanted, const char *what, const char *file, int line);

void load_module(const char *path);
void make_token(void);
CK_SESSION_HANDLE open_session(void);
void log_in(CK_SESSION_HANDLE session);
void make_sm2_pair(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *public_key, CK_OBJECT_HANDLE *private_key);

void test_guards(void);
void test_generation(void);
void test_operations(void);
void test_bad_calls(void);
void test_threads(void);

#endif
