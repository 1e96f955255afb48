"""What settlement should have booked, computed again from the facts of a log.

Independent of streams/programs: only the rates are shared. Next to the rules, not fast; exact, in
integers and fractions.

    told.py      what the programs look at, gathered from the recount: days, heads, views before
    targets.py   accounts with what they should have, keys nobody can compute, the split of an amount
    fund.py rewards.py orders.py affiliate.py sale.py deals.py    the programs
"""
