"""Day-ahead plans of thousands of devices by batched optimisation, and the bids that follow from them."""
