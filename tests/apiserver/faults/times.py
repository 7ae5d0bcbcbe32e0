"""How long, how often, how many: a tenth of the real times and a part of the places, or with CHAOS=1 all of both."""

import os

CHAOS = os.environ.get("CHAOS") == "1"  # `make chaos`
SCALE = 1.0 if CHAOS else 0.1  # of the times of a real installation
SETTLE_SECONDS = 300.0 if CHAOS else 60.0  # a deadline, not a wait: a loaded machine takes its time
DEAF_SECONDS_MAX = 90.0 * SCALE + 2  # in which an edit behind silent watches is seen
KILLS_OF_AN_ACT = 1000 if CHAOS else 5  # of an operator within a change, 20 in all; a creation is tried at every write
EVENTS_OF_AN_ACT = 1000 if CHAOS else 4  # that are dropped or held back, creation among the acts: 20 in all, too
SPECS = 1000 if CHAOS else 40  # edits of those that the schema gives, some 400
LEADERS_KILLED = 20 if CHAOS else 4
AWAY_SECONDS = 300.0 if CHAOS else 3.0  # the API server: two leases, at a tenth
REST_SECONDS = 900.0 if CHAOS else 4.5  # longer than every period but the resync, at a tenth
SILENCE_SECONDS = 70.0 if CHAOS else 2.0  # inactivity of watches, where only what follows it is of interest
