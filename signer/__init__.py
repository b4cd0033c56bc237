"""The signing appliance: keys in an HSM, signatures and sealed documents over gRPC, verification of what people upload."""
