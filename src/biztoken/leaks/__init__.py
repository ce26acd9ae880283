"""Whether anything private stands in what a run wrote: canaries, and the search for them.

The canaries are the run's own: every api_secret, the passwords of url and proxy, the person, each ID number and
signature that was sent, pieces of each picture. A planted marker would show only that its own way is closed; these are
what must not get out, and they go every way that there is.

A text is searched as it is and in each of SPELLINGS, as JSON and HTML nest them; signatures by their digest, pictures
by windows of their bytes. Not searched, because a hit would say nothing: texts under LEAST bytes; digits alone under
LEAST_DIGITS of them, or as a part of other digits or words below SURE_DIGITS; a text that our own files hold, such as a
common name. Nor is what only a reader with tools sees: an encoding of an encoding that is not
named here, compression, a hash, the order turned round; nor names that cases hold or fuzzing draws: of no person.
"""

from biztoken.leaks.canary import LEAST, LEAST_CODED, Canary, Needle, canaries, needles_of
from biztoken.leaks.recorder import Recorder
from biztoken.leaks.search import CHUNK, Leak, problem, search, search_text
from biztoken.leaks.spellings import SPELLINGS

__all__ = [
    "CHUNK",
    "LEAST",
    "LEAST_CODED",
    "SPELLINGS",
    "Canary",
    "Leak",
    "Needle",
    "Recorder",
    "canaries",
    "needles_of",
    "problem",
    "search",
    "search_text",
]
