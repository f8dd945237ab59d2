"""What every test shares: how hypothesis looks for examples."""

from hypothesis import HealthCheck, settings

# A timed assertion is no test: on a busy machine any example may take long.
settings.register_profile("strangler", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("strangler")
