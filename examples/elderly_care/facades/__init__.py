"""The new side, in the protocols that callers have always spoken: one module for each old department."""
