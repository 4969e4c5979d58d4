"""Tests of the example chat service, through its socket and with a real model server."""
