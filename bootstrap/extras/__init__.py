"""What somebody has added to an environment, carried over into its successor.

::

    find → pack into wheels → choose what fits → install it → keep the other wheels

It is the user's: it comes from no bundle, is in no inventory, and is neither trusted nor
repaired. Only its own RECORD says what belongs to it.
"""

from bootstrap.extras.carry import carry_over, keep_wheels, require_no_link
from bootstrap.extras.choose import Terms, choose
from bootstrap.extras.find import find_extras
from bootstrap.extras.model import CarriedOver, Extra, LeftOut
from bootstrap.extras.repack import repack

__all__ = [
    "CarriedOver",
    "Extra",
    "LeftOut",
    "Terms",
    "carry_over",
    "choose",
    "find_extras",
    "keep_wheels",
    "repack",
    "require_no_link",
]
