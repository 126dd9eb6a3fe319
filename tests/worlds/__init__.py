"""Worlds: what a test begins with, made of real parts on a throwaway database, and the words to speak to it.

1. Everything goes in as it does in life: registered, signed, sent, recorded. No row is written by hand.
2. A world has no assertions of its own beyond those that say it could not be made.
3. ``basics`` holds the noon, the address and the keys that all of them share.
"""
