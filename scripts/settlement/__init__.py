"""Settlement at its edges: facts out of ClickHouse, entries into it.

facts.py     rows of the results -> the plain facts that streams/programs take
targets.py   which program is asked for what: a pay day, a UTC day, orders and deals as of a time
booked.py    what is booked already
booking.py   what is missing (streams/settlement.py) is written
payments.py  payouts are decided one after the other, then booked
texts.py     an entry and its arithmetic, for people
"""
