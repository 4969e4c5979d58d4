"""Tests of the pure ring: no SDK is needed but to build its objects, no server, no clock."""
