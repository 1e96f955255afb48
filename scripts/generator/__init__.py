"""The model behind `engage generate`: a seeded world whose figures are those of real logs.

figures      published rates and distributions, each with its source
population   creators, videos and users
timeline     events before they have ids and arrival times
sessions     people scrolling: impressions, views, likes, comments, follows and their undoing
lives        live sessions and gift streaks
commerce     clicks, orders, brand deals
abuse        bot bursts and their invalidation
faults       broken and unknown messages
arrival      ids, delays, duplicates: from what happened to what arrives
model        all of it, for a file
load         the same world as a fast endless stream, for load on Kafka
"""
