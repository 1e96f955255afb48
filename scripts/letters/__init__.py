"""Dead letters as people handle them: read, shown, mended and replayed."""
