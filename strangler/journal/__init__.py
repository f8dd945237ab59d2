"""The durable store of exchanges, observations and outcomes, which is also the work queue."""
