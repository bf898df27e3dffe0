"""The world that the other tests change a part of."""

from tests.security.world import SECRETS, World


def test_a_run_in_a_world_where_all_is_well_ends_well(world: World) -> None:
    """Else what follows would show nothing."""
    for name, ran in world.everything().items():
        assert ran.status == 0, (name, ran.errors)
        assert ran.holds(*SECRETS) == [], name
        assert ran.peak_mib < 300
