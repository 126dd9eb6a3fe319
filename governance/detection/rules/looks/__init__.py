"""Looks without a reason, taken together: a person's day against everybody else's."""
