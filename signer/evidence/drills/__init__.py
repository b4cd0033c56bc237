"""Emergency drills: plans as data, scenarios as steps, the record on site, and when one is due. See docs/evidence.md."""
