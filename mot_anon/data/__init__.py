"""What lies on disk: sequences, MOTChallenge text, frames, the demo."""
