"""Pure core: no input or output, no event loop, no clock, no randomness; the standard library only."""
