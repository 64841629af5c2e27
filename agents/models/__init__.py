"""Pure device models: one object is one device, stepped in kW, kWh and degC."""
