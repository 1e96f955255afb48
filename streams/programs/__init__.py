"""What creators earn: one file per program, pure functions from facts to ledger lines.

facts.py          what a program is told, as plain rows
lines.py          what it answers: target lines with their arithmetic, and refusals
money.py days.py  exact division, bounds, pay days

creator_fund creator_rewards brand_deal affiliate sale   the programs
attribution orders engagement collaboration payout       what they share, and what follows
gift_catalogue                                           the price list of gifts

A line is a target: what an account should have been booked in all. `streams/settlement.py` books
the difference to what it has.
"""
