"""Device agents, their models and strategies, and the customers who own them."""
