"""What `engage bench` measures, one thing a file.

source.py          the broker and the topics, filled beforehand; the recount that says what is right
full_path.py       Kafka -> everything -> visible in ClickHouse: the product, one worker, one core
inexact_worker.py  the same worker without checkpoints and commits: what exactness costs
stock_faust.py     what Faust itself does: one count per event
floor.py           a plain consumer that keeps nothing: how fast Python could be at best
verify.py          every view against the recount, after each run of a worker
measured.py        from samples to events per second and CPU per event
report.py          the table and the JSON; chart.py the picture; machine.py where it was measured
cores.py, child.py processes on the measured core
"""
