"""Pure device models: all devices of a kind as arrays, stepped at once, in kW, kWh and degC."""
