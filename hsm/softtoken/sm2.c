/* SM2 by libcrypto: keys for one operation, signatures over e in DER or raw form. */
#include "softtoken.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <string.h>

static EVP_PKEY *key_from_parameters(OSSL_PARAM_BLD *builder, int selection)
{
    EVP_PKEY *key = NULL;
    OSSL_PARAM *parameters = OSSL_PARAM_BLD_to_param(builder);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "SM2", NULL);

    if (parameters == NULL || context == NULL || EVP_PKEY_fromdata_init(context) != 1 ||
        EVP_PKEY_fromdata(context, &key, selection, parameters) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(parameters); /* parameters made of a secure BIGNUM live in secure memory and are wiped */
    ERR_clear_error();
    return key;
}

EVP_PKEY *sm2_private_key(const unsigned char *scalar, size_t length)
{
    EVP_PKEY *key = NULL;
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    BIGNUM *d = BN_secure_new();

    /* Signing needs d alone: leaving the public point out saves a point multiplication at every operation. */
    if (builder != NULL && d != NULL && BN_bin2bn(scalar, (int)length, d) != NULL &&
        OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, "SM2", 0) == 1 &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_PRIV_KEY, d) == 1)
        key = key_from_parameters(builder, EVP_PKEY_KEYPAIR);
    OSSL_PARAM_BLD_free(builder);
    BN_clear_free(d);
    return key;
}

EVP_PKEY *sm2_public_key(const unsigned char *point, size_t length)
{
    EVP_PKEY *key = NULL;
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();

    if (builder != NULL && OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, "SM2", 0) == 1 &&
        OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point, length) == 1)
        key = key_from_parameters(builder, EVP_PKEY_PUBLIC_KEY);
    OSSL_PARAM_BLD_free(builder);
    return key;
}

static bool der_to_raw(const unsigned char *der, size_t length, unsigned char *raw)
{
    const unsigned char *at = der;
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &at, (long)length);
    bool good = pair != NULL &&
                BN_bn2binpad(ECDSA_SIG_get0_r(pair), raw, (int)SM2_SCALAR_BYTES) == (int)SM2_SCALAR_BYTES &&
                BN_bn2binpad(ECDSA_SIG_get0_s(pair), raw + SM2_SCALAR_BYTES, (int)SM2_SCALAR_BYTES) == (int)SM2_SCALAR_BYTES;

    ECDSA_SIG_free(pair);
    return good;
}

static bool raw_to_der(const unsigned char *raw, unsigned char *der, size_t *length)
{
    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(raw, (int)SM2_SCALAR_BYTES, NULL);
    BIGNUM *s = BN_bin2bn(raw + SM2_SCALAR_BYTES, (int)SM2_SCALAR_BYTES, NULL);
    unsigned char *at = der;
    int encoded = 0;

    if (pair != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(pair, r, s) == 1) {
        r = s = NULL; /* the pair owns them now */
        encoded = i2d_ECDSA_SIG(pair, &at);
    }
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(pair);
    *length = encoded > 0 ? (size_t)encoded : 0;
    return encoded > 0;
}

/* `out` holds SM2_DER_MAX_BYTES. */
bool sm2_sign(EVP_PKEY *key, const unsigned char *e, bool der, unsigned char *out, size_t *length)
{
    unsigned char encoded[SM2_DER_MAX_BYTES];
    size_t encoded_length = sizeof encoded;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
    bool good = context != NULL && EVP_PKEY_sign_init(context) == 1 &&
                EVP_PKEY_sign(context, encoded, &encoded_length, e, SM2_DIGEST_BYTES) == 1;

    EVP_PKEY_CTX_free(context);
    if (good && der) {
        memcpy(out, encoded, encoded_length);
        *length = encoded_length;
    } else if (good) {
        good = der_to_raw(encoded, encoded_length, out);
        *length = SM2_RAW_BYTES;
    }
    ERR_clear_error();
    return good;
}

bool sm2_verify(EVP_PKEY *key, const unsigned char *e, bool der, const unsigned char *signature, size_t length)
{
    unsigned char encoded[SM2_DER_MAX_BYTES];
    EVP_PKEY_CTX *context;
    bool good;

    if (!der) {
        if (!raw_to_der(signature, encoded, &length))
            return false;
        signature = encoded;
    }
    context = EVP_PKEY_CTX_new(key, NULL);
    /* exactly 1: 0 is a wrong signature, negative values are errors */
    good = context != NULL && EVP_PKEY_verify_init(context) == 1 &&
           EVP_PKEY_verify(context, signature, length, e, SM2_DIGEST_BYTES) == 1;
    EVP_PKEY_CTX_free(context);
    ERR_clear_error();
    return good;
}
