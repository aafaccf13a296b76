"""Tests: unit, and integration that builds and installs for real."""
