"""Drive callers: ``python -m examples.elderly_care.traffic --url http://127.0.0.1:8080 --requests 1000``."""

import argparse
import asyncio
import json
import sys

from examples.elderly_care.population import SEED
from examples.elderly_care.traffic import MIX, drive


def main() -> int:
    """Drive, and print what the callers saw as JSON. Returns 1 where a request failed."""
    parser = argparse.ArgumentParser(prog="traffic", description=__doc__)
    parser.add_argument("--url", required=True, help="base URL, such as http://127.0.0.1:8080")
    parser.add_argument("--requests", type=int)
    parser.add_argument("--duration-s", type=float)
    parser.add_argument("--rate-per-s", type=float)
    parser.add_argument("--concurrency", type=int, default=16)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--start", type=int, default=0, help="how many citizens each operation skips")
    parser.add_argument("--only", nargs="+", choices=tuple(MIX), help="these operations and no others")
    options = parser.parse_args()
    if options.requests is None and options.duration_s is None:
        parser.error("say --requests or --duration-s")
    report = asyncio.run(
        drive(
            options.url,
            seed=options.seed,
            requests=options.requests,
            duration_s=options.duration_s,
            rate_per_s=options.rate_per_s,
            concurrency=options.concurrency,
            mix={name: MIX[name] for name in options.only or MIX},
            start=options.start,
        )
    )
    said = {
        "requests": report.requests,
        "seconds": round(report.seconds, 2),
        "by_operation": dict(sorted(report.by_operation.items())),
        "failures": dict(sorted(report.failures.items())),
        "first_failures": report.first_failures,
    }
    sys.stdout.write(json.dumps(said, indent=2, ensure_ascii=False) + "\n")
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
