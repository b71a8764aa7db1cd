"""The nemesis: faults at random, from a seed, while real workflows run. `make chaos`.

A server on a kept database has a worker and two more clients. Round after round one to three faults
hit it at once; each has to heal. A watcher looks all the time whether what must never be is so. In
the end every workflow whose start was acknowledged must have ended with the right result.
"""
