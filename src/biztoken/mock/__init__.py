"""The mock: a real endpoint that behaves as the contract says and misbehaves only as told."""
