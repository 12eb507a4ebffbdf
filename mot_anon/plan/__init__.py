"""Who is covered where, and by which identity."""
