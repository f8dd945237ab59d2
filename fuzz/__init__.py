"""Bodies that nobody would think of, fed to every reader and to the comparison as a whole, guided by coverage.

``targets`` says what is fed to what, and what must hold; ``python -m fuzz <target> --seconds N`` runs one under atheris
(libFuzzer), ``python -m fuzz all`` one after another. Nothing here is part of the product.
"""
