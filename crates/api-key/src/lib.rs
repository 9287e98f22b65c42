//! API keys: minting, digest stores, rotation, scopes, and the layer that asks for them.
