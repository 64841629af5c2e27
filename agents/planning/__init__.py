"""Day-ahead plans of thousands of devices by batched optimisation, and the bids that follow from them.

`hvac`, `water_heater`, `battery` and `electric_vehicle` each have ``plan``, the quantities of a horizon, and
``response``, how far and how steeply a device departs from them; the latter three also ``range_kw``, what its state
allows in real time. `bids` makes four-point curves of both. Underneath, `problem` says what is solved, `solver` solves
it, and `faults` are the DSO+T study's, to be switched on for a comparison. Nothing here knows of bus or clock.
"""
