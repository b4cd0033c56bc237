/* The development token: SM2 on top of SoftHSM. What the files of this folder share; see README.md for what it is not. */
#ifndef SOFTTOKEN_H
#define SOFTTOKEN_H

#include <openssl/evp.h>
#include <p11-kit/pkcs11.h>
#include <stdbool.h>
#include <stddef.h>

/* Numbers as Sansec's devices have them. e = SM3(Z || M), 32 bytes, goes in; r and s come out. */
#define CKM_SOFTTOKEN_SM2_KEY_PAIR_GEN 0x80008001UL
#define CKM_SOFTTOKEN_SM2_DER 0x80008104UL /* DER SEQUENCE { r, s } */
#define CKM_SOFTTOKEN_SM2_RAW 0x80008105UL /* r || s, 64 bytes */

#define SM2_DIGEST_BYTES 32UL
#define SM2_SCALAR_BYTES 32UL
#define SM2_POINT_BYTES 65UL
#define SM2_RAW_BYTES 64UL
#define SM2_DER_MAX_BYTES 72UL

/* DER of the SM2 curve's object identifier 1.2.156.10197.1.301 */
#define SM2_PARAMETERS_BYTES 10UL
extern const unsigned char sm2_parameters[SM2_PARAMETERS_BYTES];

/* SoftHSM's own functions; set before any of ours can be called (module.c). */
extern CK_FUNCTION_LIST_PTR below;

bool is_sm2_mechanism(CK_MECHANISM_TYPE type);

/* attributes.c */
bool is_sm2_key(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_OBJECT_CLASS wanted);
const CK_ATTRIBUTE *find_attribute(const CK_ATTRIBUTE *attributes, CK_ULONG count, CK_ATTRIBUTE_TYPE type);
bool attribute_is(const CK_ATTRIBUTE *attribute, const void *value, size_t length);

/* sm2.c: EVP keys for one operation; NULL or false where libcrypto refuses. Private material is wiped with the key. */
EVP_PKEY *sm2_private_key(const unsigned char *scalar, size_t length);
EVP_PKEY *sm2_public_key(const unsigned char *point, size_t length);
bool sm2_sign(EVP_PKEY *key, const unsigned char *e, bool der, unsigned char *out, size_t *length);
bool sm2_verify(EVP_PKEY *key, const unsigned char *e, bool der, const unsigned char *signature, size_t length);

/* operations.c: at most one signing and one verifying operation a session */
typedef enum { SIGNING, VERIFYING } operation_kind;
typedef struct {
    EVP_PKEY *key;
    bool der;
} operation;
bool operation_active(CK_SESSION_HANDLE session, operation_kind kind, operation *out);
CK_RV operation_begin(CK_SESSION_HANDLE session, operation_kind kind, operation taken);
void operation_end(CK_SESSION_HANDLE session, operation_kind kind);
void operations_end_session(CK_SESSION_HANDLE session);
void operations_end_closed(void);
void operations_end_slot(CK_SLOT_ID slot);
void operations_end_all(void);

/* The functions that replace SoftHSM's */
CK_RV token_get_mechanism_list(CK_SLOT_ID slot, CK_MECHANISM_TYPE_PTR list, CK_ULONG_PTR count);
CK_RV token_get_mechanism_info(CK_SLOT_ID slot, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO_PTR info);
CK_RV token_get_token_info(CK_SLOT_ID slot, CK_TOKEN_INFO_PTR info);
CK_RV token_close_session(CK_SESSION_HANDLE session);
CK_RV token_close_all_sessions(CK_SLOT_ID slot);
CK_RV token_logout(CK_SESSION_HANDLE session);
CK_RV token_finalize(CK_VOID_PTR reserved);

CK_RV guard_create_object(CK_SESSION_HANDLE session, CK_ATTRIBUTE_PTR attributes, CK_ULONG count, CK_OBJECT_HANDLE_PTR object);
CK_RV guard_copy_object(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_PTR attributes, CK_ULONG count,
                        CK_OBJECT_HANDLE_PTR copy);
CK_RV guard_get_attribute_value(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_PTR attributes,
                                CK_ULONG count);
CK_RV guard_set_attribute_value(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_PTR attributes,
                                CK_ULONG count);
CK_RV guard_find_objects_init(CK_SESSION_HANDLE session, CK_ATTRIBUTE_PTR attributes, CK_ULONG count);
CK_RV guard_wrap_key(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE wrapping, CK_OBJECT_HANDLE key,
                     CK_BYTE_PTR wrapped, CK_ULONG_PTR length);
CK_RV guard_derive_key(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE base,
                       CK_ATTRIBUTE_PTR attributes, CK_ULONG count, CK_OBJECT_HANDLE_PTR key);

CK_RV token_generate_key_pair(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_ATTRIBUTE_PTR public_attributes,
                              CK_ULONG public_count, CK_ATTRIBUTE_PTR private_attributes, CK_ULONG private_count,
                              CK_OBJECT_HANDLE_PTR public_key, CK_OBJECT_HANDLE_PTR private_key);

CK_RV token_sign_init(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key);
CK_RV token_sign(CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG data_length, CK_BYTE_PTR signature,
                 CK_ULONG_PTR signature_length);
CK_RV token_sign_update(CK_SESSION_HANDLE session, CK_BYTE_PTR part, CK_ULONG length);
CK_RV token_sign_final(CK_SESSION_HANDLE session, CK_BYTE_PTR signature, CK_ULONG_PTR length);
CK_RV token_verify_init(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key);
CK_RV token_verify(CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG data_length, CK_BYTE_PTR signature,
                   CK_ULONG signature_length);
CK_RV token_verify_update(CK_SESSION_HANDLE session, CK_BYTE_PTR part, CK_ULONG length);
CK_RV token_verify_final(CK_SESSION_HANDLE session, CK_BYTE_PTR signature, CK_ULONG length);

#endif
