"""A simulated platform: users, creators and a feed, played through the real pipeline."""
