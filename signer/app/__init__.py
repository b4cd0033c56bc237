"""Puts the rooms together into processes: the supervisor and what it starts. The only place that knows them all."""
