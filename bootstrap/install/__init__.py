"""The steps that build a generation: runtime → wheels → seal. None imports another."""
