//! Text that may reach a model: cleaned or refused, and the layer for query, form and JSON.
