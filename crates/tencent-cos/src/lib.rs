//! A read-only client for Tencent Cloud Object Storage (COS).
