//! Strict JSON Web Tokens: verification, JWKS, and the layer that asks for them.
