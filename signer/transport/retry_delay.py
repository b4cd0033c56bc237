"""How long a refused client is asked to stay away: longer while most of its calls are refused, shorter again when few are.

One for each client, so that nobody waits for what others do. Not for deciding who is refused: `admission`.
"""

from __future__ import annotations

_WINDOW_S = 0.5
_SHORTEST_S = 0.1
_LONGEST_S = 10.0
# More refused calls than this, for each served one, cost more than they bring: at ten times the callers, in runs of 20 s, a
# quarter left 0.89 and 0.91 of the capacity to those who were served, a tenth 0.99 and 0.97; some wait in the queue at both.
_TOO_MANY = 0.1


class RetryDelay:
    """Counts over half a second; doubles or shrinks the delay at its end."""

    def __init__(self) -> None:
        self._delay = _SHORTEST_S
        self._began = 0.0
        self._served = 0
        self._refused = 0

    def refused(self, now: float) -> float:
        """Counts a refusal; the seconds to stay away. `now`: on a monotonic clock."""
        self._turn_over(now)
        self._refused += 1
        return self._delay

    def served(self, now: float) -> None:
        """Counts a served call."""
        self._turn_over(now)
        self._served += 1

    def _turn_over(self, now: float) -> None:
        passed = now - self._began
        if passed < _WINDOW_S:
            return
        if passed < 4 * _WINDOW_S and self._refused > _TOO_MANY * self._served:
            self._delay = min(_LONGEST_S, self._delay * 2)
        else:
            self._delay = max(_SHORTEST_S, self._delay * 0.7)
        self._began, self._served, self._refused = now, 0, 0
