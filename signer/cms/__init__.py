"""CMS SignedData: RFC 5652, and GB/T 35275 (GM/T 0010) object identifiers around SM2. Building and strict verification."""
