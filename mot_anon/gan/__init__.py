"""Networks that draw people who do not exist, and what trains them."""
