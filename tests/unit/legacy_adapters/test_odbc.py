from decimal import Decimal

import pytest

from legacy_adapters.odbc import engine_for, exact
from strangler.errors import UsageError


def test_exact_undoes_the_driver_s_float():
    assert str(exact(185.1, 2)) == "185.10"
    assert exact(0.1 + 0.2, 2) == Decimal("0.30")
    assert exact(Decimal(7), 2) == Decimal("7.00")
    assert exact(None, 2) is None


def test_missing_driver_is_told_with_its_debian_package():
    with pytest.raises(UsageError, match=r"'No Such Driver' is not installed; .* libsqliteodbc"):
        engine_for("DRIVER={No Such Driver};Database=x", "sqlite")


def test_engine_keeps_the_password_out_of_its_url():
    engine = engine_for("DSN=patients;UID=gateway;PWD=secret", "postgresql")
    assert "secret" not in repr(engine)
