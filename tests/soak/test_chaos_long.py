"""The quick chaos test, with seeds of its own and twelve times as many."""

import pytest

from tests.tap.harness import Tenant
from tests.tap.test_chaos import survive, verdict

pytestmark = pytest.mark.soak


@pytest.mark.parametrize("seed", range(1000, 1300))
def test_no_row_is_lost_or_doubled_over_many_seeds(tenant: Tenant, seed: int) -> None:
    """What a few seeds do not meet, hundreds may."""
    assert verdict(survive(tenant, seed, calls=1 + seed % 4)) == (0, 0, True)
