"""Numbers of the DSO+T study's agents that are faults: mended here unless asked for by name."""

from enum import Flag, auto


class Fault(Flag):
    """What tesp-support's agents do, each to be switched on for a comparison with them.

    Source: tesp-support 1.3.7, tesp_support/dsot: hvac_agent.py, water_heater_agent.py, battery_agent.py, ev_agent.py.
    """

    NONE = 0
    """Everything mended."""
    EFFICIENCY_AS_PERCENTAGE = auto()
    """Storage: an efficiency of 0.95 is taken for a loss of 0.95 %."""
    DEGRADATION_TIMES_THOUSANDTH = auto()
    """Battery: wear costs a thousandth of what the settings say."""
    MARGIN_AS_FACTOR = auto()
    """Battery: a profit margin of 10 % makes wear eleven times as dear, not 1.1 times."""
    RATING_AT_THE_STORE = auto()
    """Storage: ratings limit what enters and leaves the store, so that the grid sees more or less by the losses."""
    TANK_HEIGHT_MULTIPLIED = auto()
    """Water heater: the tank's height is its volume times its floor in feet, not the volume by the floor."""
    RATING_IN_ANY_WEATHER = auto()
    """HVAC: the power when running is that of the rating's outdoor temperature at any other, too."""
    HEATING_COP_OF_WARM_WEATHER = auto()
    """Heat pump: it gives as much as at 80 degF, however cold it is."""
    LATENT_HEAT_IN_HEATING = auto()
    """Heat pump: part of what it moves is taken for condensation when it heats, too."""
    RESISTANCE_HEATING_UNSEEN = auto()
    """Resistance heating bids nothing and so vanishes from the demand."""
    NINE_TENTHS_OF_RATING = auto()
    """HVAC in real time: who runs through the whole period bids 0.9 of the rated power."""
    SLIDER_MISSING_IN_REAL_TIME = auto()
    """Water heater in real time: the slope of the bid is that of a slider at 1."""
    INELASTIC_IF_UNIDIRECTIONAL = auto()
    """Electric vehicle in real time: one that cannot discharge bids its plan at any price."""
    TRIP_TAKEN_WHILE_AWAY = auto()
    """Electric vehicle: one that is away in the first hour is charged for its trip again."""
    CLIFF_AT_FLAT_FORECAST = auto()
    """All: bids get as steep as the forecast is flat, until everything switches at one price."""
