/* SM2 key pairs: generated inside SoftHSM, with the attributes that the guards rely on. */
#include "softtoken.h"

#define MAX_ATTRIBUTES 32

static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
static CK_KEY_TYPE type_ec = CKK_EC;

/* Set by us below, whatever the caller's template says about them; contradictions were refused before. */
static bool is_ours(CK_ATTRIBUTE_TYPE type)
{
    return type == CKA_KEY_TYPE || type == CKA_EC_PARAMS || type == CKA_SENSITIVE || type == CKA_EXTRACTABLE ||
           type == CKA_PRIVATE;
}

static bool contradicts(const CK_ATTRIBUTE *attributes, CK_ULONG count, CK_ATTRIBUTE_TYPE type, const void *value, size_t length)
{
    const CK_ATTRIBUTE *given = find_attribute(attributes, count, type);

    return given != NULL && !attribute_is(given, value, length);
}

static bool is_weak(const CK_ATTRIBUTE *attributes, CK_ULONG count)
{
    static const CK_ATTRIBUTE_TYPE never[] = {CKA_DERIVE, CKA_DECRYPT, CKA_UNWRAP, CKA_SIGN_RECOVER};

    if (contradicts(attributes, count, CKA_SENSITIVE, &yes, sizeof yes) ||
        contradicts(attributes, count, CKA_EXTRACTABLE, &no, sizeof no) ||
        contradicts(attributes, count, CKA_PRIVATE, &yes, sizeof yes) || find_attribute(attributes, count, CKA_VALUE) != NULL)
        return true;
    for (size_t i = 0; i < sizeof never / sizeof never[0]; i++)
        if (contradicts(attributes, count, never[i], &no, sizeof no))
            return true;
    return false;
}

/* The caller's attributes without ours; returns how many. */
static CK_ULONG keep_others(CK_ATTRIBUTE *kept, const CK_ATTRIBUTE *given, CK_ULONG count, bool private_key)
{
    CK_ULONG n = 0;

    for (CK_ULONG i = 0; i < count; i++)
        if (!is_ours(given[i].type) || (!private_key && given[i].type == CKA_PRIVATE))
            kept[n++] = given[i];
    return n;
}

static CK_RV check_templates(const CK_ATTRIBUTE *public_attributes, CK_ULONG public_count, const CK_ATTRIBUTE *private_attributes,
                             CK_ULONG private_count)
{
    if ((public_attributes == NULL && public_count != 0) || (private_attributes == NULL && private_count != 0) ||
        public_count > MAX_ATTRIBUTES - 2 || private_count > MAX_ATTRIBUTES - 5)
        return CKR_ARGUMENTS_BAD;
    if (contradicts(public_attributes, public_count, CKA_EC_PARAMS, sm2_parameters, SM2_PARAMETERS_BYTES) ||
        contradicts(private_attributes, private_count, CKA_EC_PARAMS, sm2_parameters, SM2_PARAMETERS_BYTES) ||
        contradicts(public_attributes, public_count, CKA_KEY_TYPE, &type_ec, sizeof type_ec) ||
        contradicts(private_attributes, private_count, CKA_KEY_TYPE, &type_ec, sizeof type_ec) ||
        is_weak(private_attributes, private_count))
        return CKR_TEMPLATE_INCONSISTENT;
    return CKR_OK;
}

static CK_RV generate_sm2(CK_SESSION_HANDLE session, CK_ATTRIBUTE_PTR public_attributes, CK_ULONG public_count,
                          CK_ATTRIBUTE_PTR private_attributes, CK_ULONG private_count, CK_OBJECT_HANDLE_PTR public_key,
                          CK_OBJECT_HANDLE_PTR private_key)
{
    CK_MECHANISM generation = {CKM_EC_KEY_PAIR_GEN, NULL, 0};
    CK_ATTRIBUTE public_all[MAX_ATTRIBUTES], private_all[MAX_ATTRIBUTES];
    CK_ULONG m = keep_others(public_all, public_attributes, public_count, false);
    CK_ULONG n = keep_others(private_all, private_attributes, private_count, true);

    public_all[m++] = (CK_ATTRIBUTE){CKA_KEY_TYPE, &type_ec, sizeof type_ec};
    public_all[m++] = (CK_ATTRIBUTE){CKA_EC_PARAMS, (void *)sm2_parameters, SM2_PARAMETERS_BYTES};
    private_all[n++] = (CK_ATTRIBUTE){CKA_KEY_TYPE, &type_ec, sizeof type_ec};
    private_all[n++] = (CK_ATTRIBUTE){CKA_PRIVATE, &yes, sizeof yes};
    private_all[n++] = (CK_ATTRIBUTE){CKA_SENSITIVE, &no, sizeof no}; /* for sign.c alone; callers see the guards */
    private_all[n++] = (CK_ATTRIBUTE){CKA_EXTRACTABLE, &yes, sizeof yes};
    return below->C_GenerateKeyPair(session, &generation, public_all, m, private_all, n, public_key, private_key);
}

CK_RV token_generate_key_pair(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_ATTRIBUTE_PTR public_attributes,
                              CK_ULONG public_count, CK_ATTRIBUTE_PTR private_attributes, CK_ULONG private_count,
                              CK_OBJECT_HANDLE_PTR public_key, CK_OBJECT_HANDLE_PTR private_key)
{
    CK_RV result;

    if (mechanism == NULL)
        return CKR_ARGUMENTS_BAD;
    if (mechanism->mechanism != CKM_SOFTTOKEN_SM2_KEY_PAIR_GEN) {
        /* one way to an SM2 key: the other would leave a pair whose templates nobody checked */
        if (mechanism->mechanism == CKM_EC_KEY_PAIR_GEN && public_attributes != NULL &&
            attribute_is(find_attribute(public_attributes, public_count, CKA_EC_PARAMS), sm2_parameters, SM2_PARAMETERS_BYTES))
            return CKR_DOMAIN_PARAMS_INVALID;
        return below->C_GenerateKeyPair(session, mechanism, public_attributes, public_count, private_attributes, private_count,
                                        public_key, private_key);
    }
    if (mechanism->pParameter != NULL || mechanism->ulParameterLen != 0)
        return CKR_MECHANISM_PARAM_INVALID;
    if (public_key == NULL || private_key == NULL)
        return CKR_ARGUMENTS_BAD;
    result = check_templates(public_attributes, public_count, private_attributes, private_count);
    if (result != CKR_OK)
        return result;
    return generate_sm2(session, public_attributes, public_count, private_attributes, private_count, public_key, private_key);
}
