"""What tests import: the decorators, CircuitTest, and mocks."""

from circuitos.testing.circuit_test import CircuitTest
from circuitos.testing.decorators import test, test_setup
from circuitos.testing.mocks import Mock

__all__ = ["CircuitTest", "Mock", "test", "test_setup"]
