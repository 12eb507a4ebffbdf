"""What publishing cost: tracking, scores, statistics, gate."""
