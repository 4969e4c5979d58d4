"""The chat service of the examples as its page sees it: over a socket, with a real model server behind it."""
