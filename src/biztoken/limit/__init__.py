"""How many requests may be in flight at once: bursts over warm connections, confirmed or refused, never guessed.

`search` decides and knows no network; `firing` sends and decides nothing.
"""
