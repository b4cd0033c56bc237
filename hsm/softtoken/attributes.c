/* Reading templates and telling SM2 keys from others. */
#include "softtoken.h"

#include <string.h>

const unsigned char sm2_parameters[SM2_PARAMETERS_BYTES] = {0x06, 0x08, 0x2a, 0x81, 0x1c, 0xcf, 0x55, 0x01, 0x82, 0x2d};

const CK_ATTRIBUTE *find_attribute(const CK_ATTRIBUTE *attributes, CK_ULONG count, CK_ATTRIBUTE_TYPE type)
{
    for (CK_ULONG i = 0; i < count; i++)
        if (attributes[i].type == type)
            return &attributes[i];
    return NULL;
}

bool attribute_is(const CK_ATTRIBUTE *attribute, const void *value, size_t length)
{
    return attribute != NULL && attribute->pValue != NULL && attribute->ulValueLen == length &&
           memcmp(attribute->pValue, value, length) == 0;
}

bool is_sm2_key(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_OBJECT_CLASS wanted)
{
    unsigned char parameters[64];
    CK_OBJECT_CLASS class = 0;
    CK_KEY_TYPE type = 0;
    CK_ATTRIBUTE kind[] = {{CKA_CLASS, &class, sizeof class}, {CKA_KEY_TYPE, &type, sizeof type}};
    CK_ATTRIBUTE curve = {CKA_EC_PARAMS, parameters, sizeof parameters};

    if (below->C_GetAttributeValue(session, object, kind, 2) != CKR_OK || class != wanted || type != CKK_EC)
        return false;
    return below->C_GetAttributeValue(session, object, &curve, 1) == CKR_OK &&
           attribute_is(&curve, sm2_parameters, sizeof sm2_parameters);
}
