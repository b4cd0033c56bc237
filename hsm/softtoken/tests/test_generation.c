/* SM2 key pairs: what a template may ask for, and what is refused. */
#include "check.h"

static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
static CK_BYTE p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
static CK_BYTE sm2[] = {0x06, 0x08, 0x2a, 0x81, 0x1c, 0xcf, 0x55, 0x01, 0x82, 0x2d};

static CK_RV generate(CK_SESSION_HANDLE session, CK_ATTRIBUTE *public_one, CK_ATTRIBUTE *private_one)
{
    CK_MECHANISM generation = {0x80008001UL, NULL, 0};
    CK_OBJECT_HANDLE public_key, private_key;

    return p11->C_GenerateKeyPair(session, &generation, public_one, public_one == NULL ? 0 : 1, private_one,
                                  private_one == NULL ? 0 : 1, &public_key, &private_key);
}

void test_generation(void)
{
    CK_SESSION_HANDLE session = open_session();
    CK_BYTE value[32] = {1};
    CK_ATTRIBUTE weak[] = {{CKA_SENSITIVE, &no, 1}, {CKA_EXTRACTABLE, &yes, 1}, {CKA_PRIVATE, &no, 1},
                           {CKA_DERIVE, &yes, 1},   {CKA_DECRYPT, &yes, 1},     {CKA_UNWRAP, &yes, 1},
                           {CKA_VALUE, value, 32},  {CKA_EC_PARAMS, p256, sizeof p256}};
    CK_ATTRIBUTE strong[] = {{CKA_SENSITIVE, &yes, 1}, {CKA_EXTRACTABLE, &no, 1}, {CKA_PRIVATE, &yes, 1},
                             {CKA_EC_PARAMS, sm2, sizeof sm2}};
    CK_ATTRIBUTE other_curve = {CKA_EC_PARAMS, p256, sizeof p256}, right_curve = {CKA_EC_PARAMS, sm2, sizeof sm2};
    CK_MECHANISM with_parameter = {0x80008001UL, value, 1}, by_ec = {CKM_EC_KEY_PAIR_GEN, NULL, 0};
    CK_OBJECT_HANDLE public_key, private_key;

    log_in(session);
    for (unsigned i = 0; i < sizeof weak / sizeof weak[0]; i++)
        EXPECT(generate(session, NULL, &weak[i]), CKR_TEMPLATE_INCONSISTENT);
    for (unsigned i = 0; i < sizeof strong / sizeof strong[0]; i++)
        EXPECT(generate(session, NULL, &strong[i]), CKR_OK);
    EXPECT(generate(session, &other_curve, NULL), CKR_TEMPLATE_INCONSISTENT);
    EXPECT(generate(session, &right_curve, NULL), CKR_OK);
    EXPECT(p11->C_GenerateKeyPair(session, &with_parameter, NULL, 0, NULL, 0, &public_key, &private_key),
           CKR_MECHANISM_PARAM_INVALID);
    EXPECT(p11->C_GenerateKeyPair(session, &by_ec, &right_curve, 1, NULL, 0, &public_key, &private_key),
           CKR_DOMAIN_PARAMS_INVALID);
    EXPECT(p11->C_GenerateKeyPair(session, &by_ec, &other_curve, 1, NULL, 0, &public_key, &private_key), CKR_OK);
    EXPECT(p11->C_Logout(session), CKR_OK);
    EXPECT(p11->C_CloseSession(session), CKR_OK);
}
