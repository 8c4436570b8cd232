"""Features: which network, cut at which node, frozen and fast."""
