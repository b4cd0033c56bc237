"""The portal: the 验真 page in browsers. A client of the appliance like any other, without keys, database and archive.

Not for queries by number: what is known about a document is shown for its bytes alone.
"""
