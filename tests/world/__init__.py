"""The world that tests run in: a real AWS emulator, what can go wrong on the way to it, and a company that lives there."""
