"""Two observations compared: what disagrees, where, and which rule hid what. Pure.

``comparison`` looks at status and headers and hands two documents to ``walk``; ``align`` and ``content`` tell which
element of one list is which of the other; ``findings`` keeps what was found, with paths and signatures.
"""
