"""A run split over processes: one keeps time and records, the others run the components and follow it, round by round.

Nothing here knows which network carries the frames; ``gridbus.kernel.nats`` is one that does.
"""
