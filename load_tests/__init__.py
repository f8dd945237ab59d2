"""Load before cutover: journal -> workload -> arrivals -> locust, old against new in one run -> budget."""
