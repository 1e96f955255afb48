"""Breaking a running pipeline at random instants, and the proof that nothing came of it.

    python -m tests.crash --kills 100 --seed 7 --brokers 3 --report docs/reliability

The short form is tests/kafka/test_crash.py.
"""
